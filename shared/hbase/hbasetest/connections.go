package hbasetest

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
)

// connections are those a client has open. They can be made to fail as real ones do.
type connections struct {
	mu   sync.Mutex
	open []*connection
}

// connection is one that may have gone silent: it takes what is sent, and nothing ever arrives.
type connection struct {
	net.Conn
	silent atomic.Bool
}

func (c *connection) Write(b []byte) (int, error) {
	if c.silent.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c *connections) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	opened := &connection{Conn: conn}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = append(c.open, opened)
	return opened, nil
}

// cut closes all connections, with whatever is under way on them.
func (c *connections) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.open {
		_ = conn.Close()
	}
	c.open = nil
}

// silence makes all connections go silent. New ones work.
func (c *connections) silence() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.open {
		conn.silent.Store(true)
	}
}
