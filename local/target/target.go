// Package target says where the services of a feed are and what the feed calls its topics, tables and
// objects: those of a running local stack, or those that a file of variables and a manifest name. It is
// parsed once, and opens the clients.
package target

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"

	"feedstream/shared/config"
	"feedstream/shared/oss"
)

// Target is where the services of a feed are. A service that was not named has the zero value.
type Target struct {
	Names       Names
	Kafka       config.Kafka
	HBase       config.HBase
	OSS         config.OSS
	Mongo       config.Mongo
	Credentials oss.Credentials // for OSS
	Console     string          // base URL, of a running stack only

	ConsoleToken string // of a console that listens beyond loopback

	unusable error             // why OSS cannot be asked although it is named: told to those alone who need it
	values   map[string]string // of the variables of every service that was named
}

// Service is one of the services of a feed. Its value is the variable that names it: where that one is
// missing or empty, the service is left out.
type Service string

// The services of a feed.
const (
	Kafka   Service = "KAFKA_BROKERS"
	HBase   Service = "HBASE_ZOOKEEPER"
	OSS     Service = "OSS_ENDPOINT"
	MongoDB Service = "MONGODB_URI"
)

// variable is one that belongs to a service, besides the one that names it; functions read it too.
type variable struct {
	service      Service
	name         string
	whenNotGiven string // what functions are told then: nothing that s.yaml says for the cloud may show through
}

var variables = []variable{
	{Kafka, "KAFKA_SASL_MECHANISM", ""}, {Kafka, "KAFKA_SASL_USERNAME", ""}, {Kafka, "KAFKA_SASL_PASSWORD", ""},
	{Kafka, "KAFKA_TLS", "false"}, {Kafka, rootsVariable, ""},
	{HBase, "HBASE_ZOOKEEPER_ROOT", "/hbase"},
	{OSS, "OSS_REGION", ""},
}

// FCVariable names the API of Function Compute, for the verbs that call functions of an account. No function reads it.
const FCVariable = "FC_ENDPOINT"

// rootsVariable is the one that may name a file of this machine.
const rootsVariable = "KAFKA_CA"

// The platform hands these to functions; they are never laid over the environment of s.yaml.
const (
	KeyIDVariable  = "ALIBABA_CLOUD_ACCESS_KEY_ID"
	SecretVariable = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
	TokenVariable  = "ALIBABA_CLOUD_SECURITY_TOKEN"
)

// Parse reads where the services are from the functions' variables and from those of the credentials for
// OSS. What belongs to a service that is not named is left out. The error names every problem at once, but for those of
// OSS, which only few need: Needs and Objects name them.
func Parse(values map[string]string, names Names) (Target, error) {
	t := Target{Names: names, values: ofNamedServices(values)}
	var groups []any
	for _, each := range []struct {
		service Service
		group   any
	}{{Kafka, &t.Kafka}, {HBase, &t.HBase}, {MongoDB, &t.Mongo}} {
		if t.Has(each.service) {
			groups = append(groups, each.group)
		}
	}
	err := config.LoadGroups(t.environ(), groups...)
	if t.Has(OSS) {
		t.unusable = errors.Join(config.LoadGroups(t.environ(), &t.OSS), t.readCredentials())
	}
	if err != nil {
		return t, err
	}
	for service, address := range map[Service]string{
		Kafka: strings.Join(t.Kafka.Brokers, ","), HBase: string(t.HBase.ZooKeeper), OSS: t.OSS.Endpoint,
	} {
		if t.Has(service) && address != "" {
			t.values[string(service)] = address // without what people write around it
		}
	}
	return t, nil
}

// ofNamedServices leaves out what belongs to a service that is not named: it must not reach the embedded
// one in its place.
func ofNamedServices(values map[string]string) map[string]string {
	kept := map[string]string{}
	for _, s := range []Service{Kafka, HBase, OSS, MongoDB} {
		if value := values[string(s)]; value != "" {
			kept[string(s)] = value
		}
	}
	for _, v := range variables {
		if kept[string(v.service)] != "" {
			kept[v.name] = cmp.Or(values[v.name], v.whenNotGiven)
		}
	}
	if roots := kept[rootsVariable]; config.IsPath(roots) {
		if path, err := filepath.Abs(roots); err == nil {
			kept[rootsVariable] = path // functions, and verbs called elsewhere, run in other folders
		}
	}
	if kept[string(OSS)] != "" {
		for _, name := range []string{KeyIDVariable, SecretVariable, TokenVariable} {
			kept[name] = values[name]
		}
	}
	return kept
}

// environ is the environment in which the functions would run on this target.
func (t *Target) environ() []string {
	var lines []string
	for name, value := range t.values {
		lines = append(lines, name+"="+value)
	}
	return append(lines, "HBASE_TABLE="+t.Names.Table, "HBASE_INDEX="+t.Names.Index, "OSS_BUCKET="+t.Names.Bucket,
		"REFERENCE_PREFIX="+t.Names.Prefix, "MONGODB_DATABASE="+t.Names.Database, "MONGODB_COLLECTION="+t.Names.Collection)
}

func (t *Target) readCredentials() error {
	t.Credentials = oss.Credentials{
		AccessKeyID: t.values[KeyIDVariable], AccessKeySecret: t.values[SecretVariable], SecurityToken: t.values[TokenVariable],
	}
	if t.Credentials.AccessKeyID == "" || t.Credentials.AccessKeySecret == "" {
		return fmt.Errorf("%s needs %s and %s beside it: set them in the same file", OSS, KeyIDVariable, SecretVariable)
	}
	return nil
}

// Has tells whether a service was named.
func (t *Target) Has(s Service) bool { return t.values[string(s)] != "" }

// Address is what names a service, such as its brokers; empty when nothing does. That of MongoDB may hold
// a password.
func (t *Target) Address(s Service) string { return t.values[string(s)] }

// Needs returns an error that names each of these services that the target does not have, or not enough of.
func (t *Target) Needs(services ...Service) error {
	var problems []error
	for _, s := range services {
		switch {
		case !t.Has(s):
			problems = append(problems, fmt.Errorf("%s is missing: set it", s))
		case s == OSS && t.unusable != nil:
			problems = append(problems, t.unusable)
		}
	}
	return errors.Join(problems...)
}

// With returns the target with the services that others name in place of its own.
func (t *Target) With(others *Target) (Target, error) {
	values := maps.Clone(t.values)
	maps.Copy(values, others.values)
	return Parse(values, t.Names)
}

// Overlay is what the local platform lays over the environment that a manifest declares: where the
// services are. A variable that was not given is laid over too, for nothing of the cloud may show through.
func (t *Target) Overlay() map[string]string {
	overlay := maps.Clone(t.values)
	for _, name := range []string{KeyIDVariable, SecretVariable, TokenVariable} {
		delete(overlay, name)
	}
	return overlay
}
