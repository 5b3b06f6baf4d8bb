package query

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"feedstream/local/services/mongodb/internal/failure"
)

// Filter is a compiled query. It is for one goroutine at a time.
type Filter struct {
	match predicate
	equal []Equality
}

// Equality is a condition field = value that every matching document fulfils.
type Equality struct {
	Path  string
	Value bsoncore.Value
}

type predicate func(document []byte) bool

// CompileFilter compiles a query: equality, $eq $ne $gt $gte $lt $lte $in $nin $exists $type $not, and $and $or $nor.
// Anything else is refused by name, before a document has been looked at. A nil query matches everything.
func CompileFilter(filter bsoncore.Document) (*Filter, error) {
	f := &Filter{}
	match, err := f.conjunction(filter, true)
	if err != nil {
		return nil, err
	}
	f.match = match
	return f, nil
}

// Match says whether the document fulfils the query.
func (f *Filter) Match(document bsoncore.Document) bool { return f.match(document) }

// Equalities lists the equality conditions that hold for every match, in the query's order. They lead to an index,
// and an upsert begins with them.
func (f *Filter) Equalities() []Equality { return f.equal }

// conjunction compiles one query document. Equalities are noted only where they bind the whole query.
func (f *Filter) conjunction(filter []byte, binding bool) (predicate, error) {
	var all []predicate
	err := Elements(filter, func(key string, value bsoncore.Value) error {
		var p predicate
		var err error
		if strings.HasPrefix(key, "$") {
			p, err = f.logical(key, value, binding)
		} else {
			p, err = f.field(key, value, binding)
		}
		if p != nil {
			all = append(all, p)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return every(all), nil
}

func (f *Filter) logical(operator string, value bsoncore.Value, binding bool) (predicate, error) {
	switch operator {
	case "$comment":
		return nil, nil
	case "$and", "$or", "$nor":
	default:
		if slices.Contains(refusedTopLevel, operator) {
			return nil, failure.Unsupported("the query operator %s", operator)
		}
		return nil, failure.New(failure.BadValue, "unknown top level operator: %s", operator)
	}
	if value.Type != bsoncore.TypeArray || len(value.Data) <= 5 {
		return nil, failure.New(failure.BadValue, "%s must be a nonempty array", operator)
	}
	var branches []predicate
	err := Elements(value.Data, func(_ string, branch bsoncore.Value) error {
		if branch.Type != bsoncore.TypeEmbeddedDocument {
			return failure.New(failure.BadValue, "%s entries need to be full objects", operator)
		}
		p, err := f.conjunction(branch.Data, binding && operator == "$and")
		branches = append(branches, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	switch operator {
	case "$and":
		return every(branches), nil
	case "$or":
		return some(branches), nil
	}
	return not(some(branches)), nil
}

// field compiles the condition on one field: a value to equal, or a document of operators.
func (f *Filter) field(path string, condition bsoncore.Value, binding bool) (predicate, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	if condition.Type != bsoncore.TypeEmbeddedDocument || !isOperators(condition.Data) {
		condition = operand("$eq", condition)
	}
	return f.operators(path, condition.Data, binding)
}

func (f *Filter) operators(path string, conditions []byte, binding bool) (predicate, error) {
	var all []predicate
	err := Elements(conditions, func(operator string, value bsoncore.Value) error {
		if operator == "$not" {
			if value.Type != bsoncore.TypeEmbeddedDocument || !isOperators(value.Data) {
				return failure.Unsupported("$not with anything but a document of operators")
			}
			p, err := f.operators(path, value.Data, false)
			all = append(all, not(p))
			return err
		}
		test, negate, err := compileOperator(operator, value)
		if err != nil {
			return err
		}
		if binding && (operator == "$eq" || operator == "$in" && isSingle(value.Data)) {
			f.equal = append(f.equal, Equality{path, equalityValue(operator, value)})
		}
		p := onPath(strings.Split(path, "."), test)
		if negate {
			p = not(p)
		}
		all = append(all, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return every(all), nil
}

func equalityValue(operator string, value bsoncore.Value) bsoncore.Value {
	if operator == "$eq" {
		return value
	}
	c := elements(value.Data)
	e, _ := c.next()
	return e.value
}

func isSingle(array []byte) bool {
	c := elements(array)
	_, first := c.next()
	_, second := c.next()
	return first && !second
}

// isOperators says whether a document is one of operators: its first key begins with a dollar sign.
func isOperators(document []byte) bool {
	c := elements(document)
	e, ok := c.next()
	return ok && len(e.key) > 0 && e.key[0] == '$'
}

// operand makes the document {operator: value}.
func operand(operator string, value bsoncore.Value) bsoncore.Value {
	return bsoncore.Value{
		Type: bsoncore.TypeEmbeddedDocument,
		Data: bsoncore.BuildDocument(nil, bsoncore.AppendValueElement(nil, operator, value)),
	}
}

// maxParts bounds how deep a path leads. Each part costs time in proportion to all behind it, and no message may bring
// documents nested deeper.
const maxParts = 200

// checkPath refuses paths that this server would follow otherwise than MongoDB does: numbers can mean a position in
// an array or a field's name.
func checkPath(path string) error {
	if parts := strings.Count(path, ".") + 1; parts > maxParts {
		return failure.New(failure.Overflow, "a path of %d parts, beginning %.40q, is over the limit of %d", parts, path, maxParts)
	}
	for part := range strings.SplitSeq(path, ".") {
		switch {
		case part == "":
			return failure.New(failure.BadValue, "the path %q has an empty part", path)
		case strings.HasPrefix(part, "$"):
			return failure.Unsupported("the positional or reserved name %q in the path %q", part, path)
		case strings.Trim(part, "0123456789") == "" && path != part:
			return failure.Unsupported("the array position %q in the path %q", part, path)
		}
	}
	return nil
}

// onPath applies a test to every value MongoDB finds at a path: it looks into documents inside arrays on the way, and
// at the end at each item of an array and then at the array itself. The test sees missing where a document lacks the
// field; values other than documents inside an array on the way are passed over.
func onPath(path []string, test func(bsoncore.Value) bool) predicate {
	return func(document []byte) bool { return anyAt(document, path, test) }
}

func anyAt(document []byte, path []string, test func(bsoncore.Value) bool) bool {
	value := Lookup(document, path[0])
	if len(path) > 1 {
		switch value.Type {
		case bsoncore.TypeEmbeddedDocument:
			return anyAt(value.Data, path[1:], test)
		case bsoncore.TypeArray:
			return anyItem(value.Data, func(item bsoncore.Value) bool {
				return item.Type == bsoncore.TypeEmbeddedDocument && anyAt(item.Data, path[1:], test)
			})
		}
		return test(missing)
	}
	return value.Type == bsoncore.TypeArray && anyItem(value.Data, test) || test(value)
}

func anyItem(array []byte, test func(bsoncore.Value) bool) bool {
	for c := elements(array); ; {
		e, ok := c.next()
		if !ok {
			return false
		}
		if test(e.value) {
			return true
		}
	}
}

func every(ps []predicate) predicate {
	if len(ps) == 1 {
		return ps[0]
	}
	return func(document []byte) bool {
		for _, p := range ps {
			if !p(document) {
				return false
			}
		}
		return true
	}
}

func some(ps []predicate) predicate {
	return func(document []byte) bool {
		for _, p := range ps {
			if p(document) {
				return true
			}
		}
		return false
	}
}

func not(p predicate) predicate {
	return func(document []byte) bool { return !p(document) }
}
