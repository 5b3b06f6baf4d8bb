import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.io.*;
import java.sql.*;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.hadoop.hbase.*;
import org.apache.hadoop.hbase.client.*;

/**
 * Runs what it reads line by line: an SQL statement over Phoenix's own JDBC driver, or "!flush TABLE",
 * "!compact TABLE", "!reopen TABLE" and "!scan TABLE" through HBase's client. It answers one line for each row, tab-separated, and ends each answer with
 * a line that is "." or "!" and an error.
 */
public class Sql {
    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
        System.setOut(System.err);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (java.sql.Connection sql = DriverManager.getConnection(args[0])) {
            sql.setAutoCommit(true);
            out.println(".");
            out.flush();
            for (String line; (line = in.readLine()) != null;) {
                try {
                    if (line.startsWith("!")) admin(line.substring(1).split(" "), out);
                    else run(sql, line, out);
                    out.println(".");
                } catch (Exception e) {
                    out.println("!" + String.valueOf(e.getMessage()).replace('\n', ' '));
                }
                out.flush();
            }
        }
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
            case "reopen":
                try (AsyncConnection async = ConnectionFactory.createAsyncConnection(HBaseConfiguration.create()).get()) {
                    AsyncAdmin at = async.getAdmin();
                    List<CompletableFuture<Void>> moves = new ArrayList<>();
                    for (RegionInfo region : admin.getRegions(table)) {
                        byte[] name = region.getRegionName();
                        moves.add(at.unassign(name).thenCompose(closed -> at.assign(name)));
                    }
                    CompletableFuture.allOf(moves.toArray(new CompletableFuture[0])).get();
                }
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
