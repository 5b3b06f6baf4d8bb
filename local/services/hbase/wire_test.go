package hbase

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"feedstream/local/services/hbase/internal/store"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
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

func FuzzRequest(f *testing.F) {
	f.Add(frame(f, 7, "Get", &pb.GetRequest{Region: &pb.RegionSpecifier{Type: pb.RegionSpecifier_REGION_NAME.Enum(),
		Value: []byte(metaName)}, Get: &pb.Get{Row: []byte("r")}}, []byte("cells"))[4:])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRequest(b)
		if err == nil && len(r.param)+len(r.cells) > len(b) {
			t.Errorf("decoded %d bytes out of %d", len(r.param)+len(r.cells), len(b))
		}
	})
}

func FuzzCellBlock(f *testing.F) {
	c := store.Cell{Family: []byte("0"), Qualifier: []byte("q"), Timestamp: 1, Kind: store.KindPut, Value: []byte("v")}
	f.Add(appendBlock(nil, []byte("row"), &c))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		row, c, rest, err := cutBlock(b)
		if err != nil {
			return
		}
		again := append(appendBlock(nil, row, &c), rest...)
		if !bytes.Equal(again, b) {
			t.Errorf("%x decodes and encodes to %x", b, again)
		}
		if skipped, err := skipBlocks(b, 1); err != nil || !bytes.Equal(skipped, rest) {
			t.Errorf("skipping %x: %x, %v", b, skipped, err)
		}
	})
}

func FuzzZooKeeperRequest(f *testing.F) {
	f.Add(append([]byte{0, 0, 0, 1, 0, 0, 0, zkGetData, 0, 0, 0, 6}, "/hbase"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 8 {
			return
		}
		if answer := answerZK(map[string][]byte{zkRoot: nil}, b); len(answer) < 16 {
			t.Errorf("short answer %x", answer)
		}
	})
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
	block := appendBlock(nil, []byte{0, 1}, &store.Cell{Family: []byte("0"), Qualifier: []byte("q"), Timestamp: 1, Kind: store.KindPut})
	put := pb.MutationProto_PUT.Enum()
	mutation := &pb.MutationProto{Row: []byte{0, 1}, MutateType: put, AssociatedCellCount: proto.Int32(1)}
	action := &pb.RegionAction{Region: region, Action: []*pb.Action{{Mutation: mutation}}}
	seed("Get", &pb.GetRequest{Region: region, Get: &pb.Get{Row: []byte{0, 1}}}, nil)
	seed("Scan", &pb.ScanRequest{Region: region, Scan: &pb.Scan{StartRow: []byte{0}}, NumberOfRows: proto.Uint32(3)}, nil)
	seed("Scan", &pb.ScanRequest{Region: specifier(s.meta), Scan: &pb.Scan{Reversed: proto.Bool(true)}}, nil)
	seed("Mutate", &pb.MutateRequest{Region: region, Mutation: mutation}, block)
	seed("Multi", &pb.MultiRequest{RegionAction: []*pb.RegionAction{action}}, block)
	f.Fuzz(func(t *testing.T, method string, param, cells []byte) {
		out, err := s.clientService(&request{method: method, param: param, cells: cells})
		if (out.message == nil) == (err == nil) {
			t.Errorf("message %v, error %v", out.message, err)
		}
	})
}
