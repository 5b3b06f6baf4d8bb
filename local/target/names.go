package target

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"feedstream/local/platform/manifest"
	"feedstream/shared/config"
	"feedstream/shared/feed"
)

// Names are what a feed calls its topics, consumer group, table, objects, collection and functions: those
// of its manifest.
type Names struct {
	Topics feed.Topics `json:"topics"`
	Group  string      `json:"group"` // of the trigger
	Tasks  int         `json:"tasks"` // most readers of the event stream

	Table string `json:"table"` // Phoenix names
	Index string `json:"index"`

	Bucket string `json:"bucket"`
	Prefix string `json:"prefix"` // of the reference's objects

	Database   string `json:"database"`
	Collection string `json:"collection"`

	Enrich  string `json:"enrich"` // functions, by the program that each of them runs
	Refresh string `json:"refresh"`
	Query   string `json:"query"`
	Publish string `json:"publish"`
}

// NamesOf reads the names out of a manifest. What it leaves open has the default of the functions. The
// error names everything that its functions do not agree on.
func NamesOf(m *manifest.Manifest) (Names, error) {
	s := settings{manifest: m}
	topics := feed.DefaultTopics()
	n := Names{
		Topics: feed.Topics{Output: s.value("OUTPUT_TOPIC", topics.Output), Quarantine: s.value("QUARANTINE_TOPIC", topics.Quarantine)},
		Table:  s.value("HBASE_TABLE", feed.DefaultTable), Index: s.value("HBASE_INDEX", feed.DefaultIndex),
		Bucket: s.value("OSS_BUCKET", feed.DefaultBucket), Prefix: s.value("REFERENCE_PREFIX", feed.DefaultPrefix),
		Database: s.value("MONGODB_DATABASE", feed.DefaultDatabase), Collection: s.value("MONGODB_COLLECTION", feed.DefaultCollection),
	}
	published := s.value("INPUT_TOPIC", "")
	for _, f := range m.Functions {
		for _, stream := range f.Streams {
			if n.Topics.Input != "" {
				s.problem("functions have more than one event stream: topics %s and %s", n.Topics.Input, stream.Topic)
			}
			n.Topics.Input, n.Topics.DeadLetter, n.Group, n.Tasks = stream.Topic, stream.DeadLetterTopic, stream.Group, stream.MaximumTasks
		}
		if len(f.Command) == 0 {
			continue
		}
		switch path.Base(f.Command[0]) {
		case "enrich":
			n.Enrich = f.Name
		case "refresh":
			n.Refresh = f.Name
		case "query":
			n.Query = f.Name
		case "publish":
			n.Publish = f.Name
		}
	}
	if published != "" && n.Topics.Input != "" && published != n.Topics.Input {
		s.problem("INPUT_TOPIC is %s, and the event stream reads %s: name the same topic", published, n.Topics.Input)
	}
	n.Topics.Input = cmp.Or(n.Topics.Input, published, topics.Input)
	if n.Topics.Input == feed.SampleTopic {
		s.problem("the input topic is %s, by which `feedstream invoke --sample` tells its samples from records: name it otherwise", n.Topics.Input)
	}
	n.Topics.DeadLetter = cmp.Or(n.Topics.DeadLetter, topics.DeadLetter)
	n.Group = cmp.Or(n.Group, feed.DefaultGroup)
	return n, errors.Join(s.problems...)
}

// settings are the environment variables of all functions of a manifest.
type settings struct {
	manifest *manifest.Manifest
	problems []error
}

func (s *settings) problem(format string, args ...any) {
	s.problems = append(s.problems, fmt.Errorf(s.manifest.Path+": "+format, args...))
}

// readers are the programs that read a variable. One that is not set has its default there, too.
var readers = map[string][]string{
	"INPUT_TOPIC": {"publish"}, "OUTPUT_TOPIC": {"enrich"}, "QUARANTINE_TOPIC": {"enrich"},
	"HBASE_TABLE": {"enrich", "query"}, "HBASE_INDEX": {"enrich", "query"},
	"OSS_BUCKET": {"enrich", "refresh", "query"}, "REFERENCE_PREFIX": {"enrich", "refresh", "query"},
	"MONGODB_DATABASE": {"refresh"}, "MONGODB_COLLECTION": {"refresh"},
}

// value is what the functions that read a variable agree on.
func (s *settings) value(variable, fallback string) string {
	var value, by string
	for _, f := range s.manifest.Functions {
		if len(f.Command) == 0 || !slices.Contains(readers[variable], path.Base(f.Command[0])) {
			continue
		}
		read := s.normal(variable, cmp.Or(strings.TrimSpace(f.Environment[variable]), fallback))
		switch {
		case value == "":
			value, by = read, f.Name
		case read != value:
			s.problem("%s is %s for %s and %s for %s: they work on one feed, set the same", variable, value, by, read, f.Name)
		}
	}
	return cmp.Or(value, fallback)
}

// normal is a value as the functions take it.
func (s *settings) normal(variable, value string) string {
	if variable != "REFERENCE_PREFIX" {
		return value
	}
	var prefix config.Prefix
	if err := prefix.UnmarshalText([]byte(value)); err != nil {
		s.problem("%s: %v", variable, err)
	}
	return string(prefix)
}
