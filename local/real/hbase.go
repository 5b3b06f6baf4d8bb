package real

import (
	"context"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"feedstream/local/real/wire"
)

// HBase is a ZooKeeper, a master and a region server in one process and a second region server in
// another, with Phoenix in the servers.
type HBase struct {
	*Client

	ports           hbasePorts
	bind            string // where the region servers listen
	process, second *process
}

// hbasePorts outlive a restart: a region server that comes back under its address takes the place of
// the one that was killed; under another it would have to wait until the session of that one expires.
type hbasePorts struct{ zookeeper, master, region, secondRegion, query int }

// StartHBase returns when a JDBC connection stands and Phoenix has its system tables. HBase keeps its
// data below folder. Settings are laid over those of the lane; nil is none. A wire, when not nil, lies between
// ZooKeeper and the region servers on the one side and all their clients, the master among them, on the other.
func StartHBase(ctx context.Context, folder string, settings map[string]string, w *wire.Wire) (*HBase, error) {
	free, err := freePorts(6)
	if err != nil {
		return nil, err
	}
	h := &HBase{ports: hbasePorts{free[0], free[1], free[2], free[3], free[4]}}
	zookeeper := fmt.Sprintf("127.0.0.1:%d", h.ports.zookeeper)
	if w != nil { // it binds to the one address only
		inside := zookeeper
		zookeeper = fmt.Sprintf("127.0.0.1:%d", free[5])
		if err := w.Lead(zookeeper, inside); err != nil {
			return nil, err
		}
	}
	if h.bind, err = bind(w, h.ports.region, h.ports.secondRegion); err != nil {
		return nil, err
	}
	if h.Client, err = newClient(ctx, folder, zookeeper); err != nil {
		return nil, err
	}
	all := h.settings()
	maps.Copy(all, settings)
	if err := h.configure(all); err != nil {
		return nil, fmt.Errorf("configure HBase: %w", err)
	}
	if err := h.Start(ctx); err != nil {
		return nil, err
	}
	return h, nil
}

// settings are those of the lane.
func (h *HBase) settings() map[string]string {
	folder, ports := h.folder, h.ports
	return map[string]string{
		"hbase.cluster.distributed": "false",
		"hbase.rootdir":             "file://" + filepath.Join(folder, "hbase"), "hbase.tmp.dir": filepath.Join(folder, "tmp"),
		"hbase.zookeeper.property.dataDir":    filepath.Join(folder, "zookeeper"),
		"hbase.zookeeper.property.clientPort": strconv.Itoa(ports.zookeeper), "hbase.zookeeper.quorum": "127.0.0.1",
		// A busy machine must not lose the session with its own ZooKeeper.
		"hbase.zookeeper.property.tickTime": "9000", "zookeeper.session.timeout.localHBaseCluster": "180000",
		"hbase.unsafe.stream.capability.enforce": "false", "hbase.defaults.for.version.skip": "true",
		"hbase.master.ipc.address": "127.0.0.1", "hbase.regionserver.ipc.address": h.bind,
		"hbase.master.hostname": "localhost", "hbase.unsafe.regionserver.hostname": "localhost",
		"hbase.master.port": strconv.Itoa(ports.master), "hbase.regionserver.port": strconv.Itoa(ports.region),
		"hbase.localcluster.assign.random.ports": "false",
		"hbase.master.info.port":                 "-1", "hbase.regionserver.info.port": "-1", // no web pages
		// Without it Phoenix refuses to create an index on a mutable table.
		"hbase.regionserver.wal.codec":                 "org.apache.hadoop.hbase.regionserver.wal.IndexedWALEditCodec",
		"hbase.master.start.timeout.localHBaseCluster": "300000",
		"phoenix.schema.isNamespaceMappingEnabled":     "false",
		"phoenix.queryserver.http.port":                strconv.Itoa(ports.query),
		"phoenix.queryserver.jmxjsonendpoint.disabled": "true",
	}
}

// Start runs HBase again after Stop or Kill, on the same addresses and data. After an error nothing runs.
func (h *HBase) Start(ctx context.Context) (err error) {
	h.process, err = start("hbase", h.folder, "-Xmx2g", "-cp", h.classpath, "org.apache.hadoop.hbase.master.HMaster", "start")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			h.process.kill()
		}
	}()
	if err := h.process.await(ctx, dial("127.0.0.1", h.ports.zookeeper)); err != nil {
		return err
	}
	if err := h.startSecond(); err != nil {
		return err
	}
	if h.SQL, err = connect(ctx, h.Client); err != nil {
		h.second.kill()
	}
	return err
}

func (h *HBase) startSecond() (err error) {
	h.second, err = start("regionserver", h.folder, "-Xmx1g", "-cp", h.classpath,
		"org.apache.hadoop.hbase.regionserver.HRegionServer", "-D", "hbase.cluster.distributed=true",
		"-D", "hbase.regionserver.port="+strconv.Itoa(h.ports.secondRegion), "start")
	return err
}

// KillRegionServer kills the second region server, starts it again and returns when it listens. Its regions are served
// again some time after that.
func (h *HBase) KillRegionServer(ctx context.Context) error {
	h.second.kill()
	if err := h.startSecond(); err != nil {
		return err
	}
	return h.second.await(ctx, dial(h.bind, h.ports.secondRegion))
}

// FreezeRegionServer has the second region server stand still for a while.
func (h *HBase) FreezeRegionServer(ctx context.Context, d time.Duration) error {
	return h.second.freeze(ctx, d)
}

// Stop ends HBase in order.
func (h *HBase) Stop() {
	h.SQL.close()
	h.second.stop()
	h.process.stop()
}

// Kill ends HBase as a power failure would.
func (h *HBase) Kill() {
	h.SQL.close()
	h.second.kill()
	h.process.kill()
}

// dial is the readiness of a server that listens when it can serve.
func dial(host string, port int) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("%s:%d", host, port))
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// behind is a second address of loopback.
const behind = "127.0.0.2"

// bind is the host on which servers listen whose clients come to these ports of 127.0.0.1: that one, or with a wire
// another, for then it is the wire that listens there and leads to the same port of the other. So a server needs to know
// of no second port.
func bind(w *wire.Wire, ports ...int) (string, error) {
	if w == nil {
		return "127.0.0.1", nil
	}
	for _, port := range ports {
		if err := w.Lead(fmt.Sprintf("127.0.0.1:%d", port), fmt.Sprintf("%s:%d", behind, port)); err != nil {
			return "", err
		}
	}
	return behind, nil
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
