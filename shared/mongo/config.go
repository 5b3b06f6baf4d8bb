// Package mongo reads the reference from a MongoDB collection and loads it there. It is the only room that knows the
// MongoDB driver, and it judges no document: that is admission's task.
package mongo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"
)

const (
	defaultTimeout   = 30 * time.Second
	selectionTimeout = 10 * time.Second

	// maxIdle is less than the minutes after which routers on the way forget a quiet connection.
	maxIdle = time.Minute
)

// Config says where the reference is.
type Config struct {
	URI        string // mongodb:// or mongodb+srv://; may hold credentials, which no error shows
	Database   string
	Collection string

	// Timeout bounds one whole Read or Load besides the caller's context. Zero is 30 s.
	Timeout time.Duration
}

// Source is the reference collection. It connects when it is first used and survives the loss of its connections: a
// read that meets a dead one is repeated once on another. It is safe for concurrent use.
type Source struct {
	client     *mongo.Client
	collection *mongo.Collection
	hosts      string
	timeout    time.Duration
}

// New checks the configuration and makes a source. It does not connect, so a server that is down is not an error yet.
func New(config Config) (*Source, error) {
	if config.Database == "" || config.Collection == "" {
		return nil, errors.New("mongodb: database and collection must be named")
	}
	parsed, err := connstring.ParseAndValidate(config.URI)
	if err != nil {
		return nil, fmt.Errorf("mongodb: the URI is not valid: %w", withheld(config.URI, err))
	}
	client, err := mongo.Connect(options.Client().
		ApplyURI(config.URI).
		SetReadConcern(readconcern.Majority()).
		SetWriteConcern(writeconcern.Majority()).
		SetRetryReads(true).
		SetServerSelectionTimeout(selectionTimeout).
		SetMaxConnIdleTime(maxIdle))
	if err != nil {
		return nil, fmt.Errorf("mongodb: client for %s: %w", strings.Join(parsed.Hosts, ","), withheld(config.URI, err))
	}
	source := &Source{
		client:     client,
		collection: client.Database(config.Database).Collection(config.Collection),
		hosts:      strings.Join(parsed.Hosts, ","),
		timeout:    config.Timeout,
	}
	if source.timeout == 0 {
		source.timeout = defaultTimeout
	}
	return source, nil
}

// withheld is the error without its text when the URI may hold credentials, since the driver quotes parts of the URI.
func withheld(uri string, err error) error {
	if strings.Contains(uri, "@") {
		return errors.New("details are withheld because the URI holds credentials; " +
			"check that they are percent-encoded and that host and options are well-formed")
	}
	return err
}

// Close ends the connections. The source must not be used afterwards.
func (s *Source) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.client.Disconnect(ctx); err != nil {
		return fmt.Errorf("mongodb: disconnect from %s: %w", s.hosts, err)
	}
	return nil
}

// failed says what was being done and where. The driver's own errors name addresses but never credentials.
func (s *Source) failed(doing string, err error) error {
	return fmt.Errorf("mongodb %s: %s %s.%s: %w",
		s.hosts, doing, s.collection.Database().Name(), s.collection.Name(), err)
}
