// Package hbase writes and reads the rows of package phoenix in HBase. It is the only package below
// shared and functions that uses an HBase client library, and it knows nothing of columns.
//
// Every call ends: by its context, or by Config.Timeout when the context has no deadline. Until then
// what can pass by itself is tried again: a region that moved, a busy server, a connection that died
// (while the instance was frozen, say). Writing is idempotent, as rows carry their own timestamps, so
// a write of unknown outcome is simply written again.
package hbase

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tsuna/gohbase"

	"feedstream/shared/address"
)

// Config says where HBase is and how much is sent to it at a time.
type Config struct {
	// ZooKeeper is the quorum: host:port, several separated by commas. Required. The region servers
	// are found through it, under the host names they announce there.
	ZooKeeper string
	// Root is the root znode of HBase. Empty means /hbase.
	Root string
	// Timeout bounds each call whose context has no deadline. Zero means 30 s.
	Timeout time.Duration
	// ReadTimeout is how long a region server may be silent while it owes an answer, before its
	// connection is given up and the call tried again. Zero means 10 s.
	ReadTimeout time.Duration
	// BatchRows and BatchBytes bound one batch; a larger row goes alone. Zero means 1,000 rows and 2 MiB.
	BatchRows, BatchBytes int
	// InFlight bounds the batches of one call that are under way, and the ranges read side by side.
	// Zero means 4.
	InFlight int
	// Dial opens the connections to ZooKeeper and the region servers. Nil means TCP.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Logger takes the reports of the client library, one level below its own. Nil means slog.Default.
	Logger *slog.Logger
}

// Client is a connection to one HBase. It is safe for concurrent use and connects when first used.
type Client struct {
	cfg Config

	reached atomic.Bool // the catalog was read
	regions directory

	memories sync.Pool // of *memory

	mu    sync.Mutex
	hbase gohbase.Client // replaced when it has lost calls
}

// New returns a client. It does not connect: that HBase is there shows with the first call.
func New(cfg Config) (*Client, error) {
	quorum, err := checkQuorum(cfg.ZooKeeper)
	if err != nil {
		return nil, err
	}
	cfg.ZooKeeper = quorum
	if cfg.Root == "" {
		cfg.Root = "/hbase"
	}
	if !strings.HasPrefix(cfg.Root, "/") {
		return nil, fmt.Errorf("ZooKeeper root %q: it must begin with /, as in /hbase", cfg.Root)
	}
	cfg.Timeout = orDefault(cfg.Timeout, 30*time.Second)
	cfg.ReadTimeout = orDefault(cfg.ReadTimeout, 10*time.Second)
	cfg.BatchRows = orDefault(cfg.BatchRows, 1000)
	cfg.BatchBytes = orDefault(cfg.BatchBytes, 2<<20)
	cfg.InFlight = orDefault(cfg.InFlight, 4)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	c := &Client{cfg: cfg}
	c.hbase = c.dial()
	return c, nil
}

// dial returns a client of the library; it connects when it is first used.
func (c *Client) dial() gohbase.Client {
	options := []gohbase.Option{
		gohbase.ZookeeperRoot(c.cfg.Root),
		gohbase.RpcQueueSize(1), // a batch is sent as it is, without waiting for more calls
		gohbase.RegionReadTimeout(c.cfg.ReadTimeout),
		gohbase.Logger(slog.New(quiet{c.cfg.Logger.Handler()})),
	}
	if c.cfg.Dial != nil {
		options = append(options, gohbase.ZooKeeperDialer(c.cfg.Dial), gohbase.RegionDialer(c.cfg.Dial))
	}
	return gohbase.NewClient(c.cfg.ZooKeeper, options...)
}

// current returns the library's client to use for one call.
func (c *Client) current() gohbase.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hbase
}

// replace puts a new client of the library in the place of one that has lost calls. Other calls under
// way on the old one fail, and batches are repeated on the new one.
func (c *Client) replace(lost gohbase.Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hbase == lost {
		c.hbase = c.dial()
		lost.Close()
	}
}

// Close drops the connections. Calls under way fail. It always returns nil.
func (c *Client) Close() error {
	c.current().Close()
	return nil
}

func orDefault[T int | time.Duration](value, fallback T) T {
	if value <= 0 {
		return fallback
	}
	return value
}

func checkQuorum(quorum string) (string, error) {
	if strings.TrimSpace(quorum) == "" {
		return "", errors.New("the ZooKeeper address is empty: give host:port, several separated by commas")
	}
	servers := strings.Split(quorum, ",")
	for i, server := range servers {
		trimmed, err := address.HostPort(server)
		if err != nil {
			return "", fmt.Errorf("ZooKeeper address %w", err)
		}
		servers[i] = trimmed
	}
	return strings.Join(servers, ","), nil
}

// deadline returns a context that ends: with the given one, or after Config.Timeout.
func (c *Client) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, bounded := ctx.Deadline(); bounded {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.cfg.Timeout)
}
