package mongodb

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"feedstream/local/services/mongodb/internal/query"
)

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
