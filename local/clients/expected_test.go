package clients

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// client is one row of the table: a release of a client with what its calls come to.
type client struct {
	Service string `json:"service"`
	Name    string `json:"client"`
	Version string `json:"version"`
	// Program is what tries the calls, Manifest what pins the release: requirements.txt, package.json,
	// pom.xml or go.mod; none for a package of the machine.
	Program  string   `json:"program"`
	Manifest string   `json:"manifest,omitempty"`
	Works    []string `json:"works"`
	// Refused maps a call to the name that its error must hold.
	Refused map[string]string `json:"refused"`
}

func (c *client) String() string { return c.Name + " " + c.Version }

func expected(t *testing.T) []*client {
	t.Helper()
	content, err := os.ReadFile("expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []*client
	if err := json.Unmarshal(content, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// table is the table of the README.
func table(clients []*client) string {
	var text strings.Builder
	text.WriteString("| service | client | works | refused by name |\n|---|---|---|---|\n")
	for _, c := range clients {
		refused := "none"
		if len(c.Refused) > 0 {
			refused = "`" + strings.Join(slices.Sorted(maps.Keys(c.Refused)), "`, `") + "`"
		}
		fmt.Fprintf(&text, "| %s | %s | %d calls | %s |\n", c.Service, c, len(c.Works), refused)
	}
	return text.String()
}

// inREADME compares a table with the one that users read.
func inREADME(t *testing.T, table string) {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "\n"+table) {
		t.Errorf("the README's section on foreign clients holds another table than this one:\n%s", table)
	}
}

func TestREADMEHoldsWhatIsExpected(t *testing.T) { inREADME(t, table(expected(t))) }

// line is what a program prints of a call.
type line struct {
	Client, Version, Call, Result, Detail string
}

// compare names everything in which the calls of a client came out otherwise than they are expected to.
func (c *client) compare(lines []line) (problems []string) {
	seen := map[string]bool{}
	for _, l := range lines {
		seen[l.Call] = true
		name, refused := c.Refused[l.Call]
		said := l.Result + " " + short(l.Detail)
		switch {
		case l.Client != c.Name || l.Version != c.Version:
			problems = append(problems, fmt.Sprintf("%s: it is %s %s", l.Call, l.Client, l.Version))
		case !refused && !slices.Contains(c.Works, l.Call):
			problems = append(problems, fmt.Sprintf("%s: expected.json does not list it: %s", l.Call, said))
		case !refused && l.Result != "works":
			problems = append(problems, fmt.Sprintf("%s: must work: %s", l.Call, said))
		case refused && l.Result != "refused":
			problems = append(problems, fmt.Sprintf("%s: must be refused by the name %q: %s", l.Call, name, said))
		case refused && !strings.Contains(l.Detail, name):
			problems = append(problems, fmt.Sprintf("%s: does not name %q: %s", l.Call, name, said))
		}
	}
	var missing []string
	for _, call := range append(slices.Sorted(maps.Keys(c.Refused)), c.Works...) {
		if !seen[call] {
			missing = append(missing, call)
		}
	}
	if len(missing) > 0 {
		problems = append(problems, fmt.Sprintf("%d calls were not tried: %s", len(missing), strings.Join(missing, "; ")))
	}
	return problems
}

// short is what a client said, on one line that can be read.
func short(detail string) string {
	said := strings.Join(strings.Fields(detail), " ")
	const most = 600
	if len(said) > most {
		said = said[:most/2] + " … " + said[len(said)-most/2:]
	}
	return said
}

// TestCompare proves that each way to come out otherwise is found.
func TestCompare(t *testing.T) {
	c := &client{Name: "c", Version: "1", Works: []string{"get"}, Refused: map[string]string{"copy": "Copy"}}
	get, copied := line{"c", "1", "get", "works", ""}, line{"c", "1", "copy", "refused", "no CopyObject"}
	for _, test := range []struct {
		name  string
		lines []line
		want  string
	}{
		{"as expected", []line{get, copied}, ""},
		{"broken", []line{{"c", "1", "get", "refused", "x"}, copied}, "must work"},
		{"wrong answer", []line{{"c", "1", "get", "fails", "x"}, copied}, "must work"},
		{"missing", []line{copied}, "1 calls were not tried: get"},
		{"refused no longer", []line{get, {"c", "1", "copy", "works", ""}}, "must be refused"},
		{"hangs", []line{get, {"c", "1", "copy", "fails", "no answer within 30 s"}}, "must be refused"},
		{"without its name", []line{get, {"c", "1", "copy", "refused", "reset by peer"}}, "does not name"},
		{"not listed", []line{get, copied, {"c", "1", "put", "works", ""}}, "does not list"},
		{"another release", []line{{"c", "2", "get", "works", ""}, copied}, "it is c 2"},
	} {
		problems := strings.Join(c.compare(test.lines), "\n")
		if (test.want == "") != (problems == "") || !strings.Contains(problems, test.want) {
			t.Errorf("%s: problems %q, want %q", test.name, problems, test.want)
		}
	}
}
