package repair

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"unicode/utf8"
)

// Editor lets a person change lines of JSON.
type Editor func(ctx context.Context, lines []byte) ([]byte, error)

// line is one record as it is edited. Key and value that are no text stand there as base64.
type line struct {
	Origin     string `json:"origin"`
	Reason     string `json:"reason,omitempty"`
	Detail     string `json:"detail,omitempty"`
	Key        string `json:"key"`
	KeyBytes   []byte `json:"keyBase64,omitempty"`
	Value      string `json:"value"`
	ValueBytes []byte `json:"valueBase64,omitempty"`
}

// edit returns the records that the editor has left, with what it made of them.
func (e Editor) edit(ctx context.Context, all []ready) ([]ready, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	for _, r := range all {
		l := line{Origin: r.aside.Origin, Reason: string(r.aside.Reason), Detail: r.aside.Detail}
		l.Key, l.KeyBytes = asText(r.content.key)
		l.Value, l.ValueBytes = asText(r.content.value)
		if err := encoder.Encode(l); err != nil {
			return nil, err
		}
	}
	edited, err := e(ctx, text.Bytes())
	if err != nil {
		return nil, fmt.Errorf("edit the records: %w", err)
	}
	kept, err := readLines(edited, all)
	if err != nil {
		return nil, fmt.Errorf("%w (what was written is kept in %s)", err, keep(edited))
	}
	return kept, nil
}

// keep saves work that could not be read, and says where.
func keep(edited []byte) string {
	name, err := writeTemp(edited)
	if err != nil {
		return "no file: " + err.Error()
	}
	return name
}

func writeTemp(lines []byte) (name string, err error) {
	file, err := os.CreateTemp("", "feedstream-*.jsonl")
	if err != nil {
		return "", err
	}
	_, err = file.Write(lines)
	return file.Name(), errors.Join(err, file.Close())
}

func asText(s string) (text string, other []byte) {
	if utf8.ValidString(s) {
		return s, nil
	}
	return "", []byte(s)
}

func readLines(edited []byte, all []ready) (kept []ready, err error) {
	known := make(map[string]ready, len(all))
	for _, r := range all {
		known[r.aside.Origin] = r
	}
	decoder := json.NewDecoder(bytes.NewReader(edited))
	decoder.DisallowUnknownFields()
	for n := 1; ; n++ {
		var l line
		if err := decoder.Decode(&l); errors.Is(err, io.EOF) {
			return kept, nil
		} else if err != nil {
			return nil, fmt.Errorf("record %d as edited: %w", n, err)
		}
		r, ok := known[l.Origin]
		if !ok {
			return nil, fmt.Errorf("record %d as edited: origin %q is none of those to edit, or stands there twice", n, l.Origin)
		}
		delete(known, l.Origin)
		r.content = content{l.Key + string(l.KeyBytes), l.Value + string(l.ValueBytes)}
		kept = append(kept, r)
	}
}

// Terminal edits with the program that $VISUAL or $EDITOR names, vi otherwise. What was edited is kept when
// the program fails.
func Terminal(in io.Reader, out, problems io.Writer) Editor {
	return func(ctx context.Context, lines []byte) ([]byte, error) {
		name, err := writeTemp(lines)
		if err != nil {
			return nil, err
		}
		command := append(strings.Fields(program()), name)
		editor := exec.CommandContext(ctx, command[0], command[1:]...)
		editor.Stdin, editor.Stdout, editor.Stderr = in, out, problems
		if err := editor.Run(); err != nil {
			return nil, fmt.Errorf("%s (what it left is in that file): %w", strings.Join(command, " "), err)
		}
		edited, err := os.ReadFile(name)
		return edited, errors.Join(err, os.Remove(name))
	}
}

func program() string {
	for _, variable := range []string{"VISUAL", "EDITOR"} {
		if name := strings.TrimSpace(os.Getenv(variable)); name != "" {
			return name
		}
	}
	return "vi"
}
