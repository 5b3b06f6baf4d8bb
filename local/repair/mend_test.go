package repair

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMend(t *testing.T) {
	set := func(all ...string) (m Mend) {
		for _, s := range all {
			if err := m.AddAssignment(s); err != nil {
				t.Fatal(err)
			}
		}
		return m
	}
	for _, test := range []struct {
		name       string
		mend       Mend
		key, value string
		want       string // key and value, or the error
	}{
		{"key", set("key=k=v"), "old", "v", "k=v v"},
		{"sender is the key", set("sender=s"), "old", "v", "s v"},
		{"value", set("value="), "k", "v", "k "},
		{"code of a text", set("stockCode=A"), "k", "B,1", "k A,1"},
		{"time of a text", set("timestamp=2"), "k", "B,1", "k B,2"},
		{"time of a text without", set("timestamp=2"), "k", "B", "k B,2"},
		{"time of a text with too many", set("timestamp=2"), "k", "B,1,1", "k B,2"},
		{"both of nothing", set("stockCode=A", "timestamp=2"), "k", "", "k A,2"},
		{"code of an object", set("stockCode=1"), "k", `{"stockCode":2,"x":[1, 2]}`, `k {"stockCode":"1","x":[1,2]}`},
		{"time of an object", set("timestamp=2"), "k", ` {"stockCode":"A"}`, `k {"stockCode":"A","timestamp":2}`},
		{"time as text", set("timestamp=2026-11-23T12:00:00Z"), "k", `{}`, `k {"timestamp":"2026-11-23T12:00:00Z"}`},
		{"other member of a text", set("x=1"), "k", "B,1", "set x: the value is no JSON object"},
		{"member of what is broken", set("timestamp=1"), "k", "{", "set timestamp: the value cannot be read"},
		{"member that stands twice", set("timestamp=1"), "k", `{"a":1,"a":2}`, "stands twice"},
		{"trim", Mend{Trim: true}, " k\x00", "\ufeff B , 1\r\n", "k B,1"},
		{"trim an object", Mend{Trim: true}, "k", `{"stockCode":" A\n","timestamp":1}`, `k {"stockCode":"A","timestamp":1}`},
		{"trim what is neither", Mend{Trim: true}, "k", " {x ", "k {x"},
		{"replace", Mend{Replace: []Replacement{{"a", "b"}, {"b", "c"}}}, "a", "ab", "c cc"},
		{"in the order of the fields", Mend{Replace: []Replacement{{"_", " "}}, Trim: true, Set: []Assignment{{"timestamp", "1"}}},
			"_k_", "_A_", "k A,1"},
	} {
		got, err := test.mend.apply(content{test.key, test.value})
		if err != nil && !strings.Contains(err.Error(), test.want) || err == nil && got.key+" "+got.value != test.want {
			t.Errorf("%s: %q %q, %v, want %s", test.name, got.key, got.value, err, test.want)
		}
	}
	var m Mend
	if m.AddAssignment("=x") == nil || m.AddAssignment("x") == nil || m.AddReplacement("=x") == nil || m.AddReplacement("x") == nil {
		t.Error("nonsense is taken")
	}
}

// Nothing to mend changes nothing, and what is trimmed stays so; no bytes end the process.
func TestMendOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		anything := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.StringMatching(`[ {]*"?(stockCode)?"?[:,]?.{0,8}}?`))
		c := content{anything.Draw(t, "key"), anything.Draw(t, "value")}
		none := Mend{}
		if got, err := none.apply(c); err != nil || got != c {
			t.Fatalf("%q became %q: %v", c, got, err)
		}
		trims := Mend{Trim: true}
		once, err := trims.apply(c)
		again, err2 := trims.apply(once)
		if err != nil || err2 != nil || once != again {
			t.Fatalf("%q became %q and then %q: %v, %v", c, once, again, err, err2)
		}
		codeOf(c.value)
	})
}
