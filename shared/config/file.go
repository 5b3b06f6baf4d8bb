package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// ReadFile reads a file of NAME=value lines, such as a filled-in .env.example, and names every line that
// is none with the way to write it.
//
// A value stands as it is, or in quotes. What a shell that sources the file, or another reader of such
// files, would take for something else than is written (a $, a blank, an &, a # …) must stand in single quotes;
// a value in single quotes is taken to the letter. Serverless Devs (`s`) computes ${…} and <%…%> even there, and
// in a file that is called .env, which it reads by itself, it replaces every $: these are refused.
//
// Blank lines, lines that begin with #, a word export in front of the name, a byte order mark and carriage
// returns are overlooked. Of a name that stands twice the last value counts.
func ReadFile(path string) (map[string]string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the environment: %w", err)
	}
	values, err := parseFile(string(content))
	if filepath.Base(path) == ".env" {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if strings.Contains(values[name], "$") {
				err = errors.Join(err, fmt.Errorf("the value of %s holds '$', which `s` replaces in a file of this name, "+
					"also in quotes: call the file deploy.env", name))
			}
		}
	}
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
	value, err = parseValue(name, value)
	return name, value, err
}

// parseValue reads what stands behind the equals sign.
func parseValue(name, text string) (string, error) {
	value, special := text, "$`\\'\"&;|<>()#~ \t\r\v\f"
	switch {
	case strings.HasPrefix(text, "'"):
		inside, rest, closed := strings.Cut(text[1:], "'")
		if !closed || !comment.MatchString(rest) {
			return "", fmt.Errorf("the value of %s does not end with its single quote: write %[1]s='…'; "+
				"a single quote cannot be part of it", name)
		}
		value, special = inside, ""
	case strings.HasPrefix(text, `"`):
		inside, rest, closed := strings.Cut(text[1:], `"`)
		if !closed || !comment.MatchString(rest) {
			return "", fmt.Errorf("the value of %s does not end with its double quote: "+
				"write it in single quotes, %[1]s='…'", name)
		}
		value, special = inside, "$`\\"
	}
	for _, never := range []string{"${", "<%", "\x00"} {
		if strings.Contains(value, never) {
			return "", fmt.Errorf("the value of %s holds %q, which not every reader takes as written, in no quotes: "+
				"choose another value", name, never)
		}
	}
	if i := strings.IndexAny(value, special); i >= 0 {
		return "", fmt.Errorf("the value of %s holds %q, which a shell would not take as written: %s",
			name, value[i], inQuotes(name, value))
	}
	return value, nil
}

// inQuotes says how a value is written so that it is taken to the letter.
func inQuotes(name, value string) string {
	switch {
	case !strings.Contains(value, "'"):
		return fmt.Sprintf("write it in single quotes, %s='…'", name)
	case !strings.ContainsAny(value, "\"$`\\"):
		return fmt.Sprintf("write it in double quotes, %s=\"…\"", name)
	}
	return "no quotes help, as it holds a single quote itself: choose another value"
}
