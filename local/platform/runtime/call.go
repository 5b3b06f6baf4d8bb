package runtime

import (
	"bytes"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"time"
)

// What is kept of the last invocations of a function: 12 MB at most, of 40 KB each.
const (
	mostCalls  = 300
	mostEvent  = 16 << 10
	mostAnswer = 4 << 10
	mostError  = 4 << 10
	mostLines  = 40
	mostLine   = 2 << 10
	mostLog    = 16 << 10 // of all lines
)

// Invocation is one request of a function as it ran. Its slices are not to be changed.
type Invocation struct {
	ID       string // request id
	Path     string // "/invoke", or "/http-invoke" of a HTTP trigger
	Instance string
	Began    time.Time
	Waited   time.Duration // for an instance, with its start and initialisation
	Duration time.Duration // on the instance; 0 when it never reached one
	Cold     bool          // it started its instance
	// Attempt is 1 for an event that came first, and more for one that failed before.
	Attempt    int
	EventBytes int
	Event      []byte   // its beginning; nil of a HTTP trigger
	Answer     []byte   // its beginning; nil of a HTTP trigger
	Error      string   // its beginning
	Lines      []string // of the function's log under this request, the first ones: 16 KB of them
}

// call is an invocation under way.
type call struct {
	Invocation
	event   uint64 // hash of all of it
	logged  int    // bytes of its lines
	sent    time.Time
	printed func() []byte // the end of what its instance printed since it was sent
}

var seed = maphash.MakeSeed()

func newCall(path string, event []byte) *call {
	c := &call{Invocation: Invocation{ID: NewRequestID(), Path: path, Began: time.Now(), Attempt: 1},
		printed: func() []byte { return nil }}
	if event != nil {
		c.EventBytes, c.Event, c.event = len(event), bytes.Clone(event[:min(len(event), mostEvent)]), maphash.Bytes(seed, event)
	}
	return c
}

func (c *call) answered(body []byte) { c.Answer = bytes.Clone(body[:min(len(body), mostAnswer)]) }

// calls are the invocations under way and the last that have ended.
type calls struct {
	mu     sync.Mutex
	open   map[string]*call // by request id
	ended  []*call          // a ring once it is full
	oldest int
}

// begin takes note that a call has got its instance.
func (c *calls) begin(begun *call, instance string, cold bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	begun.sent = time.Now()
	begun.Instance, begun.Cold, begun.Waited = instance, cold, begun.sent.Sub(begun.Began)
	for _, earlier := range c.ended {
		if begun.Event != nil && earlier.event == begun.event && earlier.Error != "" {
			begun.Attempt = max(begun.Attempt, earlier.Attempt+1)
		}
	}
	if c.open == nil {
		c.open = map[string]*call{}
	}
	c.open[begun.ID] = begun
}

func (c *calls) end(done *call, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, done.ID)
	if done.sent.IsZero() {
		done.Waited = time.Since(done.Began)
	} else {
		done.Duration = time.Since(done.sent)
	}
	if err != nil {
		text := err.Error()
		done.Error = strings.Clone(text[:min(len(text), mostError)])
	}
	if len(c.ended) < mostCalls {
		c.ended = append(c.ended, done)
		return
	}
	c.ended[c.oldest] = done
	c.oldest = (c.oldest + 1) % mostCalls
}

// line files a line of the log under the request that it names. The last lines of a request may come after its end.
func (c *calls) line(line []byte) {
	id := requestIn(line)
	if id == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	of := c.open[id]
	for n := 0; of == nil && n < len(c.ended); n++ {
		if c.newest(n).ID == id {
			of = c.newest(n)
		}
	}
	if of != nil && len(of.Lines) < mostLines && of.logged < mostLog {
		kept := line[:min(len(line), mostLine, mostLog-of.logged)]
		of.Lines, of.logged = append(of.Lines, string(kept)), of.logged+len(kept)
	}
}

// newest is the n-th from the end; the mutex is held.
func (c *calls) newest(n int) *call {
	if len(c.ended) < mostCalls {
		return c.ended[len(c.ended)-1-n]
	}
	return c.ended[(c.oldest+2*mostCalls-1-n)%mostCalls]
}

// Invocations are the last that have ended, the newest first: at most 300, of 40 KB at most each.
func (f *Function) Invocations() []Invocation {
	c := &f.calls
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]Invocation, len(c.ended))
	for n := range list {
		list[n] = c.newest(n).Invocation
		list[n].Lines = slices.Clone(list[n].Lines)
	}
	return list
}

// requestIn is the request id that a line of a function's log names: "1-", 8 and 24 hexadecimal digits.
func requestIn(line []byte) string {
	const length = 2 + 8 + 1 + 24
	for _, before := range []string{`"requestId":"`, "RequestId: "} {
		if _, after, ok := bytes.Cut(line, []byte(before)); ok && len(after) >= length {
			return string(after[:length])
		}
	}
	return ""
}
