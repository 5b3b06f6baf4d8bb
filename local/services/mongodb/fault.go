package mongodb

import (
	"maps"
	"slices"

	"feedstream/local/services/fault"
	"feedstream/local/services/mongodb/internal/failure"
)

// Command identifies a command to a fault hook.
type Command struct {
	Name       string // as sent, for example "find" or "renameCollection"
	Database   string
	Collection string // empty for commands without one
}

// Calls lists the names of the commands that a fault may concern.
func Calls() []string { return slices.Sorted(maps.Keys(commands)) }

// Fault sets the hook that is asked before every command from now on; nil removes it. The hook is called from many
// goroutines at once. Its fault's Err is the name of an error code, such as "ShutdownInProgress", or its number.
func (s *Server) Fault(hook func(Command) fault.Fault) {
	if hook == nil {
		s.hook.Store(nil)
		return
	}
	s.hook.Store(&hook)
}

func (s *Server) faultOf(r *request) fault.Fault {
	hook := s.hook.Load()
	if hook == nil {
		return fault.Fault{}
	}
	return (*hook)(Command{Name: r.name, Database: r.database, Collection: r.collection()})
}

// Faults are what rules may say of this server: an error goes by its name or its number.
func Faults() fault.Target { return fault.Served("mongodb", Calls()).Erring(failure.Names()) }

// injected gives an injected error its code.
func injected(e *fault.Error) *failure.Error {
	code, known := failure.Named(e.Name)
	if !known {
		return failure.New(failure.InternalError, "%s: %s", e.Name, e.Message)
	}
	return failure.New(code, "%s", e.Message)
}
