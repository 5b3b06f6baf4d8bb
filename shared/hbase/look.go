package hbase

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

// lookTimeout is how long ZooKeeper may take to answer the look of a client that has reached nothing yet.
const lookTimeout = 3 * time.Second

// look asks ZooKeeper for what the client library asks it for first, once. The library only repeats until
// time runs out and then knows no cause; here a wrong address or root is named at once.
func (c *Client) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, lookTimeout, fmt.Errorf("no answer within %s; is this a ZooKeeper?", lookTimeout))
	defer cancel()
	dial := attempts{ctx: ctx, dial: c.cfg.Dial, failed: map[string]error{}}
	conn, _, err := zk.Connect(strings.Split(c.cfg.ZooKeeper, ","), lookTimeout, zk.WithLogger(noLog{}), zk.WithDialer(dial.try))
	if err != nil {
		return c.unreachable(err)
	}
	defer conn.Close()
	answered := make(chan error, 1)
	go func() {
		_, _, err := conn.Get(c.cfg.Root + "/meta-region-server")
		answered <- err
	}()
	select {
	case err = <-answered:
	case <-ctx.Done():
		return c.unreachable(context.Cause(ctx))
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, zk.ErrNoNode):
		return c.unreachable(fmt.Errorf("there is no HBase below %s in this ZooKeeper: start it, or correct HBASE_ZOOKEEPER_ROOT: %w", c.cfg.Root, err))
	default:
		return c.unreachable(errors.Join(append([]error{err}, dial.problems()...)...))
	}
}

func (c *Client) unreachable(err error) error {
	return fmt.Errorf("hbase at %s: ask ZooKeeper where HBase is: %w: %w", c.cfg.ZooKeeper, ErrUnavailable, err)
}

// attempts remembers why servers could not be reached: the library of ZooKeeper keeps it to itself.
type attempts struct {
	ctx  context.Context
	dial func(ctx context.Context, network, addr string) (net.Conn, error) // nil is TCP

	mu     sync.Mutex
	failed map[string]error // by address
}

func (a *attempts) try(network, addr string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(a.ctx, timeout)
	defer cancel()
	dial := a.dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(ctx, network, addr)
	if err != nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.failed[addr] = err
	}
	return conn, err
}

func (a *attempts) problems() []error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Collect(maps.Values(a.failed))
}

// noLog keeps the library's chatter away: what matters is in the error.
type noLog struct{}

func (noLog) Printf(string, ...any) {}
