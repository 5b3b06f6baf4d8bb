import java.nio.charset.StandardCharsets;
import java.util.*;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hbase.*;
import org.apache.hadoop.hbase.client.*;
import org.apache.hadoop.hbase.client.Row;
import org.apache.hadoop.hbase.filter.*;

public class Main {

    static final TableName TABLE = TableName.valueOf("CLIENTS.JAVA");
    static final byte[] F = bytes("f");
    static final byte[] Q = bytes("q");
    static Calls calls;
    static Connection connection;

    public static void main(String[] args) throws Exception {
        calls = new Calls("hbase-client", Calls.at("VERSION"));
        Configuration settings = HBaseConfiguration.create();
        String[] zookeeper = Calls.at("ZOOKEEPER").split(":");
        settings.set("hbase.zookeeper.quorum", zookeeper[0]);
        settings.set("hbase.zookeeper.property.clientPort", zookeeper[1]);
        settings.set("hbase.client.retries.number", "2");
        settings.set("hbase.rpc.timeout", "10000");
        settings.set("hbase.client.operation.timeout", "15000");
        connection = ConnectionFactory.createConnection(settings);
        try (AsyncConnection async = ConnectionFactory.createAsyncConnection(settings).get()) {
            calls.first("getClusterId", () -> Calls.equal(connection.getClusterId().isEmpty(), false));
            administration();
            writes();
            scans(async);
            filters();
            refusals();
        }
        calls.end();
    }

    static void administration() throws Exception {
        Admin admin = connection.getAdmin();
        calls.call("createTable", () ->
            admin.createTable(
                TableDescriptorBuilder.newBuilder(TABLE)
                    .setColumnFamily(ColumnFamilyDescriptorBuilder.newBuilder(F).setMaxVersions(3).build())
                    .build(),
                new byte[][] { bytes("r025"), bytes("r050"), bytes("r075") }
            )
        );
        calls.call("tableExists", () ->
            Calls.equal(admin.tableExists(TABLE) && !admin.tableExists(TableName.valueOf("NONE")), true)
        );
        calls.call("isTableEnabled", () -> Calls.equal(admin.isTableEnabled(TABLE), true));
        calls.call("listTableNames", () -> Calls.equal(Arrays.asList(admin.listTableNames()).contains(TABLE), true));
        calls.call("getClusterMetrics", () -> Calls.equal(admin.getClusterMetrics().getLiveServerMetrics().size(), 1));
        calls.call("getDescriptor", () ->
            Calls.equal(admin.getDescriptor(TABLE).getColumnFamily(F).getMaxVersions(), 3)
        );
        calls.call("getRegions", () -> Calls.equal(admin.getRegions(TABLE).size(), 4));
        calls.call("isTableAvailable", () -> Calls.equal(admin.isTableAvailable(TABLE), true));
        calls.call("getAllRegionLocations", () ->
            Calls.equal(connection.getRegionLocator(TABLE).getAllRegionLocations().size(), 4)
        );
    }

