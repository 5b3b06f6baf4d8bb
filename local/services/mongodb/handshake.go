package mongodb

import (
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"feedstream/local/services/mongodb/internal/wire"
)

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
