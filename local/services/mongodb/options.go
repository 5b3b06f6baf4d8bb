package mongodb

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"feedstream/local/services/mongodb/internal/failure"
	"feedstream/local/services/mongodb/internal/query"
)

// option says how an option of a command is taken.
type option int

const (
	used    option = iota + 1 // the command looks at it
	ignored                   // it changes no answer
	off                       // it is refused unless it says false, null, {} or [], which is as good as not given
)

// general are the options every command may carry. Those that begin with $ and what follows them are what servers and
// tools say of themselves, and no command of one server alone heeds them.
var general = map[string]option{
	"$db": used, "lsid": ignored, "$clusterTime": ignored, "$readPreference": ignored, "comment": ignored,
	"maxTimeMS": ignored, "readConcern": used, "writeConcern": used,
	"apiVersion": used, "apiStrict": used, "apiDeprecationErrors": used,
	"$audit": ignored, "$client": ignored, "$configServerState": ignored, "$configTime": ignored,
	"$oplogQueryData": ignored, "$queryOptions": ignored, "$replData": ignored, "$topologyTime": ignored,
	"maxTimeMSOpOnly": ignored, "mayBypassWriteBlocking": ignored, "help": off,
}

// anything among a command's options lets every other field pass unread, as a real server does where it parses a
// command without strictness. Drivers count on it: each release says more of itself at hello.
const anything = "*"

// checkOptions refuses by name what this server does not know or cannot do.
func (r *request) checkOptions(own map[string]option) error {
	if err := r.checkTransaction(); err != nil {
		return err
	}
	if err := r.checkConcerns(); err != nil {
		return err
	}
	if err := r.checkStableAPI(); err != nil {
		return err
	}
	for _, sequence := range r.sequences {
		if own[sequence.Field] != used {
			return unknownOption(r.name, sequence.Field)
		}
	}
	return checkOptions(r.name, r.body, own, true)
}

// checkOptions checks a document of options. At the top of a command the first field is the command itself.
func checkOptions(what string, document bsoncore.Document, known map[string]option, top bool) error {
	first := top
	return query.Elements(document, func(name string, v bsoncore.Value) error {
		if first {
			first = false
			return nil
		}
		kind := known[name]
		if kind == 0 && top {
			kind = general[name]
		}
		if kind == 0 {
			kind = known[anything]
		}
		if kind == 0 {
			return unknownOption(what, name)
		}
		if kind == off && !isOff(v) {
			return failure.New(failure.InvalidOptions, "embedded MongoDB: the option '%s' of %s is not supported", name, what)
		}
		return nil
	})
}

func unknownOption(what, name string) error {
	return failure.New(failure.UnknownField, "embedded MongoDB: '%s.%s' is an unknown option", what, name)
}

// isOff says whether an option's value is the same as the option's absence.
func isOff(v bsoncore.Value) bool {
	switch v.Type {
	case bsoncore.TypeNull, bsoncore.TypeUndefined:
		return true
	case bsoncore.TypeEmbeddedDocument, bsoncore.TypeArray:
		locale, _ := query.Lookup(v.Data, "locale").StringValueOK()
		return len(v.Data) == 5 || locale == "simple"
	}
	return !flagOf(v, true)
}

// checkTransaction refuses transactions and retryable writes as a standalone server does.
func (r *request) checkTransaction() error {
	for _, name := range []string{"txnNumber", "startTransaction", "autocommit"} {
		if r.option(name).Type != 0 {
			return failure.New(failure.IllegalOperation,
				"Transaction numbers are only allowed on a replica set member or mongos (%s in %s)", name, r.name)
		}
	}
	return nil
}

// checkStableAPI accepts version 1 of the stable API, whose answers are those given without it. A strict client is
// promised that what is outside of it is refused.
func (r *request) checkStableAPI() error {
	declared := r.option("apiVersion")
	if declared.Type == 0 {
		if r.option("apiStrict").Type != 0 || r.option("apiDeprecationErrors").Type != 0 {
			return failure.New(failure.APIParametersMissing,
				"Provided apiStrict and/or apiDeprecationErrors without passing apiVersion")
		}
		return nil
	}
	if v, _ := declared.StringValueOK(); v != "1" {
		return failure.New(failure.APIVersionError, "API version must be \"1\", not %s", declared)
	}
	if r.flag("apiStrict", false) && outsideStableAPI[r.name] {
		return failure.New(failure.APIStrictError,
			"Provided apiStrict:true, but the command %s is not in API Version 1", r.name)
	}
	return nil
}

// checkConcerns accepts the concerns that one server fulfils by itself: every acknowledged write is on its disk.
func (r *request) checkConcerns() error {
	level, _ := query.Lookup(r.option("readConcern").Data, "level").StringValueOK()
	switch level {
	case "", "local", "available", "majority":
	default:
		return failure.New(failure.InvalidOptions,
			"embedded MongoDB: read concern '%s' of %s is not supported", level, r.name)
	}
	w := query.Lookup(r.option("writeConcern").Data, "w")
	if n, ok := wholeNumber(w); ok && n > 1 {
		return failure.New(failure.BadValue, "cannot use 'w' > 1 when a host is not replicated")
	}
	if tag, ok := w.StringValueOK(); ok && tag != "majority" {
		return failure.New(79, "No write concern mode named '%s' found", tag)
	}
	return nil
}

// Unsupported says in short lines what a MongoDB server does and this one does not, from the tables it decides by.
func Unsupported() []string {
	filters, updates := query.Refused()
	lines := []string{
		"commands other than " + strings.Join(slices.Sorted(maps.Keys(commands)), ", "),
		"query operators: " + strings.Join(filters, ", "),
		"update operators: " + strings.Join(updates, ", "),
		"aggregations other than that of countDocuments",
		"authentication, TLS, compression, transactions, retryable writes, replica sets",
	}
	for _, name := range slices.Sorted(maps.Keys(commands)) {
		lines = appendRefused(lines, name, commands[name].options)
	}
	lines = appendRefused(lines, "update.updates", updateOptions)
	lines = appendRefused(lines, "delete.deletes", deleteOptions)
	return appendRefused(lines, "createIndexes.indexes", indexOptions)
}

func appendRefused(lines []string, what string, options map[string]option) []string {
	var refused []string
	for name, kind := range options {
		if kind == off {
			refused = append(refused, name)
		}
	}
	if refused == nil {
		return lines
	}
	slices.Sort(refused)
	return append(lines, fmt.Sprintf("options of %s: %s", what, strings.Join(refused, ", ")))
}