    static void writes() throws Exception {
        Table table = connection.getTable(TABLE);
        calls.call("put", () -> table.put(put(0)));
        calls.call("put of a list", () -> {
            List<Put> puts = new ArrayList<>();
            for (int i = 1; i < 100; i++) puts.add(put(i));
            table.put(puts);
        });
        calls.call("BufferedMutator", () -> {
            try (BufferedMutator mutator = connection.getBufferedMutator(TABLE)) {
                mutator.mutate(new Put(bytes("x1")).addColumn(F, Q, bytes("v")));
            }
            Calls.equal(table.exists(new Get(bytes("x1"))), true);
        });
        calls.call("get", () -> Calls.equal(text(table.get(new Get(key(7))).getValue(F, Q)), "v7"));
        calls.call("get of a list", () ->
            Calls.equal(table.get(List.of(new Get(key(1)), new Get(key(60)))).length, 2)
        );
        calls.call("versions", () -> {
            for (long t = 1; t < 4; t++) table.put(new Put(bytes("x2")).addColumn(F, Q, t, bytes("v" + t)));
            List<String> values = new ArrayList<>();
            for (Cell cell : table.get(new Get(bytes("x2")).readVersions(2)).rawCells())
                values.add(text(CellUtil.cloneValue(cell)));
            Calls.equal(values, List.of("v3", "v2"));
        });
        calls.call("delete of a column", () -> {
            table.delete(new Delete(bytes("x2")).addColumns(F, Q));
            Calls.equal(table.exists(new Get(bytes("x2"))), false);
        });
        calls.call("delete of a row", () -> {
            table.delete(new Delete(bytes("x1")));
            Calls.equal(table.exists(new Get(bytes("x1"))), false);
        });
        calls.call("batch", () -> {
            Object[] results = new Object[3];
            Put put = new Put(bytes("x3")).addColumn(F, Q, bytes("v"));
            table.batch(List.<Row>of(put, new Get(key(7)), new Delete(bytes("x3"))), results);
            Calls.equal(text(((Result) results[1]).getValue(F, Q)), "v7");
            table.delete(new Delete(bytes("x3")));
        });
        calls.call("SKIP_WAL", () -> {
            table.put(new Put(bytes("x4")).addColumn(F, Q, bytes("v")).setDurability(Durability.SKIP_WAL));
            table.delete(new Delete(bytes("x4")));
        });
        calls.call("a cell of 5 MB", () -> {
            table.put(new Put(bytes("x5")).addColumn(F, Q, new byte[5 << 20]));
            Calls.equal(table.get(new Get(bytes("x5"))).getValue(F, Q).length, 5 << 20);
            table.delete(new Delete(bytes("x5")));
        });
        calls.call("a table that is not", () -> {
            try {
                connection.getTable(TableName.valueOf("NONE")).get(new Get(key(1)));
            } catch (TableNotFoundException e) {
                return;
            }
            throw new Calls.Wrong("it was read");
        });
    }

    static void scans(AsyncConnection async) {
        scan("scan", new Scan(), 100, "v0");
        scan("scan reversed", new Scan().setReversed(true), 100, "v99");
        scan("scan with a limit", new Scan().setLimit(30), 30, "v0");
        scan("scan with caching", new Scan().setCaching(7), 100, "v0");
        Scan range = new Scan().withStartRow(key(20)).withStopRow(key(60), true);
        scan("scan of a range", range, 41, "v20");
        scan("scan of a prefix", new Scan().setStartStopRowForPrefixScan(bytes("r01")), 10, "v10");
        scan("scan of a time range", timeRange(), 0, null);
        Scan uncommitted = new Scan().setIsolationLevel(IsolationLevel.READ_UNCOMMITTED);
        scan("scan READ_UNCOMMITTED", uncommitted, 100, "v0");
        scan("scan prefetching", new Scan().setAsyncPrefetch(true), 100, "v0");
        scan("scan with metrics", new Scan().setScanMetricsEnabled(true), 100, "v0");
        calls.call("scanAll, asynchronous", () ->
            Calls.equal(async.getTable(TABLE).scanAll(new Scan()).get().size(), 100)
        );
        calls.call("scan of hbase:meta", () -> {
            try (
                ResultScanner rows = connection
                    .getTable(TableName.META_TABLE_NAME)
                    .getScanner(new Scan().setStartStopRowForPrefixScan(bytes("CLIENTS.JAVA,")))
            ) {
                Calls.equal(count(rows), 4);
            }
        });
    }

    static Scan timeRange() {
        try {
            return new Scan().setTimeRange(1, 2);
        } catch (java.io.IOException e) {
            throw new IllegalStateException(e);
        }
    }

    static void scan(String name, Scan scan, int rows, String first) {
        calls.call(name, () -> {
            try (ResultScanner scanner = connection.getTable(TABLE).getScanner(scan)) {
                Result row = scanner.next();
                Calls.equal(row == null ? null : text(row.getValue(F, Q)), first);
                Calls.equal((row == null ? 0 : 1) + count(scanner), rows);
            }
        });
    }

    static int count(ResultScanner scanner) throws Exception {
        int rows = 0;
        while (scanner.next() != null) rows++;
        return rows;
    }

