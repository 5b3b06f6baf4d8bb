package mongodb

import (
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"feedstream/local/services/fault"
	"feedstream/local/services/mongodb/internal/failure"
	"feedstream/local/services/mongodb/internal/wire"
)

// converse answers a connection's messages one after the other until it ends.
func (s *Server) converse(connection net.Conn, number int32) error {
	for {
		message, err := wire.Read(connection)
		if err != nil {
			return err
		}
		reply, err := s.answer(message, number)
		if err != nil {
			return err
		}
		if message.NoReply {
			continue
		}
		if err := s.reply(connection, message, reply); err != nil {
			return fmt.Errorf("write reply: %w", err)
		}
	}
}

// reply sends an answer, which its client takes in time or loses with the connection: one that does not read would
// hold it for ever.
func (s *Server) reply(connection net.Conn, message *wire.Message, body []byte) error {
	if err := connection.SetWriteDeadline(time.Now().Add(s.patience)); err != nil {
		return err
	}
	buffers := net.Buffers{message.ReplyHeader(s.replies.Add(1), len(body)), body}
	_, err := buffers.WriteTo(connection)
	return err
}

// answer runs a message's command. The error, if any, ends the connection; a command's own failure is in the reply.
func (s *Server) answer(message *wire.Message, number int32) ([]byte, error) {
	r, err := newRequest(message, number)
	if err != nil {
		return encodeReply(nil, err)
	}
	body, err := fault.Around(s.ctx, s.faultOf(r), func() (bson.D, error) { return s.run(r) })
	if errors.Is(err, fault.ErrDrop) {
		return nil, err
	}
	return encodeReply(body, err)
}

// run finds and runs the command. A panic is a fault of this server: it is logged and becomes the command's error.
func (s *Server) run(r *request) (reply bson.D, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			s.log.Error("command panicked", "command", r.name, "cause", cause, "stack", string(debug.Stack()))
			reply, err = nil, failure.New(failure.InternalError, "%s: internal error of the embedded server", r.name)
		}
	}()
	command, ok := commands[r.name]
	if !ok {
		return nil, failure.New(failure.CommandNotFound,
			"no such command: '%s' (the embedded MongoDB does not have it)", r.name)
	}
	if err := r.checkOptions(command.options); err != nil {
		return nil, err
	}
	return command.run(s, r)
}

func encodeReply(body bson.D, err error) ([]byte, error) {
	if err == nil {
		return bson.Marshal(append(body, bson.E{Key: "ok", Value: 1.0}))
	}
	f := asFailure(err)
	body = bson.D{
		{Key: "ok", Value: 0.0},
		{Key: "errmsg", Value: f.Message},
		{Key: "code", Value: int32(f.Code)},
		{Key: "codeName", Value: f.Code.Name()},
	}
	return bson.Marshal(append(body, keyDetails(f)...))
}

// asFailure gives any error a code.
func asFailure(err error) *failure.Error {
	var f *failure.Error
	if errors.As(err, &f) {
		return f
	}
	var e *fault.Error
	if errors.As(err, &e) {
		return injected(e)
	}
	return failure.New(failure.InternalError, "%s", err)
}

func keyDetails(f *failure.Error) bson.D {
	if f.KeyPattern == nil {
		return nil
	}
	return bson.D{
		{Key: "keyPattern", Value: bson.Raw(f.KeyPattern)},
		{Key: "keyValue", Value: bson.Raw(f.KeyValue)},
	}
}

// version and wireVersion are those of the MongoDB whose answers this server imitates.
const (
	version     = "7.0.0"
	wireVersion = 21
)

var helloOptions = map[string]option{anything: ignored, "internalClient": off, "loadBalanced": off}

// hello introduces a standalone server. It names no compressor and no topology version, so that drivers send plain
// messages and poll.
func (s *Server) hello(r *request) (bson.D, error) {
	primary := "isWritablePrimary"
	if r.name != "hello" {
		primary = "ismaster"
	}
	return bson.D{
		{Key: "helloOk", Value: true},
		{Key: primary, Value: true},
		{Key: "maxBsonObjectSize", Value: int32(maxDocument)},
		{Key: "maxMessageSizeBytes", Value: int32(wire.MaxMessage)},
		{Key: "maxWriteBatchSize", Value: int32(maxWriteBatch)},
		{Key: "localTime", Value: bson.NewDateTimeFromTime(time.Now())},
		{Key: "logicalSessionTimeoutMinutes", Value: int32(30)},
		{Key: "connectionId", Value: r.connection},
		{Key: "minWireVersion", Value: int32(0)},
		{Key: "maxWireVersion", Value: int32(wireVersion)},
		{Key: "readOnly", Value: false},
	}, nil
}

func (s *Server) buildInfo(*request) (bson.D, error) {
	return bson.D{
		{Key: "version", Value: version},
		{Key: "versionArray", Value: bson.A{int32(7), int32(0), int32(0), int32(0)}},
		{Key: "gitVersion", Value: "feedstream-embedded"},
		{Key: "modules", Value: bson.A{"feedstream-embedded"}},
		{Key: "bits", Value: int32(64)},
		{Key: "debug", Value: false},
		{Key: "maxBsonObjectSize", Value: int32(maxDocument)},
		{Key: "storageEngines", Value: bson.A{"pebble"}},
	}, nil
}
