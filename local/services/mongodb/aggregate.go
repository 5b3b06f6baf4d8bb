package mongodb

import (
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"feedstream/local/services/mongodb/internal/failure"
	"feedstream/local/services/mongodb/internal/query"
)

var aggregateOptions = map[string]option{
	"pipeline": used, "cursor": used, "allowDiskUse": ignored, "hint": ignored, "explain": off, "collation": off,
	"let": off, "bypassDocumentValidation": off,
}

// aggregate answers the one pipeline that drivers send to count documents: $match, $skip, $limit, then
// $group {_id: 1, n: {$sum: 1}}. Others are refused.
func (s *Server) aggregate(r *request) (bson.D, error) {
	ns, err := r.namespace()
	if err != nil {
		return nil, err
	}
	q, err := compileCount(r.option("pipeline"))
	if err != nil {
		return nil, err
	}
	n, err := s.countMatches(ns, q)
	if err != nil {
		return nil, err
	}
	batch := bson.A{}
	if n > 0 {
		batch = append(batch, bson.D{{Key: "_id", Value: int32(1)}, {Key: "n", Value: int32(n)}})
	}
	return cursorReply(0, ns, "firstBatch", batch), nil
}

// compileCount reads the pipeline. Its stages have to come in the order drivers write them, each at most once.
func compileCount(pipeline bsoncore.Value) (q search, err error) {
	stages, ok := pipeline.ArrayOK()
	if !ok {
		return q, failure.New(failure.TypeMismatch, "aggregate: 'pipeline' must be an array")
	}
	order := map[string]int{"$match": 1, "$skip": 2, "$limit": 3, "$group": 4}
	last := 0
	err = query.Elements(stages, func(_ string, stage bsoncore.Value) error {
		document, _ := stage.DocumentOK()
		first, err := document.IndexErr(0)
		if err != nil {
			return failure.New(failure.FailedToParse, "aggregate: a pipeline stage must be a document with one field")
		}
		name := first.Key()
		if order[name] <= last {
			return failure.Unsupported("the aggregation stage %s at this place (only countDocuments is)", name)
		}
		last = order[name]
		return q.addStage(name, first.Value())
	})
	if err == nil && last != order["$group"] {
		err = failure.Unsupported("an aggregation other than countDocuments")
	}
	if err == nil && q.filter == nil {
		q.filter, err = query.CompileFilter(nil)
	}
	return q, err
}

func (q *search) addStage(name string, v bsoncore.Value) (err error) {
	switch name {
	case "$match":
		filter, err := documentOf(v, "$match")
		if err != nil {
			return err
		}
		q.filter, err = query.CompileFilter(filter)
		return err
	case "$skip", "$limit":
		n, ok := wholeNumber(v)
		if !ok || n < 0 || n == 0 && name == "$limit" {
			return failure.New(failure.BadValue, "%s must be a positive whole number, not %s", name, v)
		}
		if name == "$skip" {
			q.skip = n
		} else {
			q.limit = n
		}
		return nil
	}
	if !isCountGroup(v) {
		return failure.Unsupported("$group other than {_id: 1, n: {$sum: 1}}")
	}
	return nil
}

// isCountGroup recognises {_id: 1, n: {$sum: 1}}, with numbers of any type.
func isCountGroup(v bsoncore.Value) bool {
	document, ok := v.DocumentOK()
	if !ok {
		return false
	}
	fields, err := document.Elements()
	if err != nil || len(fields) != 2 {
		return false
	}
	id, _ := wholeNumber(query.Lookup(document, "_id"))
	sum, ok := query.Lookup(document, "n").DocumentOK()
	if !ok || id != 1 {
		return false
	}
	operators, err := sum.Elements()
	one, _ := wholeNumber(query.Lookup(sum, "$sum"))
	return err == nil && len(operators) == 1 && one == 1
}
