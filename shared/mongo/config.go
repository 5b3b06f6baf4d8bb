// Package mongo reads the reference from a MongoDB collection and loads it there. It is the only room that knows the
// MongoDB driver, and it judges no document: that is admission's task.
package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
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

	// Timeout bounds one whole Read, or the Load of up to 100,000 documents, besides the caller's context; a Load of more
	// has as many times more. Zero is 30 s.
	Timeout time.Duration
}

// Source is the reference collection. It connects when it is first used and survives the loss of its connections: a
// read that meets a dead one is repeated once on another. It is safe for concurrent use.
type Source struct {
	config  Config
	hosts   string
	service string // what names the servers in DNS; empty when the URI does it

	mu     sync.Mutex
	client *mongo.Client // nil until a use finds out where the servers are
}

// New checks the configuration and makes a source. It neither connects nor asks DNS, so a server that is down or a
// name that is not found is not an error yet: the use that meets it fails, and the next one tries again.
func New(config Config) (*Source, error) {
	if config.Database == "" || config.Collection == "" {
		return nil, errors.New("mongodb: database and collection must be named")
	}
	if config.Timeout == 0 {
		config.Timeout = defaultTimeout
	}
	s := &Source{config: config}
	if err := s.parse(); err != nil {
		return nil, fmt.Errorf("mongodb: the URI is not valid: %w", withheld(config.URI, err))
	}
	return s, nil
}

// parse reads from the URI where the servers are. The driver would ask DNS for the servers of a mongodb+srv name, so
// it is shown the same URI under the scheme without.
func (s *Source) parse() error {
	rest, named := strings.CutPrefix(s.config.URI, connstring.SchemeMongoDBSRV+"://")
	if !named {
		parsed, err := connstring.ParseAndValidate(s.config.URI)
		if err == nil {
			s.hosts = strings.Join(parsed.Hosts, ",")
		}
		return err
	}
	parsed, err := connstring.Parse(connstring.SchemeMongoDB + "://" + rest)
	if err != nil {
		return err
	}
	if len(parsed.Hosts) != 1 || strings.Contains(parsed.Hosts[0], ":") {
		return errors.New("a mongodb+srv URI holds one name and no port")
	}
	s.hosts, s.service = parsed.Hosts[0], cmp.Or(parsed.SRVServiceName, "mongodb")
	return nil
}

// open returns the collection, on a client that is made when there is none yet.
func (s *Source) open(ctx context.Context) (*mongo.Collection, error) {
	if err := s.lookUp(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		client, err := mongo.Connect(options.Client().
			ApplyURI(s.config.URI).
			SetReadConcern(readconcern.Majority()).
			SetWriteConcern(writeconcern.Majority()).
			SetRetryReads(true).
			SetServerSelectionTimeout(selectionTimeout).
			SetMaxConnIdleTime(maxIdle))
		if err != nil {
			return nil, fmt.Errorf("make a client: %w", withheld(s.config.URI, err))
		}
		s.client = client
	}
	return s.client.Database(s.config.Database).Collection(s.config.Collection), nil
}

// lookUp asks DNS for the servers before the driver does, which heeds no context and whose error reads like one of the
// URI. A client that was made once keeps its servers by itself.
func (s *Source) lookUp(ctx context.Context) error {
	s.mu.Lock()
	known := s.service == "" || s.client != nil
	s.mu.Unlock()
	if known {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, selectionTimeout)
	defer cancel()
	if _, _, err := net.DefaultResolver.LookupSRV(ctx, s.service, "tcp", s.hosts); err != nil {
		return fmt.Errorf("unreachable: DNS does not say which its servers are: %w", err)
	}
	return nil
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
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.client.Disconnect(ctx); err != nil {
		return fmt.Errorf("mongodb: disconnect from %s: %w", s.hosts, err)
	}
	return nil
}

// failed says what was being done and where. The driver's own errors name addresses but never credentials.
func (s *Source) failed(doing string, err error) error {
	return fmt.Errorf("mongodb %s: %s %s.%s: %w", s.hosts, doing, s.config.Database, s.config.Collection, err)
}
