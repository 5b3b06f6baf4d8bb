package hbase

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/tsuna/gohbase/hrpc"
	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/store"
	"feedstream/local/services/hbase/internal/wire"
)

const benchRows = 1000

var benchColumns = []string{"STOCK_CODE", "STOCK_NAME", "LAST_PRICE", "TIMESTAMP", "MATCHED", "REFERENCE_VERSION",
	"SOURCE_TOPIC", "SOURCE_PARTITION", "SOURCE_OFFSET", "_0"}

func benchKey(i int) []byte {
	return fmt.Appendf(nil, "%c10.0.%d.%d|%05d.HK", i%16, i>>16&255, i>>8&255, i%100000)
}

// BenchmarkPutsThroughClient is one gohbase client that puts rows of ten cells, 1,000 to a Multi; an operation is
// one Multi. The client's own work, on the same processors, is part of the figure.
func BenchmarkPutsThroughClient(b *testing.B) {
	c := connect(b, start(b, Options{}).ZooKeeperAddr())
	values := map[string][]byte{}
	for _, q := range benchColumns {
		values[q] = []byte("fifteen bytes..")
	}
	ctx := context.Background()
	defer reportRows(b)
	for n := 0; b.Loop(); n += benchRows {
		calls := make([]hrpc.Call, benchRows)
		for i := range calls {
			m, err := hrpc.NewPut(ctx, []byte(stock), benchKey(n+i), map[string]map[string][]byte{"0": values},
				hrpc.TimestampUint64(uint64(1700000000000+n)))
			if err != nil {
				b.Fatal(err)
			}
			calls[i] = m
		}
		if _, ok := c.SendBatch(ctx, calls); !ok {
			b.Fatal("batch failed")
		}
	}
}

// BenchmarkPutsOnTheWire sends prepared Multis of 1,000 rows of ten cells over a bare connection, two in flight, so
// that hardly anything but the server is measured; an operation is one Multi.
func BenchmarkPutsOnTheWire(b *testing.B) {
	s := start(b, Options{})
	conn := hello(b, s, regionClient())
	frames := make([][]byte, 16)
	for i := range frames {
		frames[i] = benchMulti(b, s, i)
	}
	tokens := make(chan struct{}, 2)
	go func() {
		for {
			if _, err := readFrame(conn); err != nil {
				return
			}
			<-tokens
		}
	}()
	defer reportRows(b)
	for n := 0; b.Loop(); n++ {
		tokens <- struct{}{}
		if _, err := conn.Write(frames[n%len(frames)]); err != nil {
			b.Fatal(err)
		}
	}
	for range cap(tokens) {
		tokens <- struct{}{}
	}
}

// reportRows gives the speed in the unit that matters.
func reportRows(b *testing.B) {
	b.ReportMetric(benchRows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func benchMulti(b *testing.B, s *Server, n int) []byte {
	b.Helper()
	m := &pb.MultiRequest{}
	var block []byte
	for _, r := range s.store.All()[stock].Regions {
		action := &pb.RegionAction{Region: specifier(r)}
		for i := range benchRows {
			key := benchKey(n*benchRows + i)
			if !r.Holds(key) {
				continue
			}
			action.Action = append(action.Action, &pb.Action{Index: proto.Uint32(uint32(i + 1)), Mutation: &pb.MutationProto{
				Row: key, MutateType: pb.MutationProto_PUT.Enum(), AssociatedCellCount: proto.Int32(int32(len(benchColumns)))}})
			for _, q := range benchColumns {
				block = wire.AppendBlock(block, key, &store.Cell{Family: []byte("0"), Qualifier: []byte(q), Timestamp: 1700000000000,
					Kind: store.KindPut, Value: []byte("fifteen bytes..")})
			}
		}
		m.RegionAction = append(m.RegionAction, action)
	}
	return frame(b, 1, "Multi", m, block)
}

// BenchmarkScan reads rows of ten cells in pages of 2 MB; an operation is one row.
func BenchmarkScan(b *testing.B) {
	s := start(b, Options{})
	c := connect(b, s.ZooKeeperAddr())
	const rows = 20000
	for n := 0; n < rows; n += benchRows {
		var puts []*hrpc.Mutate
		for i := range benchRows {
			cells := row{}
			for _, q := range benchColumns {
				cells[q] = "fifteen bytes.."
			}
			puts = append(puts, put(b, stock, string(benchKey(n+i)), 100, cells))
		}
		batch(b, c, puts)
	}
	var scanner hrpc.Scanner
	for n := 0; b.Loop(); n++ {
		if n%rows == 0 {
			all, err := hrpc.NewScanStr(context.Background(), stock)
			if err != nil {
				b.Fatal(err)
			}
			scanner = c.Scan(all)
		}
		if _, err := scanner.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

func specifier(r *store.Region) *pb.RegionSpecifier {
	return &pb.RegionSpecifier{Type: pb.RegionSpecifier_REGION_NAME.Enum(), Value: []byte(r.Name)}
}

// regionClient is how a client of the region server introduces itself.
func regionClient() *pb.ConnectionHeader {
	return &pb.ConnectionHeader{
		ServiceName: proto.String("ClientService"), CellBlockCodecClass: proto.String(wire.KeyValueCodec),
	}
}

// hello opens a bare connection to the region server.
func hello(t testing.TB, s *Server, header *pb.ConnectionHeader) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	b, err := proto.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	message := append([]byte("HBas\x00\x50"), binary.BigEndian.AppendUint32(nil, uint32(len(b)))...)
	if _, err := conn.Write(append(message, b...)); err != nil {
		t.Fatal(err)
	}
	return conn
}
