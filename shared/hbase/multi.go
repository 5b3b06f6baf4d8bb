package hbase

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tsuna/gohbase"
	"github.com/tsuna/gohbase/hrpc"
	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// plan is how a batch is written: by one call a region server, as far as its regions are known.
type plan struct {
	batch   rows
	known   places
	regions []int // the number of each row's region among those, -1 where none is known
	calls   []*multi
}

// plan makes the calls.
func (c *Client) plan(batch rows) *plan {
	known := c.regions.of(batch.table)
	p := &plan{batch: batch, known: known, regions: locate(known, batch)}
	for _, actions := range group(known, p.regions) {
		used, _ := c.memories.Get().(*memory)
		p.calls = append(p.calls, newMulti(batch, actions, used))
	}
	return p
}

// writeMulti sends the calls of a plan, and returns which rows are not acknowledged by them, for whatever reason: they
// are to be written by calls of their own, which the library repeats, and of which it says what is wrong.
func (c *Client) writeMulti(ctx context.Context, p *plan) (left []int) {
	acknowledged := make([]bool, len(p.regions))
	var running sync.WaitGroup
	for i, call := range p.calls {
		if i == len(p.calls)-1 { // the last, often the only one, needs no goroutine of its own
			c.sendMulti(ctx, call, acknowledged)
			break
		}
		running.Go(func() { c.sendMulti(ctx, call, acknowledged) })
	}
	running.Wait() // what failed is not acknowledged
	gone := map[*place]bool{}
	for i, region := range p.regions {
		if acknowledged[i] {
			continue
		}
		left = append(left, i)
		if region >= 0 {
			gone[p.known[region]] = true
		}
	}
	c.regions.forget(p.batch.table, gone)
	return left
}

// locate returns the number of each row's region, -1 where none is known.
func locate(known places, batch rows) []int {
	regions := make([]int, len(batch.numbers))
	for i, n := range batch.numbers {
		regions[i] = known.find(batch.side.Key(n))
	}
	return regions
}

// action is what goes to one region: which rows of a batch.
type action struct {
	region *place
	rows   []int
}

// group sorts the rows whose regions are known by region, and the regions by server.
func group(known places, regions []int) map[string][]action {
	ends := make([]int, len(known)+1) // of each region's rows among all, once they are counted and placed
	for _, region := range regions {
		if region >= 0 {
			ends[region+1]++
		}
	}
	for region := range known {
		ends[region+1] += ends[region]
	}
	rows := make([]int, ends[len(known)])
	for i, region := range regions {
		if region >= 0 {
			rows[ends[region]] = i
			ends[region]++
		}
	}
	byServer, from := map[string][]action{}, 0
	for region, place := range known {
		if of := rows[from:ends[region]]; len(of) > 0 {
			byServer[place.server] = append(byServer[place.server], action{place, of})
		}
		from = ends[region]
	}
	return byServer
}

// sendMulti sends one call and marks the rows that it has written. Of concurrent calls each has rows of its own.
func (c *Client) sendMulti(ctx context.Context, call *multi, acknowledged []bool) {
	attempt, cancel := context.WithTimeout(ctx, c.cfg.ReadTimeout+lostAfter)
	defer cancel()
	client := c.current()
	sender, able := client.(gohbase.RPCClient) // the library's own client is
	if !able {
		return
	}
	call.ctx = attempt
	answer, err := send(attempt, sender, call)
	if err != nil {
		if ctx.Err() == nil && attempt.Err() != nil {
			c.replace(client) // the call was lost
		}
		return
	}
	if call.sent.Load() == 1 {
		c.memories.Put(call.memory)
	}
	_ = readMulti(answer.ProtoReflect().GetUnknown(), call.actions, acknowledged) // what cannot be read is not acknowledged
}

