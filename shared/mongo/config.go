// Package mongo reads the reference from a MongoDB collection and loads it there. It is the only room that knows the
// MongoDB driver, and it judges no document: that is admission's task.
package mongo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
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

	// Timeout bounds one whole Read or Load besides the caller's context. Zero is 30 s.
	Timeout time.Duration
}

// Source is the reference collection. It connects when it is first used and survives the loss of its connections: a
// read that meets a dead one is repeated once on another. It is safe for concurrent use.
type Source struct {
	config Config
	hosts  string
	lookUp func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)

	mu     sync.Mutex
	client *mongo.Client // nil until it is known which servers a mongodb+srv URI stands for
}

// New checks the configuration and makes a source. It asks nobody, so a server or a name service that is down is not
// an error yet: the first use meets it, and the next one tries again.
func New(config Config) (*Source, error) {
	if config.Database == "" || config.Collection == "" {
		return nil, errors.New("mongodb: database and collection must be named")
	}
	hosts, err := hostsOf(config.URI)
	if err != nil {
		return nil, fmt.Errorf("mongodb: the URI is not valid: %w", withheld(config.URI, err))
	}
	if config.Timeout == 0 {
		config.Timeout = defaultTimeout
	}
	source := &Source{config: config, hosts: hosts, lookUp: net.DefaultResolver.LookupSRV}
	if !isSRV(config.URI) {
		if source.client, err = source.connect(); err != nil {
			return nil, err
		}
	}
	return source, nil
}

const srvScheme = "mongodb+srv://"

func isSRV(uri string) bool { return strings.HasPrefix(uri, srvScheme) }

// hostsOf checks a URI as far as that needs no network, and names its hosts.
func hostsOf(uri string) (string, error) {
	plain := uri
	if isSRV(uri) {
		plain = "mongodb://" + withoutSRVOptions(strings.TrimPrefix(uri, srvScheme))
	}
	parsed, err := connstring.ParseAndValidate(plain)
	if err == nil {
		err = options.Client().ApplyURI(plain).Validate()
	}
	if err != nil {
		return "", err
	}
	if isSRV(uri) && (len(parsed.Hosts) != 1 || strings.Contains(parsed.Hosts[0], ":")) {
		return "", errors.New("mongodb+srv takes one host, without a port")
	}
	return strings.Join(parsed.Hosts, ","), nil
}

// withoutSRVOptions takes out what only a mongodb+srv URI may say.
func withoutSRVOptions(rest string) string {
	path, query, found := strings.Cut(rest, "?")
	if !found {
		return rest
	}
	kept := slices.DeleteFunc(strings.Split(query, "&"), func(option string) bool {
		return strings.HasPrefix(strings.ToLower(option), "srv")
	})
	return path + "?" + strings.Join(kept, "&")
}

// srvService is the service whose servers are looked up.
func srvService(uri string) string {
	_, query, _ := strings.Cut(uri, "?")
	for option := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(option, "="); strings.EqualFold(name, "srvServiceName") && value != "" {
			return value
		}
	}
	return "mongodb"
}

// at gives the collection, which for a mongodb+srv URI may mean to look its servers up.
func (s *Source) at(ctx context.Context) (*mongo.Collection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		// The driver's own look-up knows no context and hides its failure among faults of the URI.
		if _, _, err := s.lookUp(ctx, srvService(s.config.URI), "tcp", s.hosts); err != nil {
			return nil, fmt.Errorf("unreachable: look up the servers of %s: %w", s.hosts, err)
		}
		client, err := s.connect()
		if err != nil {
			return nil, err
		}
		s.client = client
	}
	return s.client.Database(s.config.Database).Collection(s.config.Collection), nil
}

func (s *Source) connect() (*mongo.Client, error) {
	client, err := mongo.Connect(options.Client().
		ApplyURI(s.config.URI).
		SetReadConcern(readconcern.Majority()).
		SetWriteConcern(writeconcern.Majority()).
		SetRetryReads(true).
		SetServerSelectionTimeout(selectionTimeout).
		SetMaxConnIdleTime(maxIdle))
	if err != nil {
		return nil, fmt.Errorf("mongodb: client for %s: %w", s.hosts, withheld(s.config.URI, err))
	}
	return client, nil
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
