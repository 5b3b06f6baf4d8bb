package real

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// HBase is a master, a region server and a ZooKeeper in one process, with Phoenix in the servers.
type HBase struct {
	ZooKeeper string // 127.0.0.1:port
	SQL       *SQL

	folder, classpath string
	process           *process
}

// StartHBase returns when a JDBC connection stands and Phoenix has its system tables. HBase keeps its
// data below folder.
func StartHBase(ctx context.Context, folder string) (*HBase, error) {
	classpath, err := Jars(ctx, "hbase")
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	h := &HBase{
		ZooKeeper: fmt.Sprintf("127.0.0.1:%d", ports[0]), folder: folder,
		classpath: filepath.Join(folder, "conf") + ":" + filepath.Join(classpath, "*"),
	}
	if err := h.configure(ports); err != nil {
		return nil, fmt.Errorf("configure HBase: %w", err)
	}
	if err := h.Start(ctx); err != nil {
		return nil, err
	}
	return h, nil
}

func (h *HBase) configure(ports []int) error {
	settings := map[string]string{
		"hbase.cluster.distributed": "false",
		"hbase.rootdir":             "file://" + filepath.Join(h.folder, "hbase"), "hbase.tmp.dir": filepath.Join(h.folder, "tmp"),
		"hbase.zookeeper.property.dataDir":    filepath.Join(h.folder, "zookeeper"),
		"hbase.zookeeper.property.clientPort": strconv.Itoa(ports[0]), "hbase.zookeeper.quorum": "127.0.0.1",
		// A busy machine must not lose the session with its own ZooKeeper.
		"hbase.zookeeper.property.tickTime": "9000", "zookeeper.session.timeout.localHBaseCluster": "180000",
		"hbase.unsafe.stream.capability.enforce": "false", "hbase.defaults.for.version.skip": "true",
		"hbase.master.ipc.address": "127.0.0.1", "hbase.regionserver.ipc.address": "127.0.0.1",
		"hbase.master.hostname": "localhost", "hbase.unsafe.regionserver.hostname": "localhost",
		"hbase.master.port": strconv.Itoa(ports[1]), "hbase.regionserver.port": strconv.Itoa(ports[2]),
		"hbase.localcluster.assign.random.ports": "false",
		"hbase.master.info.port":                 "-1", "hbase.regionserver.info.port": "-1", // no web pages
		// Without it Phoenix refuses to create an index on a mutable table.
		"hbase.regionserver.wal.codec":                 "org.apache.hadoop.hbase.regionserver.wal.IndexedWALEditCodec",
		"hbase.master.start.timeout.localHBaseCluster": "300000",
		"phoenix.schema.isNamespaceMappingEnabled":     "false",
	}
	var text strings.Builder
	text.WriteString("<configuration>\n")
	for name, value := range settings {
		fmt.Fprintf(&text, "<property><name>%s</name><value>%s</value></property>\n", name, value)
	}
	text.WriteString("</configuration>\n")
	conf := filepath.Join(h.folder, "conf")
	return errors.Join(
		os.MkdirAll(conf, 0o755),
		os.WriteFile(filepath.Join(conf, "hbase-site.xml"), []byte(text.String()), 0o644),
		os.WriteFile(filepath.Join(conf, "log4j2.properties"), []byte("status = warn\nrootLogger.level = warn\n"+
			"rootLogger.appenderRef.c.ref = c\nappender.c.type = Console\nappender.c.name = c\nappender.c.target = SYSTEM_ERR\n"+
			"appender.c.layout.type = PatternLayout\nappender.c.layout.pattern = %d{ISO8601} %-5p [%t] %c{2}: %.1000m%n\n"), 0o644),
	)
}

// Start runs HBase again after Stop or Kill, on the same addresses and data. After an error nothing runs.
func (h *HBase) Start(ctx context.Context) (err error) {
	h.process, err = start("hbase", h.folder, "-Xmx2g", "-cp", h.classpath, "org.apache.hadoop.hbase.master.HMaster", "start")
	if err != nil {
		return err
	}
	err = h.process.await(ctx, func(context.Context) error {
		conn, err := net.Dial("tcp", h.ZooKeeper)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	if err == nil {
		h.SQL, err = connect(ctx, h)
	}
	if err != nil {
		h.process.kill()
	}
	return err
}

// Stop ends HBase in order.
func (h *HBase) Stop() {
	h.SQL.close()
	h.process.stop()
}

// Kill ends HBase as a power failure would.
func (h *HBase) Kill() {
	h.SQL.close()
	h.process.kill()
}

// VerifyIndex has Phoenix's IndexTool compare a table with its index, changing neither, and returns
// what it counted, by the names it uses.
func (h *HBase) VerifyIndex(ctx context.Context, schema, table, index string) (map[string]int, error) {
	verify := exec.CommandContext(ctx, "java", "-Xmx1g", "-cp", h.classpath, "org.apache.phoenix.mapreduce.index.IndexTool",
		"-s", schema, "-dt", table, "-it", index, "-v", "ONLY", "-runfg", "-op", filepath.Join(h.folder, "verified"))
	verify.Dir = h.folder
	if output, err := verify.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("verify the index %s: %w; its end:\n%s", index, err, output[max(0, len(output)-3000):])
	}
	cells, err := h.SQL.Scan("PHOENIX_INDEX_TOOL_RESULT")
	if err != nil {
		return nil, fmt.Errorf("read what the verification of %s counted: %w", index, err)
	}
	counted := map[string]int{}
	for _, cell := range cells {
		if n, err := strconv.Atoi(cell[2]); err == nil {
			counted[cell[1]] += n
		}
	}
	return counted, nil
}

func freePorts(n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer listener.Close() // together, so that no port comes twice
		ports[i] = listener.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}
