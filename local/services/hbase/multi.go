package hbase

import (
	"github.com/tsuna/gohbase/pb"

	"feedstream/local/services/fault"
	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/store"
	"feedstream/local/services/hbase/internal/wire"
)

// fieldCondition is the condition of a region action, a field that the client library's message does not have.
const fieldCondition = 4

var (
	multiGaps = exception.Gaps[*pb.MultiRequest]{
		{What: "checkAndMutate in a Multi", Asked: func(m *pb.MultiRequest) bool { return m.Condition != nil }},
	}
	regionGaps = exception.Gaps[*pb.RegionAction]{
		{What: "checkAndMutate in a region action",
			Asked: func(m *pb.RegionAction) bool { return wire.HasField(m, fieldCondition) }},
		{What: "atomic region action (mutateRow)", Asked: (*pb.RegionAction).GetAtomic},
	}
	actionGaps = exception.Gaps[*pb.Action]{
		{What: "coprocessor call", Asked: func(a *pb.Action) bool { return a.Get == nil && a.Mutation == nil }},
	}
)

// multiCall is a Multi on its way: what it writes, and what it answers.
type multiCall struct {
	server *Server
	source cellSource
	batch  *store.Batch
	buffer []store.Cell
	blocks []byte // cells of the answer
	faults multiFaults
}

// multi runs mutations and gets of many regions. All its writes are one batch and one sync. Its gets do not see
// its writes.
func (s *Server) multi(r *wire.Request) (wire.Response, error) {
	var m pb.MultiRequest
	if err := r.Decode(&m); err != nil {
		return wire.Response{}, err
	}
	if err := multiGaps.Refuse(&m); err != nil {
		return wire.Response{}, err
	}
	call := &multiCall{server: s, source: cellSource{r.Cells}, batch: s.store.NewBatch(len(r.Cells))}
	defer call.batch.Close()
	regions := call.plan(r, m.RegionAction)
	if err := call.faults.whole[fault.Before].Hit(s.ctx, fault.Before); err != nil {
		return wire.Response{}, err
	}
	answer := &pb.MultiResponse{RegionActionResult: make([]*pb.RegionActionResult, len(m.RegionAction))}
	for i, action := range m.RegionAction {
		var err error
		if answer.RegionActionResult[i], err = call.region(regions[i], action, call.faults.regions[i]); err != nil {
			return wire.Response{}, err
		}
	}
	if err := call.batch.Commit(); err != nil {
		return wire.Response{}, err
	}
	if err := call.faults.whole[fault.After].Hit(s.ctx, fault.After); err != nil {
		return wire.Response{}, err
	}
	return wire.Response{Message: answer, Cells: call.blocks}, nil
}

// place is a region, or why it cannot be used.
type place struct {
	*store.Region
	err error
}

// plan finds the regions and asks for their faults.
func (c *multiCall) plan(request *wire.Request, actions []*pb.RegionAction) []place {
	places := make([]place, len(actions))
	for i, a := range actions {
		r, err := c.server.region(a.Region)
		places[i] = place{r, err}
		var f Fault
		if err == nil {
			f = c.server.ask(callOf(request, r, len(a.Action)))
		}
		c.faults.add(f)
	}
	return places
}

// region runs the actions of one region. Its error fails the whole call.
func (c *multiCall) region(p place, actions *pb.RegionAction, f Fault) (*pb.RegionActionResult, error) {
	err := p.err
	switch {
	case err != nil:
	case f.answer(fault.Before) != nil:
		err = f.answer(fault.Before)
	default:
		err = regionGaps.Refuse(actions)
	}
	if err != nil {
		if skipErr := c.skip(actions); skipErr != nil {
			return nil, skipErr
		}
		return &pb.RegionActionResult{Exception: exception.Of(err).Pair()}, nil
	}
	begin := len(c.blocks)
	results := make([]pb.ResultOrException, len(actions.Action))
	pointers := make([]*pb.ResultOrException, len(actions.Action))
	for i, a := range actions.Action {
		result := &results[i]
		pointers[i], result.Index = result, a.Index
		err := f.action(i)
		if err == nil && len(c.blocks) > c.server.maxCells {
			err = exception.New(exception.ResultTooLarge, "the answer holds %d bytes of cells, over the limit of %d",
				len(c.blocks), c.server.maxCells)
		}
		if err != nil {
			if err := c.skipAction(a); err != nil {
				return nil, err
			}
		} else {
			result.Result, err = c.action(p.Region, a)
		}
		if err != nil {
			result.Result, result.Exception = nil, exception.Of(err).Pair()
		}
	}
	if err := f.answer(fault.After); err != nil {
		c.blocks = c.blocks[:begin]
		return &pb.RegionActionResult{Exception: exception.Of(err).Pair()}, nil
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
	return nil, actionGaps.Refuse(a)
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
