// Package wire reads and writes MongoDB's wire protocol: OP_MSG with its sections and checksum, and OP_QUERY with
// OP_REPLY as far as drivers use them to say hello. OP_COMPRESSED is refused: the server never offers compression.
package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/wiremessage"
)

const (
	// MaxMessage is the largest message accepted, in bytes, header included.
	MaxMessage = 48_000_000

	// Operations a message can be. Drivers since 2017 send opMsg alone, but for the first hello.
	opReply wiremessage.OpCode = 1
	opQuery wiremessage.OpCode = 2004
	opMsg   wiremessage.OpCode = 2013

	headerLength   = 16
	checksumLength = 4
	requiredFlags  = 0xFFFF // an unknown flag among the low 16 bits must be refused
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Sequence is a document sequence (section kind 1): the documents of one array field of the command, sent beside it.
type Sequence struct {
	Field     string
	Documents []bsoncore.Document
}

// Message is one decoded request. Every document in it has been checked, so that later readers need not.
type Message struct {
	RequestID int32
	Legacy    bool   // it came as OP_QUERY and is answered by OP_REPLY
	Database  string // of a legacy message only; others name it in the body's $db
	Body      bsoncore.Document
	Sequences []Sequence
	NoReply   bool // the client waits for no answer (moreToCome)
}

// Read reads one message. It returns io.EOF when the connection ends between two messages. Any other error means that
// the stream cannot be trusted any more and has to be closed. Memory grows with the bytes that really arrive, not with
// the length a header claims.
func Read(r io.Reader) (*Message, error) {
	var header [headerLength]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		return nil, fmt.Errorf("read message header: %w", err)
	}
	length := int32(binary.LittleEndian.Uint32(header[:]))
	if length < headerLength || length > MaxMessage {
		return nil, fmt.Errorf("message length %d is not within %d to %d", length, headerLength, MaxMessage)
	}
	var message bytes.Buffer
	message.Write(header[:])
	if _, err := io.CopyN(&message, r, int64(length)-headerLength); err != nil {
		return nil, fmt.Errorf("read message of %d bytes: %w", length, err)
	}
	return Decode(message.Bytes())
}

// Decode decodes one whole message, header included. The result refers to the bytes given.
func Decode(message []byte) (*Message, error) {
	length, requestID, _, opcode, rest, ok := wiremessage.ReadHeader(message)
	if !ok || int(length) != len(message) {
		return nil, errors.New("message header is short or its length is wrong")
	}
	m := &Message{RequestID: requestID, Legacy: opcode == opQuery}
	switch opcode {
	case opMsg:
		return m, m.decodeMsg(message, rest)
	case opQuery:
		return m, m.decodeQuery(rest)
	}
	return nil, fmt.Errorf("embedded MongoDB: opcode %d (%s) is not supported", opcode, opcode)
}

func (m *Message) decodeMsg(message, rest []byte) error {
	flags, rest, ok := wiremessage.ReadMsgFlags(rest)
	if !ok {
		return errors.New("OP_MSG: flags are missing")
	}
	known := wiremessage.ChecksumPresent | wiremessage.MoreToCome
	if unknown := uint32(flags) & requiredFlags &^ uint32(known); unknown != 0 {
		return fmt.Errorf("OP_MSG: unknown required flags %#x", unknown)
	}
	m.NoReply = flags&wiremessage.MoreToCome != 0
	if flags&wiremessage.ChecksumPresent != 0 {
		if len(rest) < checksumLength {
			return errors.New("OP_MSG: checksum is missing")
		}
		end := len(message) - checksumLength
		if got, want := crc32.Checksum(message[:end], castagnoli), binary.LittleEndian.Uint32(message[end:]); got != want {
			return fmt.Errorf("OP_MSG: checksum is %08x, the bytes have %08x", want, got)
		}
		rest = rest[:len(rest)-checksumLength]
	}
	for len(rest) > 0 {
		var err error
		if rest, err = m.decodeSection(rest); err != nil {
			return fmt.Errorf("OP_MSG: %w", err)
		}
	}
	if m.Body == nil {
		return errors.New("OP_MSG: the body section is missing")
	}
	return nil
}

