package query

import (
	"maps"
	"slices"
	"strings"
)

// Unsupported are the parts of reads that are refused, in words.
func Unsupported() []string {
	known := slices.Sorted(maps.Keys(filters))
	return append(gaps.Names(),
		"filters other than "+strings.Join(append(known, listName), ", "),
		"comparators other than "+strings.Join(slices.Sorted(maps.Keys(comparators)), ", "),
		"attributes of operations other than "+strings.Join(slices.Sorted(maps.Keys(attributes)), ", "),
	)
}
