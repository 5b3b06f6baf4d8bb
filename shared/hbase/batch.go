package hbase

import (
	"context"
	"time"

	"github.com/tsuna/gohbase/hrpc"
)

// lostAfter is how long beyond ReadTimeout an answer is waited for. A server that owes one loses its
// connection after ReadTimeout, and gohbase then repeats the call itself.
const lostAfter = 2 * time.Second

// batch makes one SendBatch, and another when calls were lost: gohbase may queue calls for a connection
// in the moment at which it ends, and then nobody answers them, nor those that follow to the same
// regions. A new client starts without that state. The calls must be repeatable; they are
// made anew each time and carry the context of their batch, for a call whose own context ended would be
// left out silently while the batch waits for it.
func (c *Client) batch(ctx context.Context, newCalls func(context.Context) ([]hrpc.Call, error)) (
	calls []hrpc.Call, results []hrpc.RPCResult, allOK bool, err error) {
	for {
		client := c.current()
		attempt, cancel := context.WithTimeout(ctx, c.cfg.ReadTimeout+lostAfter)
		if calls, err = newCalls(attempt); err == nil {
			results, allOK = client.SendBatch(attempt, calls)
		}
		lost := err == nil && !allOK && ctx.Err() == nil && (attempt.Err() != nil || client != c.current())
		cancel()
		if !lost {
			return calls, results, allOK, err
		}
		c.replace(client)
	}
}
