package wire

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/wiremessage"
)

func document(t testing.TB, v any) bsoncore.Document {
	t.Helper()
	raw, err := bson.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// message builds a message of the given operation, with a right length.
func message(operation wiremessage.OpCode, parts ...[]byte) []byte {
	start, m := wiremessage.AppendHeaderStart(nil, 7, 0, operation)
	for _, part := range parts {
		m = append(m, part...)
	}
	return bsoncore.UpdateLength(m, start, int32(len(m)))
}

func flags(f wiremessage.MsgFlag) []byte { return wiremessage.AppendMsgFlags(nil, f) }

func body(d bsoncore.Document) []byte { return append([]byte{0}, d...) }

func sequence(field string, documents ...bsoncore.Document) []byte {
	content := append([]byte(field), 0)
	for _, d := range documents {
		content = append(content, d...)
	}
	return append(append([]byte{1}, binary.LittleEndian.AppendUint32(nil, uint32(len(content)+4))...), content...)
}

func legacy(namespace string, d bsoncore.Document) []byte {
	m := append(make([]byte, 4), namespace...)
	return message(opQuery, append(m, 0), make([]byte, 8), d)
}

// checked appends the checksum to a message made with room for it.
func checked(m []byte) []byte {
	copy(m[len(m)-4:], binary.LittleEndian.AppendUint32(nil, crc32.Checksum(m[:len(m)-4], castagnoli)))
	return m
}

func TestDecode(t *testing.T) {
	a, b := document(t, bson.D{{Key: "a", Value: 1}}), document(t, bson.D{{Key: "b", Value: bson.A{"x"}}})
	for name, test := range map[string]struct {
		message []byte
		want    Message
	}{
		"body": {message(opMsg, flags(0), body(a)), Message{RequestID: 7, Body: a}},
		"sequence": {message(opMsg, flags(0), sequence("docs", a, b), body(b), sequence("none")),
			Message{RequestID: 7, Body: b, Sequences: []Sequence{{"docs", []bsoncore.Document{a, b}}, {"none", nil}}}},
		"more to come":  {message(opMsg, flags(wiremessage.MoreToCome), body(a)), Message{RequestID: 7, Body: a, NoReply: true}},
		"optional flag": {message(opMsg, flags(wiremessage.ExhaustAllowed), body(a)), Message{RequestID: 7, Body: a}},
		"checksum": {checked(message(opMsg, flags(wiremessage.ChecksumPresent), body(a), make([]byte, 4))),
			Message{RequestID: 7, Body: a}},
		"legacy": {legacy("admin.$cmd", a), Message{RequestID: 7, Body: a, Legacy: true, Database: "admin"}},
	} {
		got, err := Read(bytes.NewReader(test.message))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(test.want, *got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	a := document(t, bson.D{{Key: "a", Value: "text"}})
	broken := bytes.Clone(a)
	broken[len(broken)-2] = 'x' // the string's terminator
	deep := bson.D{}
	for range MaxDepth {
		deep = bson.D{{Key: "d", Value: deep}}
	}
	for want, m := range map[string][]byte{
		"read message header":          {1, 2, 3},
		"not within":                   {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xdd, 7, 0, 0},
		"read message of 47999999":     {0xff, 0x6b, 0xdc, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0xdd, 7, 0, 0, 1},
		"opcode 2012":                  message(2012, make([]byte, 9)),
		"opcode 2002":                  message(2002, a),
		"unknown required flags 0x4":   message(opMsg, flags(4), body(a)),
		"checksum is":                  message(opMsg, flags(wiremessage.ChecksumPresent), body(a), make([]byte, 4)),
		"the body section is missing":  message(opMsg, flags(0)),
		"two body sections":            message(opMsg, flags(0), body(a), body(a)),
		"unknown section kind 2":       message(opMsg, flags(0), []byte{2}, a),
		"two document sequences":       message(opMsg, flags(0), body(a), sequence("s", a), sequence("s", a)),
		"sequence: length is wrong":    message(opMsg, flags(0), []byte{1, 200, 0, 0, 0, 'a', 0}),
		"field name is missing":        message(opMsg, flags(0), []byte{1, 5, 0, 0, 0, 'a'}),
		"broken value of type string":  message(opMsg, flags(0), body(broken)),
		"document is cut short":        message(opMsg, flags(0), body(a[:8])),
		"nested deeper than 200":       message(opMsg, flags(0), body(document(t, deep))),
		"OP_QUERY on \"db.stock\"":     legacy("db.stock", a),
		"OP_QUERY: namespace":          message(opQuery, make([]byte, 4), []byte("x")),
		"OP_QUERY: flags":              message(opQuery, make([]byte, 3)),
		"skip and number to return":    message(opQuery, make([]byte, 4), []byte("a.$cmd\x00")),
		"document holds a broken elem": message(opMsg, flags(0), body([]byte{8, 0, 0, 0, 0x77, 'a', 0, 0})),
	} {
		_, err := Read(bytes.NewReader(m))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
	}
	if _, err := Read(bytes.NewReader(nil)); err != io.EOF {
		t.Errorf("empty stream: got error %v, want EOF", err)
	}
}

// FuzzDecode finds bytes that make the decoder, or a walk over what it let through, panic.
func FuzzDecode(f *testing.F) {
	a := document(f, bson.D{{Key: "find", Value: "x"}, {Key: "filter", Value: bson.D{{Key: "a", Value: bson.A{1, "b"}}}}})
	f.Add(message(opMsg, flags(0), body(a), sequence("docs", a, a)))
	f.Add(checked(message(opMsg, flags(wiremessage.ChecksumPresent), body(a), make([]byte, 4))))
	f.Add(legacy("admin.$cmd", a))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		if err := m.Body.Validate(); err != nil {
			t.Errorf("the driver calls the body invalid: %v", err)
		}
		reply := append(m.ReplyHeader(1, len(a)), a...)
		if int(binary.LittleEndian.Uint32(reply)) != len(reply) {
			t.Errorf("reply of %d bytes says otherwise", len(reply))
		}
	})
}
