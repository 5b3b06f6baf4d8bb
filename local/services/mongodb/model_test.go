package mongodb_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"pgregory.net/rapid"
)

// model is a collection as simple as can be: a list of documents with the fields _id, u (unique), n and s. Nil stands
// for null or absent; numbers are int32 or float64.
type model []map[string]any

// modelCompare compares two values the model knows: null, then numbers, then strings.
func modelCompare(a, b any) int {
	rank := func(v any) (int, float64, string) {
		switch v := v.(type) {
		case int32:
			return 1, float64(v), ""
		case float64:
			return 1, v, ""
		case string:
			return 2, 0, v
		}
		return 0, 0, ""
	}
	ra, na, sa := rank(a)
	rb, nb, sb := rank(b)
	return cmp.Or(cmp.Compare(ra, rb), cmp.Compare(na, nb), cmp.Compare(sa, sb))
}

// sameKind says whether two values are of one kind, as $lt and its like demand.
func sameKind(a, b any) bool {
	_, as := a.(string)
	_, bs := b.(string)
	return (a == nil) == (b == nil) && as == bs
}

// condition is one condition in both worlds.
type condition struct {
	filter bson.D
	match  func(map[string]any) bool
}

func value(t *rapid.T, name string) any {
	return rapid.OneOf(
		rapid.Just[any](nil),
		rapid.Map(rapid.Int32Range(0, 4), func(i int32) any { return i }),
		rapid.Map(rapid.Int32Range(0, 8), func(i int32) any { return float64(i) / 2 }),
		rapid.Map(rapid.StringMatching("[ab]{0,1}"), func(s string) any { return s }),
	).Draw(t, name)
}

func drawCondition(t *rapid.T, depth int) condition {
	field := rapid.SampledFrom([]string{"_id", "u", "n", "s"}).Draw(t, "field")
	v := value(t, "operand")
	compare := func(operator string, accept func(int) bool) condition {
		return condition{d(field, d(operator, v)), func(m map[string]any) bool {
			return sameKind(m[field], v) && accept(modelCompare(m[field], v))
		}}
	}
	equal := func(m map[string]any) bool { return modelCompare(m[field], v) == 0 }
	kinds := 8
	if depth == 0 {
		kinds = 6
	}
	switch rapid.IntRange(0, kinds).Draw(t, "kind") {
	case 0:
		return condition{d(field, v), equal}
	case 1:
		return compare("$gt", func(c int) bool { return c > 0 })
	case 2:
		return compare("$lte", func(c int) bool { return c <= 0 })
	case 3:
		return condition{d(field, d("$ne", v)), func(m map[string]any) bool { return !equal(m) }}
	case 4:
		w := value(t, "second operand")
		return condition{d(field, d("$in", bson.A{v, w})), func(m map[string]any) bool {
			return equal(m) || modelCompare(m[field], w) == 0
		}}
	case 5:
		return condition{d(field, d("$exists", false)), func(m map[string]any) bool { _, ok := m[field]; return !ok }}
	case 6:
		c := compare("$lt", func(c int) bool { return c < 0 })
		return condition{d(field, d("$not", c.filter[0].Value)), func(m map[string]any) bool { return !c.match(m) }}
	case 7:
		a, b := drawCondition(t, depth-1), drawCondition(t, depth-1)
		return condition{d("$or", bson.A{a.filter, b.filter}), func(m map[string]any) bool { return a.match(m) || b.match(m) }}
	}
	a, b := drawCondition(t, depth-1), drawCondition(t, depth-1)
	return condition{d("$and", bson.A{a.filter, b.filter}), func(m map[string]any) bool { return a.match(m) && b.match(m) }}
}

// fits says whether a document may stand beside the others.
func (m model) fits(document map[string]any) bool {
	for _, other := range m {
		if modelCompare(other["_id"], document["_id"]) == 0 || modelCompare(other["u"], document["u"]) == 0 {
			return false
		}
	}
	return true
}

func ordered(document map[string]any) bson.D {
	result := bson.D{}
	for _, field := range []string{"_id", "u", "n", "s"} {
		if v, ok := document[field]; ok {
			result = append(result, bson.E{Key: field, Value: v})
		}
	}
	return result
}

// sameDocuments compares what was read with the model's documents; the order of fields is not the model's concern.
func sameDocuments(t *rapid.T, got []bson.D, want []map[string]any) {
	t.Helper()
	maps := []map[string]any{}
	for _, document := range got {
		m := map[string]any{}
		for _, e := range document {
			m[e.Key] = e.Value
		}
		maps = append(maps, m)
	}
	if diff := gocmp.Diff(append([]map[string]any{}, want...), maps); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

// TestAgainstModel runs random commands on the server and on the model and compares every answer.
func TestAgainstModel(t *testing.T) {
	t.Parallel()
	db := connect(t, start(t, t.TempDir())).Database("reference")
	collections := 0
	rapid.Check(t, func(rt *rapid.T) {
		collections++
		c := db.Collection(fmt.Sprintf("stock%d", collections))
		if _, err := c.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: d("u", 1), Options: options.Index().SetUnique(true)}); err != nil {
			rt.Fatal(err)
		}
		s := &side{c: c}
		rt.Repeat(map[string]func(*rapid.T){
			"insert": s.insert, "find": s.find, "set": s.set, "increment": s.increment, "delete": s.delete, "upsert": s.upsert,
		})
	})
}

