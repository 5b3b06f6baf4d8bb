package live

import (
	"fmt"
	"slices"
	"strings"
)

// parts are those of the picture of the pipeline.
var parts = []string{"kafka", "stream", "enrich", "hbase", "output", "quarantine", "deadletter", "reference"}

// say takes note of how a part is.
func (s *Sample) say(part string, state State, format string, args ...any) {
	s.State[part], s.Words[part] = state, fmt.Sprintf(format, args...)
}

func (s *Sample) problem(state State, href, link, format string, args ...any) {
	s.Problems = append(s.Problems, Problem{State: state, Text: fmt.Sprintf(format, args...), Href: href, Link: link})
}

// judge says in colour and words how each part of the pipeline is, and names what a person should look at.
func (s *Sample) judge(status *Status) {
	s.State, s.Words, s.Problems = map[string]State{}, map[string]string{}, []Problem{}
	for _, part := range parts {
		s.say(part, Well, "works")
	}
	s.say("kafka", Well, "%d partitions", len(s.Lags))
	s.judgeStream(status)
	s.judgeAside()
	s.judgeReference()
	if s.FaultsOn > 0 {
		s.problem(Warning, "/platform#faults", "see them", "Fault rules are on, %d of them: what goes wrong may be meant.", s.FaultsOn)
	}
	slices.SortStableFunc(s.Problems, func(a, b Problem) int { return strings.Compare(string(b.State), string(a.State)) })
}

func (s *Sample) judgeStream(status *Status) {
	for _, f := range status.Functions {
		if strings.HasSuffix(f.Name, "enrich") {
			s.say("enrich", Well, "instances: %d", f.Instances)
		}
	}
	s.say("stream", Well, "lag %d", s.Lag)
	switch {
	case s.Failing > 0:
		s.say("stream", Wrong, "pushes that fail: %d", s.Failing)
		s.say("enrich", Wrong, "pushes fail")
		s.problem(Wrong, "/platform#streams", "retry now", "Pushes that fail and are repeated: %d. %.300s", s.Failing, status.Failing[0].Error)
	case s.Lag > 0 && s.CommittedRate == 0 && s.InFlight == 0 && s.PublishedRate > 0:
		s.say("stream", Warning, "lag %d, nothing moves", s.Lag)
	}
	if len(status.Failing) > 0 && strings.Contains(status.Failing[0].Error, "HBase") {
		s.say("hbase", Wrong, "refuses")
	}
}

func (s *Sample) judgeAside() {
	if s.Quarantined > 0 {
		s.say("quarantine", Well, "set aside: %d", s.Quarantined)
	}
	if s.QuarantinedRate > 0 {
		s.say("quarantine", Warning, "set aside: %d", s.Quarantined)
	}
	if s.DeadLettered > 0 {
		s.say("deadletter", Warning, "given up: %d", s.DeadLettered)
		s.problem(Warning, "/aside?from=deadletter", "redrive them", "Dead letters: %d records, whose pushes were given up.", s.DeadLettered)
	}
}

func (s *Sample) judgeReference() {
	switch {
	case s.Version == "":
		s.say("reference", Wrong, "none announced")
		s.problem(Wrong, "/reference", "refresh now", "No reference was ever announced: every push fails until one is.")
	case s.Pinned:
		s.say("reference", Warning, "pinned")
	case s.MaxAge > 0 && s.Age > s.MaxAge:
		s.say("reference", Wrong, "older than its limit")
		s.problem(Wrong, "/reference", "refresh now", "The reference is older than its limit.")
	default:
		s.say("reference", Well, "stocks: %d", s.Entries)
	}
}
