package query

import (
	"math"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"feedstream/local/services/mongodb/internal/failure"
)

// Update is a compiled update: a whole document, or a list of changes.
type Update struct {
	replacement bsoncore.Document // nil for changes
	changes     []change
}

type change struct {
	operator string
	path     []string
	operand  bsoncore.Value
}

// CompileUpdate compiles a replacement document, or the operators $set $setOnInsert $unset $inc $min $max $push and
// $addToSet (both with $each). Other operators, pipelines and array positions are refused by name.
func CompileUpdate(update bsoncore.Value) (*Update, error) {
	if update.Type == bsoncore.TypeArray {
		return nil, failure.Unsupported("an update by an aggregation pipeline")
	}
	if update.Type != bsoncore.TypeEmbeddedDocument {
		return nil, failure.New(failure.FailedToParse, "update argument must be an object")
	}
	if !isOperators(update.Data) {
		return compileReplacement(update.Data)
	}
	u := &Update{}
	err := Elements(update.Data, func(operator string, fields bsoncore.Value) error {
		if err := checkUpdateOperator(operator, fields); err != nil {
			return err
		}
		return Elements(fields.Data, func(path string, operand bsoncore.Value) error {
			if err := checkPath(path); err != nil {
				return err
			}
			u.changes = append(u.changes, change{operator, strings.Split(path, "."), operand})
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	// MongoDB applies changes in the order of their paths, whatever the operator.
	slices.SortStableFunc(u.changes, func(a, b change) int { return slices.Compare(a.path, b.path) })
	return u, u.checkConflicts()
}

func compileReplacement(document []byte) (*Update, error) {
	return &Update{replacement: document}, Elements(document, func(key string, _ bsoncore.Value) error {
		if strings.HasPrefix(key, "$") {
			return failure.New(failure.FailedToParse, "the replacement document has the operator %s among fields", key)
		}
		return nil
	})
}

func checkUpdateOperator(operator string, fields bsoncore.Value) error {
	switch operator {
	case "$set", "$setOnInsert", "$unset", "$inc", "$min", "$max", "$push", "$addToSet":
	default:
		if slices.Contains(refusedUpdates, operator) {
			return failure.Unsupported("the update operator %s", operator)
		}
		return failure.New(failure.FailedToParse, "Unknown modifier: %s", operator)
	}
	if fields.Type != bsoncore.TypeEmbeddedDocument {
		return failure.New(failure.FailedToParse, "Modifiers operate on fields but %s has a %s", operator, fields.Type)
	}
	return nil
}

// checkConflicts finds two changes of one field, or of a field and a part of it; sorted paths have them side by side.
func (u *Update) checkConflicts() error {
	for i := 1; i < len(u.changes); i++ {
		before, after := u.changes[i-1].path, u.changes[i].path
		if len(before) <= len(after) && slices.Equal(before, after[:len(before)]) {
			return failure.New(failure.ConflictingUpdate, "Updating the path '%s' would create a conflict at '%s'",
				strings.Join(after, "."), strings.Join(before, "."))
		}
	}
	return nil
}

// IsReplacement says whether the update is a whole document, which MongoDB does not allow for many documents at once.
func (u *Update) IsReplacement() bool { return u.replacement != nil }

// Apply gives the updated document. When inserting, $setOnInsert counts too. A changed _id is refused; a replacement
// without _id takes the old one's.
func (u *Update) Apply(document bsoncore.Document, inserting bool) (bsoncore.Document, error) {
	id := Lookup(document, "_id")
	updated := document
	if u.IsReplacement() {
		updated = u.replacement
		if Lookup(updated, "_id").Type == 0 && id.Type != 0 {
			updated = WithID(updated, id)
		}
	}
	for _, c := range u.changes {
		var err error
		if updated, err = c.apply(updated, inserting); err != nil {
			return nil, err
		}
	}
	if id.Type != 0 && Compare(id, Lookup(updated, "_id")) != 0 {
		return nil, failure.New(failure.ImmutableField,
			"Performing an update on the path '_id' would modify the immutable field '_id'")
	}
	return updated, nil
}

// WithID gives the document with that _id as its first field, in place of the one it has.
func WithID(document bsoncore.Document, id bsoncore.Value) bsoncore.Document {
	start, dst := bsoncore.AppendDocumentStart(make([]byte, 0, len(document)+len(id.Data)+5))
	dst = bsoncore.AppendValueElement(dst, "_id", id)
	for c := elements(document); ; {
		e, ok := c.next()
		if !ok {
			break
		}
		if string(e.key) != "_id" {
			dst = append(dst, e.raw...)
		}
	}
	dst, _ = bsoncore.AppendDocumentEnd(dst, start)
	return dst
}

// Seed gives the document an upsert begins with: the query's equalities.
func Seed(equalities []Equality) (bsoncore.Document, error) {
	seed := bsoncore.BuildDocument(nil)
	for _, e := range equalities {
		path := strings.Split(e.Path, ".")
		if present := valueAt(seed, path); present.Type != 0 {
			return nil, failure.New(54, "cannot infer query fields to set, path '%s' is matched twice", e.Path)
		}
		var err error
		if seed, err = put(seed, path, e.Value); err != nil {
			return nil, err
		}
	}
	return seed, nil
}

func (c change) apply(document bsoncore.Document, inserting bool) (bsoncore.Document, error) {
	current := valueAt(document, c.path)
	next := c.operand
	var err error
	switch c.operator {
	case "$setOnInsert":
		if !inserting {
			return document, nil
		}
	case "$unset":
		return remove(document, c.path), nil
	case "$inc":
		next, err = c.sum(current)
	case "$min":
		if current.Type != 0 && Compare(c.operand, current) >= 0 {
			return document, nil
		}
	case "$max":
		if current.Type != 0 && Compare(c.operand, current) <= 0 {
			return document, nil
		}
	case "$push", "$addToSet":
		next, err = c.extended(current)
	}
	if err != nil {
		return nil, err
	}
	return put(document, c.path, next)
}

// sum adds as MongoDB does: the result is a double when one side is, an int grows into a long, a long does not
// overflow.
func (c change) sum(current bsoncore.Value) (bsoncore.Value, error) {
	if c.operand.Type == bsoncore.TypeDecimal128 || current.Type == bsoncore.TypeDecimal128 {
		return missing, failure.Unsupported("$inc with a decimal (field %s)", strings.Join(c.path, "."))
	}
	if !isNumber(c.operand.Type) {
		return missing, failure.New(failure.TypeMismatch, "Cannot increment with non-numeric argument: {%s: %s}",
			strings.Join(c.path, "."), c.operand)
	}
	if current.Type == 0 {
		return c.operand, nil
	}
	if !isNumber(current.Type) {
		return missing, failure.New(failure.TypeMismatch,
			"Cannot apply $inc to a value of non-numeric type. The field '%s' has the type %s",
			strings.Join(c.path, "."), current.Type)
	}
	a, wholeA := integer(current)
	b, wholeB := integer(c.operand)
	if !wholeA || !wholeB {
		sum := toDouble(current) + toDouble(c.operand)
		return bsoncore.Value{Type: bsoncore.TypeDouble, Data: bsoncore.AppendDouble(nil, sum)}, nil
	}
	result := a + b // wraps around on overflow
	if b != 0 && (result > a) != (b > 0) {
		return missing, failure.New(failure.BadValue, "Failed to apply $inc operations to current value (%d): overflow", a)
	}
	narrow := current.Type == bsoncore.TypeInt32 && c.operand.Type == bsoncore.TypeInt32
	if narrow && result >= math.MinInt32 && result <= math.MaxInt32 {
		return bsoncore.Value{Type: bsoncore.TypeInt32, Data: bsoncore.AppendInt32(nil, int32(result))}, nil
	}
	return bsoncore.Value{Type: bsoncore.TypeInt64, Data: bsoncore.AppendInt64(nil, result)}, nil
}

func toDouble(v bsoncore.Value) float64 {
	if n, ok := integer(v); ok {
		return float64(n)
	}
	return double(v)
}

// extended is the array with the operand's values appended, for $addToSet only those it lacks.
func (c change) extended(current bsoncore.Value) (bsoncore.Value, error) {
	if current.Type != 0 && current.Type != bsoncore.TypeArray {
		return missing, failure.New(failure.BadValue, "The field '%s' must be an array but is of type %s",
			strings.Join(c.path, "."), current.Type)
	}
	added, err := c.added()
	if err != nil {
		return missing, err
	}
	var items []bsoncore.Value
	for c := elements(current.Data); ; {
		e, ok := c.next()
		if !ok {
			break
		}
		items = append(items, e.value)
	}
	for _, v := range added {
		present := slices.ContainsFunc(items, func(item bsoncore.Value) bool { return Compare(item, v) == 0 })
		if c.operator == "$push" || !present {
			items = append(items, v)
		}
	}
	return bsoncore.Value{Type: bsoncore.TypeArray, Data: bsoncore.BuildArray(nil, items...)}, nil
}

// added lists the values to append: the operand, or the items of its $each.
func (c change) added() ([]bsoncore.Value, error) {
	if c.operand.Type != bsoncore.TypeEmbeddedDocument || !isOperators(c.operand.Data) {
		return []bsoncore.Value{c.operand}, nil
	}
	var added []bsoncore.Value
	err := Elements(c.operand.Data, func(modifier string, v bsoncore.Value) error {
		if modifier != "$each" {
			return failure.Unsupported("the modifier %s of %s", modifier, c.operator)
		}
		if v.Type != bsoncore.TypeArray {
			return failure.New(failure.BadValue, "The argument to $each in %s must be an array", c.operator)
		}
		return Elements(v.Data, func(_ string, item bsoncore.Value) error {
			added = append(added, item)
			return nil
		})
	})
	return added, err
}
