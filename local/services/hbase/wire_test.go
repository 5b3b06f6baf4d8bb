package hbase

import (
	"encoding/binary"
	"io"
	"testing"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/store"
	"feedstream/local/services/hbase/internal/wire"
)

// frame encodes a request as a client sends it.
func frame(t testing.TB, id uint32, method string, param proto.Message, block []byte) []byte {
	t.Helper()
	header := &pb.RequestHeader{CallId: &id, MethodName: &method, RequestParam: proto.Bool(true)}
	if len(block) > 0 {
		header.CellBlockMeta = &pb.CellBlockMeta{Length: proto.Uint32(uint32(len(block)))}
	}
	b := make([]byte, 4)
	for _, m := range []proto.Message{header, param} {
		text, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		b = protowire.AppendBytes(b, text)
	}
	b = append(b, block...)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

func readFrame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

// reply reads one answer: its header, and message and cells behind it.
func reply(t testing.TB, r io.Reader) (*pb.ResponseHeader, []byte) {
	t.Helper()
	b, err := readFrame(r)
	if err != nil {
		t.Fatal(err)
	}
	text, n := protowire.ConsumeBytes(b)
	var header pb.ResponseHeader
	if n < 0 || proto.Unmarshal(text, &header) != nil {
		t.Fatalf("bad answer %x", b)
	}
	return &header, b[n:]
}

// request is a request as the wire hands it on.
func request(t testing.TB, method string, param proto.Message) *wire.Request {
	t.Helper()
	b, err := proto.Marshal(param)
	if err != nil {
		t.Fatal(err)
	}
	return &wire.Request{Method: method, Param: b}
}

// FuzzCall runs whole calls with arbitrary messages and cell blocks; whatever comes, the server answers.
func FuzzCall(f *testing.F) {
	s := start(f, Options{})
	region := specifier(s.store.All()[stock].Regions[0])
	seed := func(method string, m proto.Message, block []byte) {
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(method, b, block)
	}
	block := wire.AppendBlock(nil, []byte{0, 1},
		&store.Cell{Family: []byte("0"), Qualifier: []byte("q"), Timestamp: 1, Kind: store.KindPut})
	put := pb.MutationProto_PUT.Enum()
	mutation := &pb.MutationProto{Row: []byte{0, 1}, MutateType: put, AssociatedCellCount: proto.Int32(1)}
	action := &pb.RegionAction{Region: region, Action: []*pb.Action{{Mutation: mutation}}}
	seed("Get", &pb.GetRequest{Region: region, Get: &pb.Get{Row: []byte{0, 1}}}, nil)
	seed("Scan", &pb.ScanRequest{Region: region, Scan: &pb.Scan{StartRow: []byte{0}}, NumberOfRows: proto.Uint32(3)}, nil)
	seed("Scan", &pb.ScanRequest{Region: specifier(s.meta), Scan: &pb.Scan{Reversed: proto.Bool(true)}}, nil)
	seed("Mutate", &pb.MutateRequest{Region: region, Mutation: mutation}, block)
	seed("Multi", &pb.MultiRequest{RegionAction: []*pb.RegionAction{action}}, block)
	seed("Multi", &pb.MultiRequest{}, []byte{0})
	f.Fuzz(func(t *testing.T, method string, param, cells []byte) {
		out, err := s.clientService(&wire.Request{Method: method, Param: param, Cells: cells})
		if (out.Message == nil) == (err == nil) {
			t.Errorf("message %v, error %v", out.Message, err)
		}
	})
}