// side holds the two collections side by side.
type side struct {
	c     *mongo.Collection
	model model
}

func (s *side) matches(c condition) []int {
	var found []int
	for i, document := range s.model {
		if c.match(document) {
			found = append(found, i)
		}
	}
	return found
}

func (s *side) insert(t *rapid.T) {
	document := map[string]any{"_id": rapid.Int32Range(0, 30).Draw(t, "_id")}
	for _, field := range []string{"u", "n", "s"} {
		if rapid.Bool().Draw(t, "has "+field) {
			document[field] = value(t, field)
		}
	}
	_, err := s.c.InsertOne(ctx, ordered(document))
	if fits := s.model.fits(document); fits != (err == nil) || err != nil && !mongo.IsDuplicateKeyError(err) {
		t.Fatalf("insert %v: fits is %t, error is %v", document, fits, err)
	}
	if err == nil {
		s.model = append(s.model, document)
	}
}

func (s *side) find(t *rapid.T) {
	c := drawCondition(t, 2)
	found := []map[string]any{}
	for _, i := range s.matches(c) {
		found = append(found, s.model[i])
	}
	opts := options.Find()
	if rapid.Bool().Draw(t, "sorted") {
		field := rapid.SampledFrom([]string{"_id", "u", "n", "s"}).Draw(t, "by")
		direction := rapid.SampledFrom([]int{1, -1}).Draw(t, "direction")
		opts.SetSort(d(field, direction))
		slices.SortStableFunc(found, func(a, b map[string]any) int { return direction * modelCompare(a[field], b[field]) })
	}
	skip, limit := rapid.IntRange(0, 3).Draw(t, "skip"), rapid.IntRange(0, 5).Draw(t, "limit")
	opts.SetSkip(int64(skip)).SetLimit(int64(limit)).SetBatchSize(2)
	found = found[min(skip, len(found)):]
	if limit > 0 {
		found = found[:min(limit, len(found))]
	}
	sameDocuments(t, all(t, s.c, c.filter, opts), found)
}

func (s *side) set(t *rapid.T) {
	c, v := drawCondition(t, 1), value(t, "value")
	result, err := s.c.UpdateMany(ctx, c.filter, d("$set", d("s", v)))
	if err != nil {
		t.Fatal(err)
	}
	found := s.matches(c)
	for _, i := range found {
		s.model[i]["s"] = v
	}
	if result.MatchedCount != int64(len(found)) {
		t.Fatalf("%v matched %d, want %d", c.filter, result.MatchedCount, len(found))
	}
}

func (s *side) increment(t *rapid.T) {
	c := drawCondition(t, 1)
	by := rapid.Int32Range(-3, 3).Draw(t, "by")
	_, err := s.c.UpdateOne(ctx, c.filter, d("$inc", d("n", by)))
	found := s.matches(c)
	if len(found) == 0 {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	document := s.model[found[0]]
	old, present := document["n"]
	switch old := old.(type) {
	case int32:
		document["n"] = old + by
	case float64:
		document["n"] = old + float64(by)
	case nil:
		if !present {
			document["n"] = by
			break
		}
		wantWriteError(t, err, 0, 14)
		return
	default:
		wantWriteError(t, err, 0, 14)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (s *side) delete(t *rapid.T) {
	c := drawCondition(t, 2)
	result, err := s.c.DeleteOne(ctx, c.filter)
	if err != nil {
		t.Fatal(err)
	}
	found := s.matches(c)
	if result.DeletedCount != int64(min(len(found), 1)) {
		t.Fatalf("deleted %d of %d", result.DeletedCount, len(found))
	}
	if len(found) > 0 {
		s.model = slices.Delete(s.model, found[0], found[0]+1)
	}
}

// upsert replaces by the unique field, as a loader of stocks does.
func (s *side) upsert(t *rapid.T) {
	id, u, n := rapid.Int32Range(0, 30).Draw(t, "_id"), value(t, "u"), value(t, "n")
	result, err := s.c.UpdateOne(ctx, d("u", u), d("$set", d("n", n), "$setOnInsert", d("_id", id)), options.UpdateOne().SetUpsert(true))
	found := s.matches(condition{match: func(m map[string]any) bool { return modelCompare(m["u"], u) == 0 }})
	if len(found) > 0 {
		if err != nil || result.MatchedCount != 1 {
			t.Fatalf("upsert of a present u: %+v, %v", result, err)
		}
		s.model[found[0]]["n"] = n
		return
	}
	document := map[string]any{"_id": id, "u": u, "n": n}
	if fits := s.model.fits(document); fits != (err == nil) || err != nil && !mongo.IsDuplicateKeyError(err) {
		t.Fatalf("upsert %v: fits is %t, error is %v", document, fits, err)
	}
	if err == nil {
		s.model = append(s.model, document)
	}
}
