package query

import "slices"

// What a real MongoDB has and this package refuses by name.
var (
	refusedOperators = []string{
		"$regex", "$options", "$elemMatch", "$size", "$all", "$mod", "$expr", "$jsonSchema", "$geoWithin",
		"$geoIntersects", "$near", "$nearSphere", "$bitsAllClear", "$bitsAllSet", "$bitsAnyClear", "$bitsAnySet",
		"$ref", "$id", "$db",
	}
	refusedTopLevel = []string{"$expr", "$where", "$text", "$jsonSchema", "$alwaysTrue", "$alwaysFalse", "$sampleRate"}
	refusedUpdates  = []string{"$mul", "$rename", "$currentDate", "$pull", "$pullAll", "$pop", "$bit"}
)

// Refused lists the operators of filters and of updates that are refused by name.
func Refused() (filters, updates []string) {
	filters = slices.Concat(refusedOperators, refusedTopLevel)
	slices.Sort(filters)
	updates = slices.Sorted(slices.Values(refusedUpdates))
	return slices.Compact(filters), updates
}
