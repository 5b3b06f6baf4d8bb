package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"

	"feedstream/local/services/kafka/internal/form"
)

// The largest requests. An element of an array takes many times more memory than bytes, so that only Produce may be as
// long as a broker's socket.request.max.bytes, and none may have more elements than any client has use for.
const (
	maxRequest  = 100 << 20
	maxOther    = 2 << 20
	maxElements = 200_000 // of all arrays together
)

// prefixSize is that of the length before every request and answer.
const prefixSize = 4

// call is one request, taken apart.
type call struct {
	correlation int32
	clientID    *string
	request     kmsg.Request
}

// readFrame reads a request with its length prefix into buf. It grows buf with what arrives, not by what the prefix
// claims.
func readFrame(r io.Reader, buf *bytes.Buffer) error {
	buf.Reset()
	if _, err := io.CopyN(buf, r, prefixSize); err != nil {
		return err
	}
	prefix := buf.Bytes()
	size := binary.BigEndian.Uint32(prefix)
	if size > maxRequest {
		return stranger(prefix)
	}
	if n, err := io.CopyN(buf, r, int64(size)); err != nil {
		return fmt.Errorf("the connection ended after %d of %d bytes of a request: %w", n, size, errors.Join(err, errCut))
	}
	return nil
}

// errCut marks a request that ended early: a client that died, not one that speaks another language.
var errCut = errors.New("cut short")

// stranger tells from the first bytes who else it may be that speaks here.
func stranger(prefix []byte) error {
	const handshake, major = 0x16, 0x03
	if prefix[0] == handshake && prefix[1] == major {
		return errors.New("a TLS hello came: this broker speaks plain text, set security.protocol=PLAINTEXT")
	}
	for _, method := range []string{"GET ", "POST", "PUT ", "HEAD", "DELE", "OPTI", "PATC", "CONN", "TRAC"} {
		if string(prefix) == method {
			return errors.New("an HTTP request came: this is the port of Kafka, whose clients speak its own protocol")
		}
	}
	return fmt.Errorf("a request of %d bytes was announced and %d are the most: either it is no Kafka client, or it "+
		"should send smaller batches", binary.BigEndian.Uint32(prefix), maxRequest)
}

// decode takes a request apart. It refuses what kfake would not survive or not understand.
func decode(body []byte) (*call, error) {
	reader := kbin.Reader{Src: body}
	key, version := reader.Int16(), reader.Int16()
	c := &call{correlation: reader.Int32(), clientID: reader.NullableString()}
	if !reader.Ok() {
		return nil, fmt.Errorf("%d bytes came that are no request: it ends within its header", len(body))
	}
	versions, known := served[kmsg.Key(key)]
	if !known {
		return nil, fmt.Errorf("the embedded broker has no request %d (%s)", key, kmsg.NameForKey(key))
	}
	c.request = kmsg.RequestForKey(key)
	c.request.SetVersion(version)
	if key == kmsg.ApiVersions.Int16() && version > versions.most {
		return c, nil // its content may be anything: the answer says which versions there are
	}
	if version < versions.least || version > versions.most {
		return nil, fmt.Errorf("%s came in version %d: the embedded broker has %d to %d",
			kmsg.NameForKey(key), version, versions.least, versions.most)
	}
	content := reader.Src
	if c.request.IsFlexible() {
		var err error
		if content, err = form.SkipTags(content); err != nil {
			return nil, fmt.Errorf("%s of version %d is malformed: %w", kmsg.NameForKey(key), version, err)
		}
	}
	if err := checkContent(c.request, content); err != nil {
		return nil, err
	}
	if err := c.request.ReadFrom(content); err != nil {
		return nil, fmt.Errorf("%s of version %d is malformed: %w", kmsg.NameForKey(key), version, err)
	}
	return c, nil
}

// checkContent refuses content that would take far more memory, or time, than it has bytes.
func checkContent(request kmsg.Request, content []byte) error {
	name := kmsg.NameForKey(request.Key())
	if len(content) > maxOther && request.Key() != kmsg.Produce.Int16() {
		return fmt.Errorf("%s came with %d bytes, and %d are the most here", name, len(content), maxOther)
	}
	n, err := form.Elements(request, content)
	if err != nil {
		return fmt.Errorf("%s of version %d is malformed: %w", name, request.GetVersion(), err)
	}
	if n > maxElements {
		return fmt.Errorf("%s came with %d topics, partitions and the like, and %d are the most here", name, n, maxElements)
	}
	return nil
}

// appendFrame appends the request with its header and length prefix.
func (c *call) appendFrame(to []byte) []byte {
	start := len(to)
	to = append(to, make([]byte, prefixSize)...)
	to = kbin.AppendInt16(to, c.request.Key())
	to = kbin.AppendInt16(to, c.request.GetVersion())
	to = kbin.AppendInt32(to, c.correlation)
	to = kbin.AppendNullableString(to, c.clientID)
	if c.request.IsFlexible() {
		to = append(to, 0) // no tags
	}
	to = c.request.AppendTo(to)
	binary.BigEndian.PutUint32(to[start:], uint32(len(to)-start-prefixSize))
	return to
}

// answerHeader is the length prefix, the correlation and, in newer versions, an empty list of tags.
func answerHeader(answer kmsg.Response) int {
	if answer.IsFlexible() && answer.Key() != kmsg.ApiVersions.Int16() {
		return prefixSize + 4 + 1
	}
	return prefixSize + 4
}

// mended is an answer's frame after complete has had it.
func mended(frame []byte, answer kmsg.Response, complete func(kmsg.Response)) ([]byte, error) {
	header := answerHeader(answer)
	if err := answer.ReadFrom(frame[header:]); err != nil {
		return nil, fmt.Errorf("read the answer to %s: %w", kmsg.NameForKey(answer.Key()), err)
	}
	complete(answer)
	frame = answer.AppendTo(bytes.Clone(frame[:header]))
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-prefixSize))
	return frame, nil
}
