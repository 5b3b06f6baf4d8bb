package query

import (
	"bytes"
	"math"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
	"pgregory.net/rapid"

	"feedstream/local/services/mongodb/internal/wire"
)

func valueOf(t testing.TB, v any) bsoncore.Value {
	t.Helper()
	raw, err := bson.Marshal(bson.D{{Key: "v", Value: v}})
	if err != nil {
		t.Fatal(err)
	}
	return Lookup(raw, "v")
}

func decimal(t testing.TB, s string) bson.Decimal128 {
	t.Helper()
	d, err := bson.ParseDecimal128(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestOrder lists values in MongoDB's order; those in one group are equal.
func TestOrder(t *testing.T) {
	oid := bson.ObjectID{1}
	ordered := [][]any{
		{bson.MinKey{}}, {bson.Undefined{}}, {nil},
		{math.NaN(), decimal(t, "NaN")}, {math.Inf(-1), decimal(t, "-Infinity")}, {decimal(t, "-1E6000")},
		{int64(math.MinInt64), -math.Exp2(63)}, {-1.5, decimal(t, "-1.50")}, {int32(-1), int64(-1), -1.0},
		{0, int64(0), 0.0, math.Copysign(0, -1), decimal(t, "0E+3"), decimal(t, "-0")}, {decimal(t, "1E-6000")},
		{math.SmallestNonzeroFloat64}, {decimal(t, "0.1")}, {0.1}, {1, 1.0, decimal(t, "1.000")}, {decimal(t, "9.99")}, {9.99},
		{1e3, int32(1000), decimal(t, "1E3")}, {int64(1<<53 + 1)}, {float64(1<<53 + 2), int64(1<<53 + 2)},
		{int64(math.MaxInt64)}, {math.Exp2(63)}, {math.MaxFloat64}, {decimal(t, "1E6000")}, {math.Inf(1), decimal(t, "Infinity")},
		{"", bson.Symbol("")}, {"a", bson.Symbol("a")}, {"a\x00"}, {"ab"}, {"b"},
		{bson.D{}}, {bson.D{{Key: "b", Value: 1}}, bson.D{{Key: "b", Value: 1.0}}}, {bson.D{{Key: "b", Value: 1}, {Key: "a", Value: 1}}},
		{bson.D{{Key: "c", Value: 0}}}, {bson.D{{Key: "a", Value: "x"}}},
		{bson.A{}}, {bson.A{1}, bson.A{1.0}}, {bson.A{1, 0}}, {bson.A{2}},
		{bson.Binary{Data: []byte{9}}}, {bson.Binary{Data: []byte{9}, Subtype: 4}}, {bson.Binary{Data: []byte{1, 1}}},
		{oid}, {false}, {true}, {bson.DateTime(-1)}, {bson.DateTime(1)},
		{bson.Timestamp{T: 1, I: 9}}, {bson.Timestamp{T: 2, I: 1}}, {bson.Regex{Pattern: "a"}},
		{bson.DBPointer{DB: "a", Pointer: oid}}, {bson.JavaScript("f")},
		{bson.CodeWithScope{Code: "f", Scope: bson.D{}}}, {bson.MaxKey{}},
	}
	for i, left := range ordered {
		for j, right := range ordered {
			for _, a := range left {
				for _, b := range right {
					checkPair(t, a, b, order(i, j))
				}
			}
		}
	}
}

func checkPair(t *testing.T, a, b any, want int) {
	t.Helper()
	x, y := valueOf(t, a), valueOf(t, b)
	if got := Compare(x, y); got != want {
		t.Errorf("compare %T %v with %T %v: got %d, want %d", a, a, b, b, got, want)
	}
	if same := bytes.Equal(AppendKey(nil, x), AppendKey(nil, y)); same != (want == 0) {
		t.Errorf("keys of %T %v and %T %v: same is %t", a, a, b, b, same)
	}
}

// anyValue draws values that are often equal to one another, of types that are often confused.
func anyValue(depth int) *rapid.Generator[any] {
	small := rapid.Int32Range(-2, 2)
	scalars := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Map(small, func(i int32) any { return i }),
		rapid.Map(small, func(i int32) any { return int64(i) }), rapid.Map(small, func(i int32) any { return float64(i) / 2 }),
		rapid.Map(rapid.Float64(), func(f float64) any { return f }), rapid.Map(rapid.Int64(), func(i int64) any { return i }),
		rapid.Map(rapid.SampledFrom([]string{"1.0", "-0.5", "1E-3", "NaN", "0", "2E0"}), func(s string) any {
			d, _ := bson.ParseDecimal128(s)
			return d
		}),
		rapid.Map(rapid.StringMatching("[ab]{0,2}"), func(s string) any { return s }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	inner := anyValue(depth - 1)
	return rapid.OneOf(append(scalars,
		rapid.Map(rapid.SliceOfN(inner, 0, 3), func(a []any) any { return bson.A(a) }),
		rapid.Map(rapid.SliceOfN(inner, 0, 3), func(values []any) any {
			d := bson.D{}
			for i, v := range values {
				d = append(d, bson.E{Key: string(rune('a' + i)), Value: v})
			}
			return d
		}),
	)...)
}

func TestOrderIsAnOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(name string) bsoncore.Value { return valueOf(t, anyValue(2).Draw(rt, name)) }
		a, b, c := draw("a"), draw("b"), draw("c")
		if Compare(a, b) != -Compare(b, a) || Compare(a, a) != 0 {
			rt.Fatalf("compare is not antisymmetric: %d, %d", Compare(a, b), Compare(b, a))
		}
		if Compare(a, b) <= 0 && Compare(b, c) <= 0 && Compare(a, c) > 0 {
			rt.Fatal("compare is not transitive")
		}
		if same := bytes.Equal(AppendKey(nil, a), AppendKey(nil, b)); same != (Compare(a, b) == 0) {
			rt.Fatalf("same key is %t, compare is %d", same, Compare(a, b))
		}
	})
}