    static void filters() {
        BinaryComparator v7 = new BinaryComparator(bytes("v7"));
        filter("PrefixFilter", new PrefixFilter(bytes("r01")), 10, "v10");
        filter("PageFilter", new FilterList(new PrefixFilter(bytes("r00")), new PageFilter(3)), 3, "v0");
        filter("RowFilter", new RowFilter(CompareOperator.EQUAL, new SubstringComparator("01")), 11, "v1");
        filter("SingleColumnValueFilter", new SingleColumnValueFilter(F, Q, CompareOperator.EQUAL, v7), 1, "v7");
        filter("QualifierFilter", new QualifierFilter(CompareOperator.EQUAL, new BinaryComparator(Q)), 100, "v0");
        filter("FirstKeyOnlyFilter", new FirstKeyOnlyFilter(), 100, "v0");
        filter("KeyOnlyFilter", new KeyOnlyFilter(), 100, "");
        filter("TimestampsFilter", new TimestampsFilter(List.of(1L)), 0, null);
        filter("ValueFilter", new ValueFilter(CompareOperator.EQUAL, v7), 1, "v7");
        filter("FamilyFilter", new FamilyFilter(CompareOperator.EQUAL, new BinaryComparator(F)), 100, "v0");
        filter("ColumnPrefixFilter", new ColumnPrefixFilter(Q), 100, "v0");
        filter("ColumnPaginationFilter", new ColumnPaginationFilter(1, 0), 100, "v0");
        filter("InclusiveStopFilter", new InclusiveStopFilter(key(9)), 10, "v0");
        filter("RandomRowFilter", new RandomRowFilter(1), 100, "v0");
        filter("WhileMatchFilter", new WhileMatchFilter(new PrefixFilter(bytes("r0"))), 100, "v0");
        filter("SkipFilter", new SkipFilter(new ValueFilter(CompareOperator.NOT_EQUAL, v7)), 99, "v0");
        filter(
            "RegexStringComparator",
            new RowFilter(CompareOperator.EQUAL, new RegexStringComparator("r01.")),
            10,
            "v10"
        );
    }

    static void refusals() throws Exception {
        Admin admin = connection.getAdmin();
        Table table = connection.getTable(TABLE);
        scan("raw scan", new Scan().setRaw(true), 100, "v0");
        calls.call("TTL of a cell", () -> table.put(put(0).setTTL(1000)));
        calls.call("attribute", () -> table.put((Put) put(0).setAttribute("clients", bytes("x"))));
        calls.call("increment", () -> table.increment(new Increment(key(0)).addColumn(F, bytes("n"), 1)));
        calls.call("append", () -> table.append(new Append(key(0)).addColumn(F, Q, bytes("x"))));
        calls.call("checkAndMutate", () ->
            table.checkAndMutate(CheckAndMutate.newBuilder(key(0)).ifEquals(F, Q, bytes("v0")).build(put(0)))
        );
        calls.call("mutateRow", () -> table.mutateRow(RowMutations.of(List.of(put(0)))));
        calls.call("listNamespaces", () -> admin.listNamespaces());
        calls.call("disableTable", () -> admin.disableTable(TABLE));
        calls.call("deleteTable", () -> admin.deleteTable(TABLE));
        calls.call("truncateTable", () -> admin.truncateTable(TABLE, true));
        calls.call("addColumnFamily", () -> admin.addColumnFamily(TABLE, ColumnFamilyDescriptorBuilder.of("g")));
        calls.call("flush", () -> admin.flush(TABLE));
        calls.call("compact", () -> admin.compact(TABLE));
        calls.call("split", () -> admin.split(TABLE, bytes("r010")));
        calls.call("snapshot", () -> admin.snapshot("clients", TABLE));
        calls.call("balance", () -> admin.balance());
    }

    static void filter(String name, Filter filter, int rows, String first) {
        scan(name, new Scan().setFilter(filter).setCaching(200), rows, first);
    }

    static Put put(int i) {
        return new Put(key(i)).addColumn(F, Q, bytes("v" + i));
    }

    static byte[] key(int i) {
        return bytes(String.format("r%03d", i));
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
