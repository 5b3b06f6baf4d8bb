package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"feedstream/shared/address"
)

// Server is how the process is reached and what the platform says of its instance.
type Server struct {
	ListenHost string     `env:"LISTEN_HOST" envDefault:"0.0.0.0"`
	Port       int        `env:"FC_SERVER_PORT" envDefault:"9000"`
	MemoryMB   int        `env:"FC_FUNCTION_MEMORY_SIZE" envDefault:"512"`
	LogLevel   slog.Level `env:"LOG_LEVEL" envDefault:"INFO"`
}

// Addr returns host:port to listen on.
func (s Server) Addr() string { return net.JoinHostPort(s.ListenHost, strconv.Itoa(s.Port)) }

// Telemetry is where traces and metrics go: nowhere without an endpoint. The SDK reads these and the other
// standard variables of OpenTelemetry by itself; the ones here are those that somebody is likely to set.
type Telemetry struct {
	Endpoint   string `env:"OTEL_EXPORTER_OTLP_ENDPOINT"` // of a collector that takes OTLP over HTTP
	Headers    string `env:"OTEL_EXPORTER_OTLP_HEADERS"`  // name=value,…: often a credential
	Sampler    string `env:"OTEL_TRACES_SAMPLER" envDefault:"parentbased_always_on"`
	SamplerArg string `env:"OTEL_TRACES_SAMPLER_ARG" envDefault:"1.0"`
	Resource   string `env:"OTEL_RESOURCE_ATTRIBUTES"` // name=value,…
}

// Validate checks that the endpoint is a URL.
func (t Telemetry) Validate() error {
	if t.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(t.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		// The value may hold a password.
		return errors.New("OTEL_EXPORTER_OTLP_ENDPOINT is no URL of a collector: write such as https://collector:4318")
	}
	return nil
}

// Kafka is how the brokers are reached.
type Kafka struct {
	Brokers       Addresses `env:"KAFKA_BROKERS,required"`
	SASLMechanism string    `env:"KAFKA_SASL_MECHANISM"` // "", PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	SASLUsername  string    `env:"KAFKA_SASL_USERNAME"`
	SASLPassword  string    `env:"KAFKA_SASL_PASSWORD"`
	TLS           bool      `env:"KAFKA_TLS"`
	CA            Roots     `env:"KAFKA_CA"` // of the brokers' certificates; the system's roots when empty
}

// Validate checks that mechanism, user name and password belong together, and so the roots and TLS.
func (k Kafka) Validate() error {
	var problems []error
	if k.CA != nil && !k.TLS {
		problems = append(problems, errors.New("KAFKA_CA is set and KAFKA_TLS is not: set KAFKA_TLS=true"))
	}
	switch k.SASLMechanism {
	case "":
		if k.SASLUsername != "" || k.SASLPassword != "" {
			problems = append(problems, errors.New(
				"KAFKA_SASL_MECHANISM is missing beside a user name or password: set PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"))
		}
	case "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512":
		if k.SASLUsername == "" {
			problems = append(problems, errors.New("KAFKA_SASL_USERNAME is missing: "+k.SASLMechanism+" needs it"))
		}
		if k.SASLPassword == "" {
			problems = append(problems, errors.New("KAFKA_SASL_PASSWORD is missing: "+k.SASLMechanism+" needs it"))
		}
	default:
		problems = append(problems, fmt.Errorf(
			"KAFKA_SASL_MECHANISM=%s is unknown: set PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", k.SASLMechanism))
	}
	return errors.Join(problems...)
}

// HBase is where the Phoenix table and its index live.
type HBase struct {
	ZooKeeper     Quorum `env:"HBASE_ZOOKEEPER,required"`
	ZooKeeperRoot string `env:"HBASE_ZOOKEEPER_ROOT" envDefault:"/hbase"`
	Table         string `env:"HBASE_TABLE" envDefault:"USER_TEST.STOCK"`
	Index         string `env:"HBASE_INDEX" envDefault:"USER_TEST.STOCK_CODE_INDEX"`
}

// Validate checks the root, which may end with a slash.
func (h *HBase) Validate() error {
	root := strings.Trim(h.ZooKeeperRoot, "/")
	if root == "" || !strings.HasPrefix(h.ZooKeeperRoot, "/") {
		return fmt.Errorf("HBASE_ZOOKEEPER_ROOT=%s is no path of a node: write /%s", h.ZooKeeperRoot, cmp.Or(root, "hbase"))
	}
	h.ZooKeeperRoot = "/" + root
	return nil
}