// FuzzQuery finds documents that make filters, updates, sorts and projections panic or produce broken ones.
func FuzzQuery(f *testing.F) {
	seed := func(v any) []byte {
		raw, err := bson.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		return raw
	}
	f.Add(seed(bson.D{{Key: "a", Value: bson.A{1, bson.D{{Key: "b", Value: 2}}}}}), seed(bson.D{{Key: "a.b", Value: bson.D{{Key: "$in", Value: bson.A{2}}}}}))
	f.Add(seed(bson.D{{Key: "a", Value: 1}}), seed(bson.D{{Key: "$set", Value: bson.D{{Key: "a", Value: "x"}}}}))
	f.Add(seed(bson.D{{Key: "a", Value: 1}}), seed(bson.D{{Key: "a", Value: 1}, {Key: "_id", Value: 0}}))
	f.Fuzz(func(t *testing.T, rawDocument, rawSpec []byte) {
		document, spec := bsoncore.Document(rawDocument), bsoncore.Document(rawSpec)
		if wire.Validate(document) != nil || wire.Validate(spec) != nil {
			return
		}
		if filter, err := CompileFilter(spec); err == nil {
			filter.Match(document)
			Seed(filter.Equalities())
		}
		if projection, err := CompileProjection(spec); err == nil {
			if err := wire.Validate(projection.Apply(document)); err != nil {
				t.Errorf("projected document: %v", err)
			}
		}
		if sort, err := CompileSort(spec); err == nil {
			sort.Apply([]bsoncore.Document{document, spec, document})
		}
		update, err := CompileUpdate(bsoncore.Value{Type: bsoncore.TypeEmbeddedDocument, Data: spec})
		if err != nil {
			return
		}
		if updated, err := update.Apply(document, true); err == nil && wire.Validate(updated) != nil {
			t.Errorf("updated document %x is not valid", updated)
		}
	})
}
