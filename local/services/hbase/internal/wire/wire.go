// Package wire speaks HBase's RPC with one client: frames, their headers, and the cell blocks in them.
//
// A client sends a preamble of 6 bytes and a length-prefixed ConnectionHeader, neither answered; then frames go both
// ways:
//
//	4 bytes length; delimited RequestHeader or ResponseHeader; delimited message; cell block
package wire

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/exception"
)

// KeyValueCodec is the one form of cell blocks.
const KeyValueCodec = "org.apache.hadoop.hbase.codec.KeyValueCodec"

// MaxResultSize is how many bytes of cells an answer holds, roughly: hbase.server.scanner.max.result.size.
const MaxResultSize = 100 << 20

// FatalCallID is HBase's -1: the answer concerns the connection.
const FatalCallID = math.MaxUint32

var errBadFrame = errors.New("frame is damaged")

// Request is one decoded frame of a client. Its slices are the call's only until the call is answered.
type Request struct {
	id     uint32
	frame  []byte // what the slices point into
	Method string
	Param  []byte // the message, still encoded
	Cells  []byte // the cell block
}

// Response is what a call gives back: a message, and the cells that belong to its results.
type Response struct {
	Message proto.Message
	Cells   []byte
	Drop    bool // do not answer, break the connection
}

func decodeRequest(b []byte) (*Request, error) {
	frame := b
	text, n := protowire.ConsumeBytes(b)
	if n < 0 {
		return nil, errBadFrame
	}
	b = b[n:]
	var header pb.RequestHeader
	if err := proto.Unmarshal(text, &header); err != nil {
		return nil, fmt.Errorf("request header: %w", err)
	}
	r := &Request{id: header.GetCallId(), frame: frame, Method: header.GetMethodName()}
	if header.GetRequestParam() {
		if r.Param, n = protowire.ConsumeBytes(b); n < 0 {
			return nil, errBadFrame
		}
		b = b[n:]
	}
	if size := header.GetCellBlockMeta().GetLength(); uint64(size) > uint64(len(b)) {
		return nil, errBadFrame
	} else if size > 0 {
		r.Cells = b[:size:size]
	}
	return r, nil
}

// Decode reads the message of a request.
func (r *Request) Decode(m proto.Message) error {
	if err := proto.Unmarshal(r.Param, m); err != nil {
		return exception.New(exception.DoNotRetryIO,
			"%s request cannot be read: %s", r.Method, strings.TrimSpace(err.Error()))
	}
	return nil
}

// Field finds a number among the fields that the type of a message does not know: the client library's messages lack
// some that HBase has.
func Field(m proto.Message, field protowire.Number) (uint64, bool) {
	kind, value := unknownField(m, field)
	if kind != protowire.VarintType {
		return 0, false
	}
	v, n := protowire.ConsumeVarint(value)
	return v, n > 0
}

// HasField tells whether a message has a field that its type does not know.
func HasField(m proto.Message, field protowire.Number) bool {
	_, value := unknownField(m, field)
	return value != nil
}

// unknownField returns the type and encoding of a field, nil when it is not there.
func unknownField(m proto.Message, field protowire.Number) (protowire.Type, []byte) {
	b := m.ProtoReflect().GetUnknown()
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return 0, nil
		}
		length := protowire.ConsumeFieldValue(number, kind, b[n:])
		if length < 0 {
			return 0, nil
		}
		if number == field {
			return kind, b[n : n+length]
		}
		b = b[n+length:]
	}
	return 0, nil
}

// Magic encodes a message with PBUF before it, as HBase does wherever it stores one.
func Magic(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic(err) // only a message with a missing required field fails, and ours are literals
	}
	return append([]byte("PBUF"), b...)
}
