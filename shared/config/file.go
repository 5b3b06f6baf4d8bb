package config

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// ReadFile reads a file of NAME=value lines, such as a filled-in .env.example, and names every line that
// is none with the way to write it.
//
// A value stands as it is, or in quotes. What a shell that sources the file, or another reader of such
// files, would take for something else than is written (a $, a blank, an & …) must stand in single quotes;
// a value in single quotes is taken to the letter. Blank lines, lines that begin with #, a word export in
// front of the name, a byte order mark and carriage returns are overlooked. Of a name that stands twice
// the last value counts.
func ReadFile(path string) (map[string]string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the environment: %w", err)
	}
	values, err := parseFile(string(content))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return values, nil
}

func parseFile(content string) (map[string]string, error) {
	values := map[string]string{}
	var problems []error
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(content, "\ufeff")) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, err := parseLine(line)
		if err != nil {
			problems = append(problems, fmt.Errorf("line %d: %w", number, err))
			continue
		}
		values[name] = value
	}
	return values, errors.Join(problems...)
}

var (
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	comment      = regexp.MustCompile(`^(\s+#.*)?$`)
)

// parseLine takes one line apart. Its errors do not show the value, which may be a secret.
func parseLine(line string) (name, value string, err error) {
	if rest, found := strings.CutPrefix(line, "export "); found {
		line = strings.TrimSpace(rest)
	}
	name, value, found := strings.Cut(line, "=")
	if !found || !variableName.MatchString(name) {
		return "", "", errors.New("it is no NAME=value line; begin a comment with #")
	}
	if strings.HasPrefix(value, "'") {
		inside, rest, closed := strings.Cut(value[1:], "'")
		if !closed || !comment.MatchString(rest) {
			return "", "", fmt.Errorf("the value of %s does not end with its single quote: write %s='…'; a single quote cannot be part of it", name, name)
		}
		return name, inside, nil
	}
	quoted := strings.HasPrefix(value, `"`)
	if quoted {
		inside, rest, closed := strings.Cut(value[1:], `"`)
		if !closed || !comment.MatchString(rest) {
			return "", "", fmt.Errorf("the value of %s does not end with its double quote: write it in single quotes, %s='…'", name, name)
		}
		value = inside
	}
	special := "$`\\"
	if !quoted {
		special += "'\"&;|<>() \t"
	}
	if i := strings.IndexAny(value, special); i >= 0 {
		return "", "", fmt.Errorf("the value of %s holds %q, which a shell would not take as written: write it in single quotes, %s='…'",
			name, value[i], name)
	}
	return name, value, nil
}