func (m *Message) decodeSection(src []byte) (rest []byte, err error) {
	kind, rest, _ := wiremessage.ReadMsgSectionType(src)
	switch kind {
	case wiremessage.SingleDocument:
		if m.Body != nil {
			return nil, errors.New("there are two body sections")
		}
		m.Body, rest, err = readDocument(rest)
		return rest, err
	case wiremessage.DocumentSequence:
		return m.decodeSequence(rest)
	}
	return nil, fmt.Errorf("unknown section kind %d", kind)
}

// decodeSequence reads a document sequence: its length, the field it stands for and its documents.
func (m *Message) decodeSequence(src []byte) (rest []byte, err error) {
	length, _, ok := bsoncore.ReadLength(src)
	if !ok || length < 5 || int(length) > len(src) {
		return nil, errors.New("document sequence: length is wrong")
	}
	section, rest := src[4:length], src[length:]
	end := bytes.IndexByte(section, 0)
	if end < 0 {
		return nil, errors.New("document sequence: field name is missing")
	}
	sequence := Sequence{Field: string(section[:end])}
	for section = section[end+1:]; len(section) > 0; {
		var document bsoncore.Document
		if document, section, err = readDocument(section); err != nil {
			return nil, fmt.Errorf("document sequence %q: %w", sequence.Field, err)
		}
		sequence.Documents = append(sequence.Documents, document)
	}
	for _, other := range m.Sequences {
		if other.Field == sequence.Field {
			return nil, fmt.Errorf("there are two document sequences %q", sequence.Field)
		}
	}
	m.Sequences = append(m.Sequences, sequence)
	return rest, nil
}

// decodeQuery reads an OP_QUERY on a $cmd collection, which is how old and careful drivers say hello.
func (m *Message) decodeQuery(rest []byte) error {
	const flags, skipAndLimit = 4, 8
	if len(rest) < flags {
		return errors.New("OP_QUERY: flags are missing")
	}
	namespace, rest, ok := bytes.Cut(rest[flags:], []byte{0})
	if !ok {
		return errors.New("OP_QUERY: namespace is missing")
	}
	database, ok := strings.CutSuffix(string(namespace), ".$cmd")
	if !ok {
		return fmt.Errorf("embedded MongoDB: OP_QUERY on %q is not supported; send find as OP_MSG", namespace)
	}
	m.Database = database
	if len(rest) < skipAndLimit {
		return errors.New("OP_QUERY: skip and number to return are missing")
	}
	var err error
	if m.Body, _, err = readDocument(rest[skipAndLimit:]); err != nil {
		return fmt.Errorf("OP_QUERY: %w", err)
	}
	return nil
}

// ReplyHeader is what stands before a body of size bytes in the answer to m, in the form m came in. The request id of
// the answer is id. Header and body are not joined here: a body may be as large as a message.
func (m *Message) ReplyHeader(id int32, size int) []byte {
	operation := opMsg
	if m.Legacy {
		operation = opReply
	}
	start, header := wiremessage.AppendHeaderStart(nil, id, m.RequestID, operation)
	if m.Legacy {
		header = wiremessage.AppendReplyFlags(header, wiremessage.AwaitCapable)
		header = wiremessage.AppendReplyCursorID(header, 0)
		header = wiremessage.AppendReplyStartingFrom(header, 0)
		header = wiremessage.AppendReplyNumberReturned(header, 1)
	} else {
		header = wiremessage.AppendMsgFlags(header, 0)
		header = wiremessage.AppendMsgSectionType(header, wiremessage.SingleDocument)
	}
	return bsoncore.UpdateLength(header, start, int32(len(header)+size))
}
