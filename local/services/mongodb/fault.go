package mongodb

import (
	"errors"
	"time"

	"feedstream/local/services/mongodb/internal/failure"
)

// Command identifies a command to a fault hook.
type Command struct {
	Name       string // as sent, for example "find" or "renameCollection"
	Database   string
	Collection string // empty for commands without one
}

// Fault is what is to go wrong with a command. The zero value is: nothing.
type Fault struct {
	Delay       time.Duration // wait so long first; a closing server cuts it short
	Code        int32         // when not 0, answer this error instead of running the command
	Message     string        // the error's text; empty: "injected fault"
	CloseBefore bool          // close the connection instead of running the command
	CloseAfter  bool          // run the command, then close the connection instead of answering
}

var errInjected = errors.New("connection closed by an injected fault")

// Fault sets the hook that is asked before every command from now on; nil removes it. The hook is called from many
// goroutines at once.
func (s *Server) Fault(hook func(Command) Fault) {
	if hook == nil {
		s.hook.Store(nil)
		return
	}
	s.hook.Store(&hook)
}

func (s *Server) fault(r *request) Fault {
	hook := s.hook.Load()
	if hook == nil {
		return Fault{}
	}
	fault := (*hook)(Command{Name: r.name, Database: r.database, Collection: r.collection()})
	if fault.Delay > 0 {
		select {
		case <-time.After(fault.Delay):
		case <-s.stopping:
			fault.CloseBefore = true
		}
	}
	return fault
}

// err is the error the fault answers with, or nil.
func (f Fault) err() error {
	if f.Code == 0 {
		return nil
	}
	if f.Message == "" {
		f.Message = "injected fault"
	}
	return failure.New(failure.Code(f.Code), "%s", f.Message)
}
