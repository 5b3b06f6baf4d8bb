package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/joho/godotenv"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"feedstream/shared/config"
	"feedstream/shared/hbase"
	"feedstream/shared/mongo"
	"feedstream/shared/oss"
)

// environment names the services of a stack by the variables that the functions read too, and by
// those of the credentials for OSS.
type environment map[string]string

// serviceVariables are the variables of each service. The first one names it: a file in which that one
// is missing or empty leaves the service out.
var serviceVariables = [][]string{
	{"KAFKA_BROKERS", "KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD", "KAFKA_TLS"},
	{"HBASE_ZOOKEEPER", "HBASE_ZOOKEEPER_ROOT"},
	{"OSS_ENDPOINT", "OSS_REGION", "OSS_BUCKET"},
	{"MONGODB_URI"},
}

// The platform hands these to functions; they are never laid over the environment of s.yaml.
const (
	keyIDVariable  = "ALIBABA_CLOUD_ACCESS_KEY_ID"
	secretVariable = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
	tokenVariable  = "ALIBABA_CLOUD_SECURITY_TOKEN"
)

// readEnvironment reads a file of NAME=value lines, such as a filled-in .env.example, whose FEED_
// variables concern the deployment alone. Names of topics, table and collection stay those of s.yaml.
func readEnvironment(path string) (environment, error) {
	values, err := godotenv.Read(path)
	if err != nil {
		return nil, fmt.Errorf("read the environment %s: %w", path, err)
	}
	known := append(slices.Concat(serviceVariables...), keyIDVariable, secretVariable, tokenVariable)
	e := environment{}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch {
		case strings.HasPrefix(name, "FEED_"):
		case !slices.Contains(known, name):
			problems = append(problems, fmt.Errorf("%s: %s names no service; known are %s", path, name, strings.Join(known, ", ")))
		case values[name] != "":
			e[name] = values[name]
		}
	}
	if len(e.named()) == 0 {
		problems = append(problems, fmt.Errorf("%s names no service: set KAFKA_BROKERS, HBASE_ZOOKEEPER, OSS_ENDPOINT or MONGODB_URI", path))
	}
	if e.names("OSS_ENDPOINT") && (e[keyIDVariable] == "" || e[secretVariable] == "") {
		problems = append(problems, fmt.Errorf("%s: OSS_ENDPOINT needs %s and %s beside it", path, keyIDVariable, secretVariable))
	}
	if err := errors.Join(append(problems, e.check())...); err != nil {
		return nil, err
	}
	// What belongs to a service that is not named must not reach the embedded one in its place.
	kept := e.named()
	if e.names("OSS_ENDPOINT") {
		for _, name := range []string{keyIDVariable, secretVariable, tokenVariable} {
			kept[name] = e[name]
		}
	}
	return kept, nil
}

func (e environment) names(variable string) bool { return e[variable] != "" }

// named returns the variables of every service that is named, with their values.
func (e environment) named() environment {
	found := environment{}
	for _, variables := range serviceVariables {
		if e.names(variables[0]) {
			for _, name := range variables {
				found[name] = e[name]
			}
		}
	}
	return found
}

// check reads the settings of every service that is named.
func (e environment) check() error {
	var problems []error
	if e.names("KAFKA_BROKERS") {
		_, err := e.kafka()
		problems = append(problems, err)
	}
	if e.names("HBASE_ZOOKEEPER") {
		_, err := e.hbase()
		problems = append(problems, err)
	}
	if e.names("OSS_ENDPOINT") {
		_, err := e.oss()
		problems = append(problems, err)
	}
	if e.names("MONGODB_URI") {
		_, err := e.mongo()
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// load fills a struct of settings groups; what is missing is named.
func (e environment) load(settings any) error {
	var lines []string
	for name, value := range e {
		if value != "" {
			lines = append(lines, name+"="+value)
		}
	}
	return config.Load(settings, lines)
}

func (e environment) kafka() (config.Kafka, error) {
	var s struct{ Kafka config.Kafka }
	err := e.load(&s)
	return s.Kafka, err
}

func (e environment) hbase() (hbase.Config, error) {
	var s struct{ HBase config.HBase }
	err := e.load(&s)
	return hbase.Config{ZooKeeper: s.HBase.ZooKeeper, Root: s.HBase.ZooKeeperRoot}, err
}

func (e environment) oss() (oss.Config, error) {
	var s struct{ OSS config.OSS }
	err := e.load(&s)
	return oss.Config{Endpoint: s.OSS.Endpoint, Region: s.OSS.Region, Bucket: s.OSS.Bucket}, err
}

func (e environment) mongo() (mongo.Config, error) {
	var s struct{ Mongo config.Mongo }
	err := e.load(&s)
	return mongo.Config{URI: s.Mongo.URI, Database: s.Mongo.Database, Collection: s.Mongo.Collection}, err
}

func (e environment) credentials() oss.Credentials {
	return oss.Credentials{AccessKeyID: e[keyIDVariable], AccessKeySecret: e[secretVariable], SecurityToken: e[tokenVariable]}
}

// kafkaOptions are those of a client that reaches the brokers as the functions do.
func kafkaOptions(k config.Kafka) []kgo.Opt {
	options := []kgo.Opt{kgo.SeedBrokers(k.Brokers...)}
	if k.TLS {
		options = append(options, kgo.DialTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12}))
	}
	login := scram.Auth{User: k.SASLUsername, Pass: k.SASLPassword}
	switch k.SASLMechanism {
	case "PLAIN":
		options = append(options, kgo.SASL(plain.Auth{User: k.SASLUsername, Pass: k.SASLPassword}.AsMechanism()))
	case "SCRAM-SHA-256":
		options = append(options, kgo.SASL(login.AsSha256Mechanism()))
	case "SCRAM-SHA-512":
		options = append(options, kgo.SASL(login.AsSha512Mechanism()))
	}
	return options
}

// place is where a verb finds the services: those of a running local stack, or those that a file names.
type place struct{ data, env string }

func (p *place) addFlags(cmd *cobra.Command) {
	addDataFlag(cmd, &p.data)
	cmd.Flags().StringVar(&p.env, "env", "", "file that names other services, as NAME=value lines with the functions' variables")
}

func (p *place) environment() (environment, error) {
	if p.env != "" {
		return readEnvironment(p.env)
	}
	running, err := runningStack(p.data)
	if err != nil {
		return nil, err
	}
	return running.Environment, nil
}
