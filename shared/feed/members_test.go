package feed_test

import (
	"strings"
	"testing"

	"feedstream/shared/feed"
)

func TestMembers(t *testing.T) {
	members, err := feed.Members(` {"a": 1.50, "b":{"c":[ 1 ]},"none":null} `)
	if err != nil || len(members) != 2 || string(members["a"]) != "1.50" || string(members["b"]) != `{"c":[ 1 ]}` {
		t.Errorf("members = %s, %v", members, err)
	}
	for object, want := range map[string]string{
		"": "not JSON", "nonsense": "not JSON", `{"a":1`: "not JSON", `{"a":tru}`: "not JSON", `{1:2}`: "not JSON",
		`[1]`: "no object", "7": "no object", "null": "no object", `{} x`: "goes on", `{}{}`: "goes on",
		`{"a":1,"a":2}`: "stands twice", `{"a":null,"a":2}`: "stands twice", `{"a":1,"\u0061":null}`: "stands twice",
	} {
		if members, err := feed.Members(object); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Members(%q) = %s, %v, want an error with %q", object, members, err, want)
		}
	}
}
