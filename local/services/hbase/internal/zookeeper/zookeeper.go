// Package zookeeper is the part of ZooKeeper by which HBase clients find their cluster: a few nodes that can be read.
package zookeeper

import (
	"encoding/binary"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/wire"
)

// ZooKeeper operations and error codes that the stub knows.
const (
	opExists       = 3
	opGetData      = 4
	opGetChildren  = 8
	opPing         = 11
	opGetChildren2 = 12
	opClose        = -11

	codeUnimplemented = -6
	codeNoNode        = -101

	maxFrame = 1 << 20
	root     = "/hbase"
)

// Nodes are data by path.
type Nodes map[string][]byte

// Cluster makes the nodes under which HBase clients find a cluster of one server.
func Cluster(id string, name *pb.ServerName) Nodes {
	return Nodes{
		root:                         nil,
		root + "/meta-region-server": znode(&pb.MetaRegionServer{Server: name, State: pb.RegionState_OPEN.Enum()}),
		root + "/master":             znode(&pb.Master{Master: name}),
		root + "/hbaseid":            znode(&pb.ClusterId{ClusterId: &id}),
	}
}

// znode wraps a message as HBase stores it in ZooKeeper: FF, length and name of the writer, PBUF, message.
func znode(m proto.Message) []byte {
	const writer = "embedded"
	b := append([]byte{0xff}, binary.BigEndian.AppendUint32(nil, uint32(len(writer)))...)
	return append(append(b, writer...), wire.Magic(m)...)
}

// Serve runs one session: the handshake, then requests one after the other.
func (nodes Nodes) Serve(conn io.ReadWriter, session int64) {
	hello, err := readFrame(conn)
	if err != nil || len(hello) < 28 {
		return
	}
	timeout := binary.BigEndian.Uint32(hello[12:])
	b := binary.BigEndian.AppendUint32(nil, 0)
	b = binary.BigEndian.AppendUint32(b, timeout)
	b = binary.BigEndian.AppendUint64(b, uint64(session))
	b = binary.BigEndian.AppendUint32(b, 16)
	b = append(b, make([]byte, 16)...)
	if len(hello) > 44 { // newer clients say, and expect to hear, whether the session is read-only
		b = append(b, 0)
	}
	if writeFrame(conn, b) != nil {
		return
	}
	for {
		request, err := readFrame(conn)
		if err != nil || len(request) < 8 {
			return
		}
		if writeFrame(conn, nodes.answer(request)) != nil || int32(binary.BigEndian.Uint32(request[4:])) == opClose {
			return
		}
	}
}

// answer answers one request: 4 bytes id, 4 bytes operation, then mostly a path.
func (nodes Nodes) answer(request []byte) []byte {
	op := int32(binary.BigEndian.Uint32(request[4:]))
	code := int32(0)
	var body []byte
	switch op {
	case opPing, opClose:
	case opExists, opGetData, opGetChildren, opGetChildren2:
		name, ok := pathOf(request[8:])
		data, found := nodes[name]
		if !ok || !found {
			code = codeNoNode
			break
		}
		body = answerNode(op, data, nodes.children(name))
	default:
		code = codeUnimplemented
	}
	b := append([]byte{}, request[:4]...)
	b = binary.BigEndian.AppendUint64(b, 1) // transaction id
	b = binary.BigEndian.AppendUint32(b, uint32(code))
	return append(b, body...)
}

func answerNode(op int32, data []byte, names []string) []byte {
	var b []byte
	switch op {
	case opGetData:
		b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
		b = append(b, data...)
	case opGetChildren, opGetChildren2:
		b = binary.BigEndian.AppendUint32(b, uint32(len(names)))
		for _, name := range names {
			b = binary.BigEndian.AppendUint32(b, uint32(len(name)))
			b = append(b, name...)
		}
	}
	if op == opGetChildren {
		return b
	}
	return append(b, stat(len(data), len(names))...)
}

// stat is ZooKeeper's 68 bytes about a node, of which clients look at the last numbers at most.
func stat(length, names int) []byte {
	b := make([]byte, 68)
	binary.BigEndian.PutUint64(b, 1)
	binary.BigEndian.PutUint64(b[8:], 1)
	binary.BigEndian.PutUint32(b[52:], uint32(length))
	binary.BigEndian.PutUint32(b[56:], uint32(names))
	binary.BigEndian.PutUint64(b[60:], 1)
	return b
}

func (nodes Nodes) children(parent string) []string {
	var names []string
	for name := range nodes {
		if path.Dir(name) == parent {
			names = append(names, strings.TrimPrefix(name, parent+"/"))
		}
	}
	slices.Sort(names)
	return names
}

func pathOf(b []byte) (string, bool) {
	if len(b) < 4 {
		return "", false
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return "", false
	}
	return string(b[4 : 4+n]), true
}

func readFrame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxFrame {
		return nil, fmt.Errorf("a frame of %d bytes is over the limit of %d", n, maxFrame)
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

func writeFrame(w io.Writer, b []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(b)), uint32(len(b))), b...))
	return err
}
