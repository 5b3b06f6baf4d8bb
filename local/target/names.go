package target

import (
	"cmp"
	"errors"
	"fmt"
	"path"

	"feedstream/local/platform/manifest"
)

// Names are what a feed calls its topics, consumer group, table, objects, collection and functions: those
// of its manifest.
type Names struct {
	Topics Topics `json:"topics"`
	Group  string `json:"group"` // of the trigger

	Table string `json:"table"` // Phoenix names
	Index string `json:"index"`

	Bucket string `json:"bucket"`
	Prefix string `json:"prefix"` // of the reference's objects

	Database   string `json:"database"`
	Collection string `json:"collection"`

	Refresh string `json:"refresh"` // functions, by the program that each of them runs
	Query   string `json:"query"`
	Publish string `json:"publish"`
}

// Topics are the topics of a feed.
type Topics struct {
	Input      string `json:"input"`
	Output     string `json:"output"`
	Quarantine string `json:"quarantine"`
	DeadLetter string `json:"deadLetter"`
}

// NamesOf reads the names out of a manifest. What it leaves open has the default of the functions. The
// error names everything that its functions do not agree on.
func NamesOf(m *manifest.Manifest) (Names, error) {
	s := settings{manifest: m}
	n := Names{
		Topics: Topics{
			Output: s.value("OUTPUT_TOPIC", "feed-records"), Quarantine: s.value("QUARANTINE_TOPIC", "feed-quarantine"),
		},
		Table: s.value("HBASE_TABLE", "USER_TEST.STOCK"), Index: s.value("HBASE_INDEX", "USER_TEST.STOCK_CODE_INDEX"),
		Bucket: s.value("OSS_BUCKET", "feed-reference"), Prefix: s.value("REFERENCE_PREFIX", "stock/"),
		Database: s.value("MONGODB_DATABASE", "reference"), Collection: s.value("MONGODB_COLLECTION", "stock"),
	}
	published := s.value("INPUT_TOPIC", "")
	for _, f := range m.Functions {
		for _, stream := range f.Streams {
			if n.Topics.Input != "" {
				s.problem("functions have more than one event stream: topics %s and %s", n.Topics.Input, stream.Topic)
			}
			n.Topics.Input, n.Topics.DeadLetter, n.Group = stream.Topic, stream.DeadLetterTopic, stream.Group
		}
		if len(f.Command) == 0 {
			continue
		}
		switch path.Base(f.Command[0]) {
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
	n.Topics.Input = cmp.Or(n.Topics.Input, published, "feed-updates")
	n.Topics.DeadLetter = cmp.Or(n.Topics.DeadLetter, "feed-deadletter")
	n.Group = cmp.Or(n.Group, "feed-enrich")
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

// value is what the functions that set a variable agree on.
func (s *settings) value(variable, fallback string) string {
	var value, by string
	for _, f := range s.manifest.Functions {
		set := f.Environment[variable]
		switch {
		case set == "":
		case value == "":
			value, by = set, f.Name
		case set != value:
			s.problem("%s is %s for %s and %s for %s: they work on one feed, set the same", variable, value, by, set, f.Name)
		}
	}
	return cmp.Or(value, fallback)
}