// send ends with its context, whatever the connection does: the library writes a call in the goroutine that sends it,
// and a server that does not read would hold that for good. A call that is given up ends with its connection, and its
// memory is not used again.
func send(ctx context.Context, sender gohbase.RPCClient, call hrpc.Call) (proto.Message, error) {
	type answer struct {
		message proto.Message
		err     error
	}
	answered := make(chan answer, 1)
	go func() {
		message, err := sender.SendRPC(call)
		answered <- answer{message, err}
	}()
	select {
	case a := <-answered:
		return a.message, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// multi is one call to a region server: puts for several of its regions, with all cells in one block. The
// library sends it as it is to the server that it knows to hold the first row's region; regions that are not
// there any more answer with an exception each. Nothing is made for a row but its bytes.
//
// Source of the messages: HBase 2.6, Client.proto, MultiRequest and MultiResponse.
type multi struct {
	ctx     context.Context
	actions []action
	table   []byte
	key     []byte
	request pb.MultiRequest
	memory  *memory
	sent    atomic.Int32 // how often the library has begun to send it
	results chan hrpc.RPCResult
	region  hrpc.RegionInfo
}

// Table is the table of all rows.
func (m *multi) Table() []byte { return m.table }

// Name is that of the method of HBase's ClientService.
func (m *multi) Name() string { return "Multi" }

// Key is the row by which the library finds the server.
func (m *multi) Key() []byte { return m.key }

// Region is the region of Key.
func (m *multi) Region() hrpc.RegionInfo { return m.region }

// SetRegion is called once the library has found it.
func (m *multi) SetRegion(region hrpc.RegionInfo) { m.region = region }

// NewResponse returns a message without fields: the answer stays as its bytes.
func (m *multi) NewResponse() proto.Message { return &emptypb.Empty{} }

// ResultChan takes the answer.
func (m *multi) ResultChan() chan hrpc.RPCResult { return m.results }

// Description is for the library's traces.
func (m *multi) Description() string { return "Multi" }

// Context ends the call.
func (m *multi) Context() context.Context { return m.ctx }

// CellBlocksEnabled has the library call SerializeCellBlocks.
func (m *multi) CellBlocksEnabled() bool { return true }

// ToProto is for clients without cell blocks, of which this package makes none.
func (m *multi) ToProto() proto.Message { return &pb.MultiRequest{} }

// Numbers of the fields.
const (
	multiRegionAction = 1

	regionActionRegion = 1
	regionActionAction = 3

	specifierType, specifierValue = 1, 2

	actionIndex, actionMutation = 1, 2

	mutationRow, mutationType, mutationDurability, mutationCells = 1, 2, 6, 8

	responseRegionResult = 1

	regionResultResult, regionResultException = 1, 2

	resultIndex, resultException = 1, 3
)

// memory is what the bytes of a call lie in. The library may still be sending a call whose time is over, or that it
// has sent again, so only that of a call which was sent once and is answered is used again.
type memory struct{ cells, request, region []byte }

// newMulti makes the call in the memory of one before it, nil for none.
func newMulti(batch rows, actions []action, used *memory) *multi {
	if used == nil {
		used = &memory{}
	}
	m := &multi{
		actions: actions, table: []byte(batch.table), key: batch.key(actions[0].rows[0]),
		memory: used, results: make(chan hrpc.RPCResult, 1),
	}
	room := batch.side.Room(nil) // and of this server's rows alone
	for _, a := range actions {
		for _, i := range a.rows {
			room += batch.side.Size(batch.numbers[i])
		}
	}
	cells := slices.Grow(used.cells[:0], room)
	request, region, settings := used.request[:0], used.region, settingsOf(batch.side.Cells())
	for _, a := range actions {
		region = appendRegion(region[:0], a.region.name)
		for _, i := range a.rows {
			n := batch.numbers[i]
			region = appendPut(region, i, batch.side.Key(n), settings)
			cells = batch.side.AppendCells(cells, n)
		}
		request = protowire.AppendTag(request, multiRegionAction, protowire.BytesType)
		request = protowire.AppendBytes(request, region)
	}
	*used = memory{cells, request, region}
	m.request.ProtoReflect().SetUnknown(request)
	return m
}

// SerializeCellBlocks adds the cells to what goes out.
func (m *multi) SerializeCellBlocks(blocks [][]byte) (proto.Message, [][]byte, uint32) {
	m.sent.Add(1)
	return &m.request, append(blocks, m.memory.cells), uint32(len(m.memory.cells))
}

func appendRegion(dst, name []byte) []byte {
	specifier := protowire.AppendTag(nil, specifierType, protowire.VarintType)
	specifier = protowire.AppendVarint(specifier, uint64(pb.RegionSpecifier_REGION_NAME))
	specifier = protowire.AppendTag(specifier, specifierValue, protowire.BytesType)
	specifier = protowire.AppendBytes(specifier, name)
	dst = protowire.AppendTag(dst, regionActionRegion, protowire.BytesType)
	return protowire.AppendBytes(dst, specifier)
}

// settingsOf is what stands behind the row of a put that has so many cells in the block.
func settingsOf(cells int) (settings []byte) {
	settings = protowire.AppendTag(settings, mutationType, protowire.VarintType)
	settings = protowire.AppendVarint(settings, uint64(pb.MutationProto_PUT))
	settings = protowire.AppendTag(settings, mutationDurability, protowire.VarintType)
	settings = protowire.AppendVarint(settings, uint64(pb.MutationProto_USE_DEFAULT))
	settings = protowire.AppendTag(settings, mutationCells, protowire.VarintType)
	return protowire.AppendVarint(settings, uint64(cells))
}

// appendPut appends an action of a region: a put of a row.
func appendPut(dst []byte, index int, row, settings []byte) []byte {
	const tag = 1 // each number is below 16
	mutation := tag + protowire.SizeBytes(len(row)) + len(settings)
	action := tag + protowire.SizeVarint(uint64(index)) + tag + protowire.SizeBytes(mutation)
	dst = protowire.AppendVarint(append(dst, regionActionAction<<3|byte(protowire.BytesType)), uint64(action))
	dst = protowire.AppendVarint(append(dst, actionIndex<<3|byte(protowire.VarintType)), uint64(index))
	dst = protowire.AppendVarint(append(dst, actionMutation<<3|byte(protowire.BytesType)), uint64(mutation))
	dst = protowire.AppendVarint(append(dst, mutationRow<<3|byte(protowire.BytesType)), uint64(len(row)))
	return append(append(dst, row...), settings...)
}

var errAnswer = errors.New("the answer to a multi is not one")

// readMulti marks the rows that an answer acknowledges: those with a result and no exception, in a region
// without one. The regions' answers come in the order of the actions.
func readMulti(answer []byte, actions []action, acknowledged []bool) error {
	for region := 0; len(answer) > 0; {
		f, rest, err := cutField(answer)
		if err != nil {
			return err
		}
		answer = rest
		if f.number != responseRegionResult {
			continue
		}
		if region++; region > len(actions) {
			return errAnswer
		}
		if err := readRegion(f.value, actions[region-1].rows, acknowledged); err != nil {
			return err
		}
	}
	return nil
}

func readRegion(answer []byte, rows []int, acknowledged []bool) error {
	done := make([]int, 0, len(rows))
	failed := false
	for len(answer) > 0 {
		f, rest, err := cutField(answer)
		if err != nil {
			return err
		}
		answer = rest
		switch f.number {
		case regionResultException:
			failed = true
		case regionResultResult:
			index, ok, err := readResult(f.value)
			if err != nil {
				return err
			}
			if ok {
				done = append(done, index)
			}
		}
	}
	if failed {
		return nil
	}
	for _, index := range done {
		if index < rows[0] || index > rows[len(rows)-1] { // the numbers ascend
			return errAnswer
		}
		acknowledged[index] = true
	}
	return nil
}

// readResult returns the number of the row, and whether it was written.
func readResult(answer []byte) (index int, ok bool, err error) {
	ok = true
	for len(answer) > 0 {
		f, rest, err := cutField(answer)
		if err != nil {
			return 0, false, err
		}
		answer = rest
		switch f.number {
		case resultIndex:
			index = int(f.varint)
		case resultException:
			ok = false
		}
	}
	return index, ok, nil
}

// field is one of a message: the bytes of one that has a length, the number of a varint.
type field struct {
	number protowire.Number
	value  []byte
	varint uint64
}

// cutField reads the first field of a message.
func cutField(message []byte) (f field, rest []byte, err error) {
	number, kind, n := protowire.ConsumeTag(message)
	if n < 0 {
		return f, nil, errAnswer
	}
	f.number, message = number, message[n:]
	switch kind {
	case protowire.BytesType:
		f.value, n = protowire.ConsumeBytes(message)
	case protowire.VarintType:
		f.varint, n = protowire.ConsumeVarint(message)
	default:
		n = protowire.ConsumeFieldValue(number, kind, message)
	}
	if n < 0 {
		return f, nil, errAnswer
	}
	return f, message[n:], nil
}
