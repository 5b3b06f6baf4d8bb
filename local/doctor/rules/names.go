package rules

import (
	"slices"
	"strings"

	"feedstream/shared/config"
	"feedstream/shared/feed"
)

var nameRules = []rule{
	{"topics-equal", topicsEqual},
	{"topic-input", topicInput},
	{"name-misspelt", nameMisspelt},
	{"names-differ", namesDiffer},
}

// named is a topic of the feed, and where it is named.
type named struct {
	use  string
	at   node
	name string
}

// topics of the feed, as its functions and triggers name them.
func (d *deployment) topics() (topics []named) {
	for _, t := range d.streams {
		at, _, _, letters := t.deadLetter()
		topics = append(topics, named{"input", t.source("Topic"), t.source("Topic").text()}, named{"dead letters", at, letters})
	}
	for _, f := range d.running("enrich") {
		variables := f.at("environmentVariables")
		topics = append(topics, named{"output", variables.at("OUTPUT_TOPIC"), f.variable("OUTPUT_TOPIC")},
			named{"quarantine", variables.at("QUARANTINE_TOPIC"), f.variable("QUARANTINE_TOPIC")})
	}
	return topics
}

// topicsEqual: what is written to the input comes back as input, and what one topic holds of two kinds no reader can tell.
func topicsEqual(d *deployment) (problems []Problem) {
	first := map[string]string{}
	for _, t := range d.topics() {
		if other, twice := first[t.name]; twice && other != t.use && t.name != "" {
			problems = append(problems, t.at.wrong("name a topic of its own", "%s and %s are the same topic, %s", other, t.use, t.name))
			continue
		}
		first[t.name] = t.use
	}
	return problems
}

// topicInput: what is published must be what the event stream reads, and be told from a sample that nobody published.
func topicInput(d *deployment) (problems []Problem) {
	for _, t := range d.streams {
		read := t.source("Topic").text()
		problems = append(problems, when(read == feed.SampleTopic, t.source("Topic").wrong("name another topic",
			"%s is kept for samples that nobody published", read))...)
		for _, f := range d.running("publish") {
			at, written := f.at("environmentVariables", "INPUT_TOPIC"), f.variable("INPUT_TOPIC")
			problems = append(problems, when(read != "" && !at.unknown() && written != read, at.wrong("name the same topic",
				"%s publishes to %s, and the event stream of %s reads %s", f.name, written, t.of.name, read))...)
		}
	}
	return problems
}

// usual are the names that the code has by itself.
var usual = []string{"INPUT_TOPIC", "OUTPUT_TOPIC", "QUARANTINE_TOPIC", "HBASE_TABLE", "HBASE_INDEX", "REFERENCE_PREFIX",
	"MONGODB_DATABASE", "MONGODB_COLLECTION"}

const usualLetters, usualGroup = "feed-deadletter", "feed-enrich"

// nameMisspelt: a name with the letters of the usual one, in another case or two of them swapped, is meant to be it. One
// that differs in its letters, such as stocks or feed-records2, may be the feed's own.
func nameMisspelt(d *deployment) (problems []Problem) {
	almost := func(at node, name, usual string) {
		if misspelt(name, usual) {
			problems = append(problems, at.wrong("write "+usual+", or a name of other letters",
				"%s is %s, which is almost %s", at.name(), name, usual))
		}
	}
	for _, f := range d.functions {
		for _, name := range usual {
			if at := f.at("environmentVariables", name); at.text() != "" {
				almost(at, at.text(), defaults[name])
			}
		}
	}
	for _, t := range d.streams {
		almost(t.source("Topic"), t.source("Topic").text(), defaults["INPUT_TOPIC"])
		almost(t.source("ConsumerGroup"), t.source("ConsumerGroup").text(), usualGroup)
		at, _, _, letters := t.deadLetter()
		almost(at, letters, usualLetters)
	}
	return problems
}

// misspelt tells a name that is the other in another case, or with two neighbouring letters swapped.
func misspelt(name, other string) bool {
	if name == other || len(name) != len(other) {
		return false
	}
	a, b := strings.ToLower(name), strings.ToLower(other)
	if a == b {
		return true
	}
	at := 0
	for a[at] == b[at] {
		at++
	}
	return at+1 < len(a) && a[at] == b[at+1] && a[at+1] == b[at] && a[at+2:] == b[at+2:]
}

// joint are the variables in which the functions of a feed must agree.
var joint = []string{"KAFKA_BROKERS", "HBASE_ZOOKEEPER", "HBASE_ZOOKEEPER_ROOT", "HBASE_TABLE", "HBASE_INDEX",
	"OSS_ENDPOINT", "OSS_REGION", "OSS_BUCKET", "REFERENCE_PREFIX"}

// namesDiffer: two functions that work on one feed must name the same things.
func namesDiffer(d *deployment) (problems []Problem) {
	for _, name := range joint {
		var value, by string
		for _, f := range d.functions {
			reads := slices.ContainsFunc(variablesOf(f.program), func(v config.Variable) bool { return v.Name == name })
			at := f.at("environmentVariables", name)
			if !reads || at.unknown() {
				continue
			}
			own := f.variable(name)
			if name == "REFERENCE_PREFIX" {
				own = strings.TrimSuffix(own, "/")
			}
			if by == "" {
				value, by = own, f.name
			}
			problems = append(problems, when(own != value, at.wrong("set the same: they work on one feed",
				"%s is %s for %s and %s for %s", name, value, by, own, f.name))...)
		}
	}
	return problems
}
