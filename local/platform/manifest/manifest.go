// Package manifest reads a production s.yaml (Serverless Devs 3.x, component fc3) and checks it for the local platform.
//
// What the component's own schema says is checked with the schema, made strict: there an unknown key passes, here it
// is an error. rules.json lays over it what the schema leaves open (event streams) and the limits of the service.
// What no schema can say (a missing binary, a cron expression, a name given twice) is checked in Go.
// All problems are reported at once, each with file, line and column.
package manifest

import (
	"fmt"
	"sort"
	"strings"
	"time"
)

// Manifest is a checked s.yaml.
type Manifest struct {
	Path      string // as given to Load
	Name      string
	Functions []Function // in the order of the file

	variables []variable
	programs  []program
}

// Function is one resource of component fc3, with the defaults of Function Compute filled in.
type Function struct {
	Name                string
	Region              string
	Description         string
	Runtime             string
	Handler             string
	Role                string
	Code                string   // as written: a zip file or a folder, relative to the manifest
	CodeDir             string   // the folder that stands for /code on this machine
	Command             []string // with /code/ mapped to CodeDir, arguments included
	MemoryMB            int
	CPU                 float64
	Timeout             time.Duration
	InstanceConcurrency int
	ReservedConcurrency int // most instances at a time; 0: only the limit of the region
	Initializer         *Hook
	PreStop             *Hook
	AsyncRetries        int           // retries of a failed asynchronous invocation
	AsyncMaxAge         time.Duration // how long an asynchronous invocation may wait
	LogProject          string
	LogStore            string
	Environment         map[string]string // as written, expressions expanded
	Streams             []Stream
	Timers              []Timer
	HTTP                []HTTPTrigger
}

// Hook is an instance lifecycle hook.
type Hook struct {
	Handler string
	Timeout time.Duration
}

// Retry names a push retry strategy.
type Retry string

// The two strategies of an event stream.
const (
	BackoffRetry          Retry = "BACKOFF_RETRY"           // 3 retries, 10 to 20 s apart
	ExponentialDecayRetry Retry = "EXPONENTIAL_DECAY_RETRY" // 176 retries in one day
)

// Stream is an eventbridge trigger with a Kafka source: an event stream.
type Stream struct {
	Name            string
	Enabled         bool
	RawData         bool // eventSchema RawData: only the data of each CloudEvent is delivered
	Concurrency     int  // pushes at a time
	MaximumTasks    int
	TolerateErrors  bool // errorsTolerance ALL
	Retry           Retry
	DeadLetterTopic string // empty: events of a push that was given up are discarded
	BatchCount      int
	BatchWindow     time.Duration // 0: push at once
	Region          string
	InstanceID      string
	Topic           string
	Group           string
	FromLatest      bool // OffsetReset latest
}

// Timer is a timer trigger.
type Timer struct {
	Name    string
	Cron    string
	Enabled bool
	Payload string
}

// HTTPTrigger is an http trigger.
type HTTPTrigger struct {
	Name      string
	Anonymous bool // authType anonymous; otherwise requests must be signed
	Methods   []string
}

// variable is one environment variable and where it was written.
type variable struct {
	function, name string
	at             position
	unresolved     []string // expressions that gave no value
}

// program is the binary that a function's command starts.
type program struct {
	function, code string
	path           string // on this machine; empty where it is not in the code
	command        string
	at             position
}

type position struct{ line, column int }

// Problem is one thing wrong with a manifest.
type Problem struct {
	Line, Column int
	Text         string // what, value, remedy
}

// Error lists every problem of a manifest, in the order of the file.
type Error struct {
	Path     string
	Problems []Problem
}

// Error gives one line per problem: path:line:column: text.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = fmt.Sprintf("%s:%d:%d: %s", e.Path, p.Line, p.Column, p.Text)
	}
	return strings.Join(lines, "\n")
}

// CheckEnvironment reports, as an *Error, each expression without a value (an unset ${env(X)}) inside an environment
// variable that the overlay does not replace. Anywhere else in the manifest such an expression stands for nothing.
func (m *Manifest) CheckEnvironment(overlay map[string]string) error {
	var problems []Problem
	for _, v := range m.variables {
		if _, replaced := overlay[v.name]; replaced {
			continue
		}
		for _, expression := range v.unresolved {
			problems = append(problems, Problem{v.at.line, v.at.column, fmt.Sprintf(
				"environment variable %s of function %s: %s has no value: set the variable, or write ${env('NAME','default')}",
				v.name, v.function, expression)})
		}
	}
	return asError(m.Path, problems)
}

func asError(path string, problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	sort.SliceStable(problems, func(i, j int) bool {
		a, b := problems[i], problems[j]
		return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
	})
	return &Error{Path: path, Problems: problems}
}