// OSS is where the snapshots of the reference live.
type OSS struct {
	Endpoint string `env:"OSS_ENDPOINT,required"`
	Region   string `env:"OSS_REGION,required"`
	Bucket   string `env:"OSS_BUCKET" envDefault:"feed-reference"`
	Prefix   Prefix `env:"REFERENCE_PREFIX" envDefault:"stock/"`
}

// Validate completes the endpoint, which must not begin with the bucket, and checks the region's form.
func (o *OSS) Validate() error {
	endpoint, err := address.Endpoint(o.Endpoint, o.Bucket)
	if err != nil {
		err = fmt.Errorf("OSS_ENDPOINT=%w", err)
	}
	o.Endpoint = endpoint
	if plain, prefixed := strings.CutPrefix(o.Region, "oss-"); prefixed {
		err = errors.Join(err, fmt.Errorf("OSS_REGION=%s: write %s, without oss-", o.Region, plain))
	}
	return err
}

// Freshness is the policy of whoever reads the reference.
type Freshness struct {
	CheckInterval time.Duration `env:"REFERENCE_CHECK_INTERVAL" envDefault:"30s"`
	MaxAge        time.Duration `env:"REFERENCE_MAX_AGE" envDefault:"24h"`
	StalePolicy   string        `env:"REFERENCE_STALE_POLICY" envDefault:"serve"` // serve or fail
}

// Validate checks the policy's name and that the durations are positive.
func (f Freshness) Validate() error {
	var problems []error
	if f.StalePolicy != "serve" && f.StalePolicy != "fail" {
		problems = append(problems, fmt.Errorf("REFERENCE_STALE_POLICY=%s is unknown: set serve or fail", f.StalePolicy))
	}
	if f.CheckInterval <= 0 {
		problems = append(problems, fmt.Errorf("REFERENCE_CHECK_INTERVAL=%s must be positive", f.CheckInterval))
	}
	if f.MaxAge <= 0 {
		problems = append(problems, fmt.Errorf("REFERENCE_MAX_AGE=%s must be positive", f.MaxAge))
	}
	return errors.Join(problems...)
}

// Admission is the policy by which a refresh is refused as a whole.
type Admission struct {
	MinEntries  int     `env:"REFERENCE_MIN_ENTRIES" envDefault:"1"`
	MaxShrink   float64 `env:"REFERENCE_MAX_SHRINK" envDefault:"0.2"` // fraction of the current entries
	MaxRejected int     `env:"REFERENCE_MAX_REJECTED" envDefault:"0"`
	// MaxPriceChange is a fraction of the price announced before; 0 allows every change.
	MaxPriceChange float64 `env:"REFERENCE_MAX_PRICE_CHANGE" envDefault:"0"`
}

// Validate checks the ranges.
func (a Admission) Validate() error {
	var problems []error
	if a.MinEntries < 0 {
		problems = append(problems, fmt.Errorf("REFERENCE_MIN_ENTRIES=%d must not be negative", a.MinEntries))
	}
	if !(a.MaxShrink >= 0 && a.MaxShrink <= 1) {
		problems = append(problems, fmt.Errorf("REFERENCE_MAX_SHRINK=%g must lie between 0 and 1", a.MaxShrink))
	}
	if a.MaxRejected < 0 {
		problems = append(problems, fmt.Errorf("REFERENCE_MAX_REJECTED=%d must not be negative", a.MaxRejected))
	}
	if !(a.MaxPriceChange >= 0 && a.MaxPriceChange <= math.MaxFloat64) {
		problems = append(problems, fmt.Errorf("REFERENCE_MAX_PRICE_CHANGE=%g must be a fraction such as 0.5, "+
			"or 0 to allow every change", a.MaxPriceChange))
	}
	return errors.Join(problems...)
}

// Mongo is where the reference is maintained. The URI holds a password: it never appears in errors.
type Mongo struct {
	URI        string `env:"MONGODB_URI,required"`
	Database   string `env:"MONGODB_DATABASE" envDefault:"reference"`
	Collection string `env:"MONGODB_COLLECTION" envDefault:"stock"`
}
