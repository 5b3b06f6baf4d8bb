package hbase

import (
	"errors"
	"slices"
	"strings"

	"feedstream/local/services/fault"
	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/store"
	"feedstream/local/services/hbase/internal/wire"
)

// Call is a request as a fault hook sees it.
type Call struct {
	Name    string // as Calls lists them
	Table   string // empty for the master; hbase:meta for look-ups
	Region  string // full region name
	Actions int    // mutations and gets of this region in a Multi, otherwise 1
}

// Fault says how a call goes wrong. Err is the name of a Java class, in full or its last part, such as
// "NotServingRegionException".
//
// A Multi is asked about once for each region in it: Err then is the answer of that region, Delay and Drop concern
// the whole request. Of several regions' delays at one moment the longest holds.
type Fault struct {
	fault.Fault
	WholeCall   bool           // Err answers the whole Multi and not only this region of it
	FailActions map[int]string // index of an action within its region -> Java class; the others are applied
}

// lookUp is the name of a Get or Scan that reads hbase:meta: a client in search of a region.
const lookUp = "meta"

// Calls lists the names of the calls that a fault may concern.
func Calls() []string {
	names := []string{lookUp}
	for name := range clientMethods {
		names = append(names, strings.ToLower(name))
	}
	for _, m := range masterMethods {
		names = append(names, m.call)
	}
	slices.Sort(names)
	return names
}

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

// callOf is a request about one region as a fault hook sees it.
func callOf(request *wire.Request, r *store.Region, actions int) Call {
	name := strings.ToLower(request.Method)
	if isMeta(r) {
		name = lookUp
	}
	return Call{Name: name, Table: r.Table.Name, Region: r.Name, Actions: actions}
}

// faulty runs a call that is no Multi, with its fault around it.
func (s *Server) faulty(c Call, run func() (wire.Response, error)) (wire.Response, error) {
	f := s.ask(c)
	if class := f.FailActions[0]; class != "" && f.Err == "" {
		f.Err = class
	}
	return fault.Around(s.ctx, f.Fault, run)
}

// injected gives an injected error the form of a real one.
func injected(out wire.Response, err error) (wire.Response, error) {
	var e *fault.Error
	switch {
	case errors.Is(err, fault.ErrDrop):
		return wire.Response{Drop: true}, nil
	case errors.As(err, &e):
		return wire.Response{}, raise(e)
	}
	return out, err
}

// Faults are what rules may say of this server.
func Faults() fault.Target { return fault.Served("hbase", Calls()).Erring(exception.Names()) }

func raise(e *fault.Error) error { return exception.New(exception.Class(e.Name), "%s", e.Message) }

// multiFaults are the faults of a Multi: one of each region, and those of the whole, before and after.
type multiFaults struct {
	regions []Fault
	whole   [2]fault.Fault
}

// add joins the fault of a further region.
func (m *multiFaults) add(f Fault) {
	m.regions = append(m.regions, f)
	whole := &m.whole[f.When]
	whole.When = f.When
	whole.Delay = max(whole.Delay, f.Delay)
	whole.Drop = whole.Drop || f.Drop
	if f.WholeCall && whole.Err == "" {
		whole.Err, whole.Message = f.Err, f.Message
	}
}

// answer is what one region of a Multi answers in place of its own results, nil when it keeps them.
func (f Fault) answer(now fault.Moment) error {
	if e := f.Failure(); e != nil && f.When == now && !f.WholeCall {
		return raise(e)
	}
	return nil
}

// action is what an action of the region answers instead of being done, nil when it is done.
func (f Fault) action(index int) error {
	if class := f.FailActions[index]; class != "" {
		return raise(fault.Fault{Err: class, Message: f.Message}.Failure())
	}
	return nil
}
