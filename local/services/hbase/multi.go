package hbase

import (
	"github.com/tsuna/gohbase/pb"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/store"
	"feedstream/local/services/hbase/internal/wire"
)

// multiCall is a Multi on its way: what it writes, and what it answers.
type multiCall struct {
	server *Server
	source cellSource
	batch  *store.Batch
	buffer []store.Cell
	blocks []byte // cells of the answer
	faults []Fault
	whole  Fault
}

// multi runs mutations and gets of many regions. All its writes are one batch and one sync. Its gets do not see
// its writes.
func (s *Server) multi(r *wire.Request) (wire.Response, error) {
	var m pb.MultiRequest
	if err := r.Decode(&m); err != nil {
		return wire.Response{}, err
	}
	if m.Condition != nil {
		return wire.Response{}, exception.Unsupported("checkAndMutate in a Multi")
	}
	call := &multiCall{server: s, source: cellSource{r.Cells}, batch: s.store.NewBatch()}
	defer call.batch.Close()
	regions := call.plan(m.RegionAction)
	pause(s.ctx, call.whole.Delay)
	if call.whole.Drop == DropBefore {
		return wire.Response{Drop: true}, nil
	}
	if call.whole.Exception != "" {
		return wire.Response{}, call.whole.exception()
	}
	answer := &pb.MultiResponse{RegionActionResult: make([]*pb.RegionActionResult, len(m.RegionAction))}
	for i, action := range m.RegionAction {
		var err error
		if answer.RegionActionResult[i], err = call.region(regions[i], action, call.faults[i]); err != nil {
			return wire.Response{}, err
		}
	}
	if err := call.batch.Commit(); err != nil {
		return wire.Response{}, err
	}
	pause(s.ctx, call.whole.DelayAnswer)
	return wire.Response{Message: answer, Cells: call.blocks, Drop: call.whole.Drop == DropAfter}, nil
}

// place is a region, or why it cannot be used.
type place struct {
	*store.Region
	err error
}

// plan finds the regions and asks for their faults.
func (c *multiCall) plan(actions []*pb.RegionAction) []place {
	places := make([]place, len(actions))
	c.faults = make([]Fault, len(actions))
	for i, a := range actions {
		r, err := c.server.region(a.Region)
		places[i] = place{r, err}
		if err != nil {
			continue
		}
		c.faults[i] = c.server.ask(Call{Method: "Multi", Table: r.Table.Name, Region: r.Name, Actions: len(a.Action)})
		c.whole.join(c.faults[i])
	}
	return places
}

// region runs the actions of one region. Its error fails the whole call.
func (c *multiCall) region(p place, actions *pb.RegionAction, f Fault) (*pb.RegionActionResult, error) {
	err := p.err
	switch {
	case err != nil:
	case f.Exception != "":
		err = f.exception()
	case actions.GetAtomic():
		err = exception.Unsupported("atomic region action (mutateRow)")
	}
	if err != nil {
		if skipErr := c.skip(actions); skipErr != nil {
			return nil, skipErr
		}
		return &pb.RegionActionResult{Exception: exception.Of(err).Pair()}, nil
	}
	results := make([]pb.ResultOrException, len(actions.Action))
	pointers := make([]*pb.ResultOrException, len(actions.Action))
	for i, a := range actions.Action {
		result := &results[i]
		pointers[i], result.Index = result, a.Index
		var err error
		if class := f.FailActions[i]; class != "" {
			if err := c.skipAction(a); err != nil {
				return nil, err
			}
			err = exception.New(class, "%s", f.Message)
		} else {
			result.Result, err = c.action(p.Region, a)
		}
		if err != nil {
			result.Result, result.Exception = nil, exception.Of(err).Pair()
		}
	}
	return &pb.RegionActionResult{ResultOrException: pointers}, nil
}

// noResult is what a mutation gives back: success, and no cells.
var noResult = &pb.Result{}

func (c *multiCall) action(r *store.Region, a *pb.Action) (*pb.Result, error) {
	switch {
	case a.Get != nil:
		cells, result, err := c.server.read(r, a.Get)
		if err == nil {
			c.blocks = wire.AppendBlocks(c.blocks, a.Get.Row, cells)
		}
		return result, err
	case a.Mutation != nil:
		cells, err := c.server.mutation(r, a.Mutation, &c.source, c.buffer)
		if err != nil {
			return nil, err
		}
		c.buffer = cells
		return noResult, c.batch.Write(r.Table, a.Mutation.Row, cells)
	}
	return nil, exception.Unsupported("coprocessor call")
}

// skip passes over the cells of a region that does not run.
func (c *multiCall) skip(actions *pb.RegionAction) error {
	for _, a := range actions.Action {
		if err := c.skipAction(a); err != nil {
			return err
		}
	}
	return nil
}

func (c *multiCall) skipAction(a *pb.Action) error {
	rest, err := wire.SkipBlocks(c.source.block, int(a.GetMutation().GetAssociatedCellCount()))
	if err != nil {
		return exception.New(exception.DoNotRetryIO, "%v", err)
	}
	c.source.block = rest
	return nil
}
