package hbase

import (
	"encoding/binary"
	"io"
	"net"
	"path"
	"slices"
	"strings"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"
)

// ZooKeeper operations and error codes that the stub knows.
const (
	zkExists       = 3
	zkGetData      = 4
	zkGetChildren  = 8
	zkPing         = 11
	zkGetChildren2 = 12
	zkClose        = -11

	zkUnimplemented = -6
	zkNoNode        = -101

	zkMaxFrame = 1 << 20
	zkRoot     = "/hbase"
)

// znodes are the nodes under which HBase clients find the cluster.
func (s *Server) znodes() map[string][]byte {
	name := s.serverName()
	return map[string][]byte{
		zkRoot:                         nil,
		zkRoot + "/meta-region-server": znode(&pb.MetaRegionServer{Server: name, State: pb.RegionState_OPEN.Enum()}),
		zkRoot + "/master":             znode(&pb.Master{Master: name}),
		zkRoot + "/hbaseid":            znode(&pb.ClusterId{ClusterId: proto.String("feedstream")}),
	}
}

// znode wraps a message as HBase stores it in ZooKeeper: FF, length and name of the writer, PBUF, message.
func znode(m proto.Message) []byte {
	const writer = "embedded"
	b := append([]byte{0xff}, binary.BigEndian.AppendUint32(nil, uint32(len(writer)))...)
	return append(append(b, writer...), magic(m)...)
}

// magic puts PBUF before a message, as HBase does wherever it stores one.
func magic(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic(err) // only a message with a missing required field fails, and ours are literals
	}
	return append([]byte("PBUF"), b...)
}

func (s *Server) serverName() *pb.ServerName {
	port, started := uint32(s.port), uint64(s.started)
	return &pb.ServerName{HostName: &s.host, Port: &port, StartCode: &started}
}

// serveZooKeeper runs one ZooKeeper session: the handshake, then requests one after the other.
func (s *Server) serveZooKeeper(conn net.Conn) {
	hello, err := readZK(conn)
	if err != nil || len(hello) < 28 {
		return
	}
	timeout := binary.BigEndian.Uint32(hello[12:])
	b := binary.BigEndian.AppendUint32(nil, 0)
	b = binary.BigEndian.AppendUint32(b, timeout)
	b = binary.BigEndian.AppendUint64(b, uint64(s.sessions.Add(1)))
	b = binary.BigEndian.AppendUint32(b, 16)
	b = append(b, make([]byte, 16)...)
	if len(hello) > 44 { // newer clients say, and expect to hear, whether the session is read-only
		b = append(b, 0)
	}
	if writeZK(conn, b) != nil {
		return
	}
	nodes := s.znodes()
	for {
		request, err := readZK(conn)
		if err != nil || len(request) < 8 {
			return
		}
		if writeZK(conn, answerZK(nodes, request)) != nil || int32(binary.BigEndian.Uint32(request[4:])) == zkClose {
			return
		}
	}
}

// answerZK answers one request: 4 bytes id, 4 bytes operation, then mostly a path.
func answerZK(nodes map[string][]byte, request []byte) []byte {
	op := int32(binary.BigEndian.Uint32(request[4:]))
	code := int32(0)
	var body []byte
	switch op {
	case zkPing, zkClose:
	case zkExists, zkGetData, zkGetChildren, zkGetChildren2:
		name, ok := zkPath(request[8:])
		data, found := nodes[name]
		if !ok || !found {
			code = zkNoNode
			break
		}
		body = answerNode(op, data, children(nodes, name))
	default:
		code = zkUnimplemented
	}
	b := append([]byte{}, request[:4]...)
	b = binary.BigEndian.AppendUint64(b, 1) // transaction id
	b = binary.BigEndian.AppendUint32(b, uint32(code))
	return append(b, body...)
}

func answerNode(op int32, data []byte, names []string) []byte {
	var b []byte
	switch op {
	case zkGetData:
		b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
		b = append(b, data...)
	case zkGetChildren, zkGetChildren2:
		b = binary.BigEndian.AppendUint32(b, uint32(len(names)))
		for _, name := range names {
			b = binary.BigEndian.AppendUint32(b, uint32(len(name)))
			b = append(b, name...)
		}
	}
	if op == zkGetChildren {
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

func children(nodes map[string][]byte, parent string) []string {
	var names []string
	for name := range nodes {
		if path.Dir(name) == parent {
			names = append(names, strings.TrimPrefix(name, parent+"/"))
		}
	}
	slices.Sort(names)
	return names
}

func zkPath(b []byte) (string, bool) {
	if len(b) < 4 {
		return "", false
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return "", false
	}
	return string(b[4 : 4+n]), true
}

func readZK(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > zkMaxFrame {
		return nil, errBadFrame
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

func writeZK(w io.Writer, b []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(b)), uint32(len(b))), b...))
	return err
}
