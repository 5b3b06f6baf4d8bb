import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.io.*;
import java.sql.*;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import org.apache.hadoop.hbase.*;
import org.apache.hadoop.hbase.client.*;
import org.apache.phoenix.schema.types.PDataType;

/**
 * Connects to the URL of its first argument with the properties, name=value, of the others. Then it
 * runs what it reads line by line: an SQL statement over Phoenix's own JDBC driver; "!flush TABLE",
 * "!compact TABLE", "!move TABLE", "!split TABLE KEY" or "!scan TABLE" through HBase's client; or
 * "!bytes TYPE VALUE". It answers one line for each row, tab-separated, and ends each answer with a
 * line that is "." or "!" and an error.
 */
public class Sql {
    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
        System.setOut(System.err);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Properties properties = new Properties();
        for (int i = 1; i < args.length; i++) properties.setProperty(args[i].split("=", 2)[0], args[i].split("=", 2)[1]);
        try (java.sql.Connection sql = DriverManager.getConnection(args[0], properties)) {
            sql.setAutoCommit(true);
            out.println(".");
            out.flush();
            for (String line; (line = in.readLine()) != null;) {
                try {
                    if (line.startsWith("!bytes ")) out.println("=" + encoded(line.split(" ", 3)));
                    else if (line.startsWith("!")) admin(line.substring(1).split(" "), out);
                    else run(sql, line, out);
                    out.println(".");
                } catch (Exception e) {
                    out.println("!" + causes(e).replace('\n', ' '));
                }
                out.flush();
            }
        }
    }

    /** What an error says, and what those say that caused it: the server's own may stand last. */
    static String causes(Throwable e) {
        StringBuilder text = new StringBuilder(String.valueOf(e.getMessage()));
        for (e = e.getCause(); e != null; e = e.getCause()) text.append("; ").append(e);
        return text.toString();
    }

    static void run(java.sql.Connection sql, String text, PrintStream out) throws SQLException {
        try (Statement statement = sql.createStatement()) {
            if (!statement.execute(text)) return;
            ResultSet rows = statement.getResultSet();
            int columns = rows.getMetaData().getColumnCount();
            while (rows.next()) {
                StringBuilder line = new StringBuilder("=");
                for (int i = 1; i <= columns; i++) {
                    if (i > 1) line.append('\t');
                    line.append(show(rows.getObject(i)));
                }
                out.println(line);
            }
        }
    }

    /** The bytes, in hexadecimal, that Phoenix makes of a value of an SQL type: "!bytes TYPE VALUE". */
    static String encoded(String[] words) {
        PDataType<?> type = PDataType.fromSqlTypeName(words[1]);
        Object value;
        switch (words[1]) {
        case "TIMESTAMP": value = Timestamp.from(Instant.parse(words[2])); break;
        case "DATE": value = new java.sql.Date(Long.parseLong(words[2])); break;
        default: value = type.toObject(words[2]);
        }
        return value == null ? "" : HexFormat.of().formatHex(type.toBytes(value));
    }

    static String show(Object value) {
        if (value == null) return "null";
        if (value instanceof Timestamp) return Long.toString(((Timestamp) value).getTime());
        if (value instanceof BigDecimal) return ((BigDecimal) value).stripTrailingZeros().toPlainString();
        return value.toString().replace("\t", " ").replace("\n", " ");
    }

    static void admin(String[] words, PrintStream out) throws Exception {
        TableName table = TableName.valueOf(words[1]);
        try (org.apache.hadoop.hbase.client.Connection connection = ConnectionFactory.createConnection(HBaseConfiguration.create());
                Admin admin = connection.getAdmin()) {
            switch (words[0]) {
            case "flush":
                admin.flush(table);
                return;
            case "compact":
                long before = System.currentTimeMillis();
                admin.majorCompact(table);
                for (RegionInfo region : admin.getRegions(table)) {
                    // An empty region is never compacted.
                    while (files(admin, region) > 0 && admin.getLastMajorCompactionTimestampForRegion(region.getRegionName()) < before) {
                        Thread.sleep(100);
                    }
                }
                return;
            case "move":
                try (AsyncConnection async = ConnectionFactory.createAsyncConnection(HBaseConfiguration.create()).get();
                        RegionLocator locator = connection.getRegionLocator(table)) {
                    List<ServerName> servers = new ArrayList<>(admin.getRegionServers());
                    for (int waits = 0; servers.size() < 2; waits++) { // the second one reports itself some time after its start
                        if (waits == 600) throw new IllegalStateException("there is no other region server");
                        Thread.sleep(100);
                        servers = new ArrayList<>(admin.getRegionServers());
                    }
                    List<CompletableFuture<Void>> moves = new ArrayList<>();
                    for (HRegionLocation at : locator.getAllRegionLocations()) {
                        ServerName other = servers.get((servers.indexOf(at.getServerName()) + 1) % servers.size());
                        moves.add(async.getAdmin().move(at.getRegion().getRegionName(), other));
                    }
                    CompletableFuture.allOf(moves.toArray(new CompletableFuture[0])).get();
                }
                return;
            case "split":
                List<RegionInfo> regions = admin.getRegions(table);
                List<RegionInfo> unsplit = new ArrayList<>();
                for (RegionInfo region : regions) {
                    if (regions.stream().filter(other -> salt(other) == salt(region)).count() == 1) unsplit.add(region);
                }
                if (unsplit.size() < 4) throw new IllegalStateException("only " + unsplit.size() + " regions are not split");
                for (RegionInfo region : unsplit.subList(0, 4)) {
                    byte[] salt = {salt(region)};
                    byte[] point = org.apache.hadoop.hbase.util.Bytes.add(salt, words[2].getBytes(StandardCharsets.UTF_8));
                    admin.splitRegionAsync(region.getRegionName(), point).get();
                }
                if (admin.getRegions(table).size() != regions.size() + 4) throw new IllegalStateException("not every region was split");
                return;
            case "scan":
                try (ResultScanner rows = connection.getTable(table).getScanner(new Scan())) {
                    for (Result row : rows) {
                        for (Cell cell : row.rawCells()) {
                            out.println("=" + text(CellUtil.cloneRow(cell)) + "\t" + text(CellUtil.cloneQualifier(cell)) + "\t"
                                + text(CellUtil.cloneValue(cell)));
                        }
                    }
                }
                return;
            default:
                throw new IllegalArgumentException("no command " + words[0]);
            }
        }
    }

    /** The salt of the keys of a region of a salted table. */
    static byte salt(RegionInfo region) {
        return region.getStartKey().length == 0 ? 0 : region.getStartKey()[0];
    }

    static String text(byte[] bytes) {
        return org.apache.hadoop.hbase.util.Bytes.toStringBinary(bytes);
    }

    static int files(Admin admin, RegionInfo region) throws Exception {
        for (ServerName server : admin.getRegionServers()) {
            for (RegionMetrics metrics : admin.getRegionMetrics(server)) {
                if (java.util.Arrays.equals(metrics.getRegionName(), region.getRegionName())) return metrics.getStoreFileCount();
            }
        }
        return 0;
    }
}
