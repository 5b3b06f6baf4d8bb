package data

import (
	"strings"
	"testing"
)

func TestParseReference(t *testing.T) {
	for _, test := range []struct{ content, want string }{
		{"", "header"},
		{"Symbol,Name\n", "the header is"},
		{"Symbol,Company Name,Last Price,Volume\na,b,1,many\n", `line 2: the volume "many"`},
		{"Symbol,Company Name,Last Price,Volume\na,b\n", "wrong number of fields"},
	} {
		if _, err := Parse([]byte(test.content)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: error = %v, want %s", test.content, err, test.want)
		}
	}
}

func TestCodes(t *testing.T) {
	codes, err := Codes()
	if err != nil || len(codes) != 30 || codes[0] == "" {
		t.Errorf("codes = %q, %v", codes, err)
	}
}
