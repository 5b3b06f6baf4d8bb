package hbase

import (
	"context"
	"time"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/store"
	"feedstream/local/services/hbase/internal/wire"
)

// Call is a request as a fault hook sees it.
type Call struct {
	Method  string // Get, Scan, Mutate, Multi, or a method of the master
	Table   string // empty for the master; hbase:meta for look-ups
	Region  string // full region name
	Actions int    // mutations and gets of this region in a Multi, otherwise 1
}

// Fault says how a call goes wrong. The zero value lets it pass.
//
// A Multi is asked about once for each region in it: Exception then fails that region, and WholeCall the whole
// request. Of several regions' delays the longest holds, of their drops the earliest.
type Fault struct {
	Exception   string         // Java class to answer with, for example NotServingRegion; nothing is applied
	Message     string         // text of the exception
	WholeCall   bool           // Exception answers the whole Multi and not only this region of it
	FailActions map[int]string // index of an action within its region -> Java class; the others are applied
	Drop        Drop           // break the connection
	Delay       time.Duration  // wait before anything is applied
	DelayAnswer time.Duration  // wait after everything is applied
}

// Drop says when a connection breaks.
type Drop int

const (
	DropNone   Drop = iota
	DropBefore      // before anything is applied
	DropAfter       // after everything is applied, before the answer
)

// Fault installs hook, which is called from many goroutines, in place of the one before; nil removes it.
func (s *Server) Fault(hook func(Call) Fault) {
	if hook == nil {
		s.fault.Store(nil)
		return
	}
	s.fault.Store(&hook)
}

// ask returns the fault of a call.
func (s *Server) ask(c Call) Fault {
	hook := s.fault.Load()
	if hook == nil {
		return Fault{}
	}
	return (*hook)(c)
}

// callOf is a request to one region as a fault hook sees it.
func callOf(r *wire.Request, reg *store.Region) Call {
	return Call{Method: r.Method, Table: reg.Table.Name, Region: reg.Name, Actions: 1}
}

// faulty runs a call that concerns one region, with its fault around it.
func (s *Server) faulty(c Call, run func() (wire.Response, error)) (wire.Response, error) {
	f := s.ask(c)
	pause(s.ctx, f.Delay)
	if f.Drop == DropBefore {
		return wire.Response{Drop: true}, nil
	}
	if f.Exception != "" {
		return wire.Response{}, f.exception()
	}
	if class := f.FailActions[0]; class != "" {
		return wire.Response{}, exception.New(class, "%s", f.Message)
	}
	out, err := run()
	pause(s.ctx, f.DelayAnswer)
	if f.Drop == DropAfter {
		return wire.Response{Drop: true}, nil
	}
	return out, err
}

func (f Fault) exception() error { return exception.New(f.Exception, "%s", f.Message) }

// join is the fault of a whole Multi.
func (f *Fault) join(other Fault) {
	f.Delay = max(f.Delay, other.Delay)
	f.DelayAnswer = max(f.DelayAnswer, other.DelayAnswer)
	if other.Drop != DropNone && (f.Drop == DropNone || other.Drop < f.Drop) {
		f.Drop = other.Drop
	}
	if other.WholeCall && f.Exception == "" {
		f.Exception, f.Message = other.Exception, other.Message
	}
}

// pause waits unless the server closes.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
