package stack

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"feedstream/local/services/hbase"
	"feedstream/local/services/kafka"
	"feedstream/local/services/mongodb"
	"feedstream/local/services/oss"
)

var update = flag.Bool("update", false, "write the lists of limits into the README")

const readme, limitsBegin, limitsEnd = "../../README.md", "<!-- limits -->\n", "<!-- /limits -->\n"

// The README says of each embedded server what it does not do, as the server's own tables have it.
// `go test ./local/stack -run TestReadmeLimits -update` writes it anew.
func TestReadmeLimits(t *testing.T) {
	content, err := os.ReadFile(readme)
	must(t, err)
	before, rest, begun := strings.Cut(string(content), limitsBegin)
	_, after, ended := strings.Cut(rest, limitsEnd)
	if !begun || !ended {
		t.Fatalf("%s has no place for the limits", readme)
	}
	want := before + limitsBegin + limits() + limitsEnd + after
	if *update {
		must(t, os.WriteFile(readme, []byte(want), 0o644))
	} else if string(content) != want {
		t.Error("the README's lists of limits are not those of the servers: run the test with -update")
	}
}

// limits are the lists as Markdown, folded up.
func limits() string {
	var text strings.Builder
	for _, server := range []struct {
		name  string
		lines []string
	}{
		{"Kafka", kafka.Unsupported()}, {"MongoDB", mongodb.Unsupported()}, {"OSS", oss.Unsupported()}, {"HBase", hbase.Unsupported()},
	} {
		fmt.Fprintf(&text, "<details><summary>%s</summary>\n\n", server.name)
		for _, line := range server.lines {
			text.WriteString(folded("* "+escaped.Replace(line), 100))
		}
		text.WriteString("\n</details>\n")
	}
	return text.String()
}

var escaped = strings.NewReplacer("*", `\*`, "_", `\_`)

// folded breaks a list item at blanks.
func folded(item string, width int) string {
	var text strings.Builder
	column := 0
	for i, word := range strings.Fields(item) {
		switch {
		case i == 0:
		case column+1+len(word) > width:
			text.WriteString("\n  ")
			column = 2
		default:
			text.WriteString(" ")
			column++
		}
		text.WriteString(word)
		column += len(word)
	}
	return text.String() + "\n"
}
