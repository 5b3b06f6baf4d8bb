package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var functions = template.FuncMap{
	"live": live, "tlive": liveInPicture, "node": nodeOf, "count": func(n any) string { return format("count", number(n)) },
	"duration": duration, "time": clock, "bytes": bytesOf, "json": indented,
	"row": func(i, y int) int { return i*rowHeight + y }, "height": func(n int) int { return n*rowHeight + 4 },
	"colour": func(i int) int { return i%colours + 1 }, "offset": func(x, from float64) string { return fixed(x + from) },
	"after": func(x, width, from float64) string { return fixed(x + width + from) },
	"at":    func(origin string) string { return bound(origin, 0) }, "next": func(origin string) string { return bound(origin, 1) },
	"feedtime": func(ms int64) string { return clock(time.UnixMilli(ms)) },
	"since":    func(from, to time.Time) time.Duration { return to.Sub(from) },
	"wayid":    func(origin fmt.Stringer) string { return strings.ReplaceAll(origin.String(), "/", "-") },
	"nowms":    func() int64 { return time.Now().UnixMilli() },
	"shell":    shell,
	"hex":      func(b []byte) string { return fmt.Sprintf("% x", b) },
}

var bare = regexp.MustCompile(`^[\w.:/@=-]+$`)

// shell is a word of a command line as a shell takes it for that word; assets/console.js quotes by the same rule.
func shell(word string) string {
	if bare.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// Of bars in rows.
const (
	rowHeight = 24
	colours   = 6
)

// bound writes the origin <topic>/<partition>/<offset>, or one so many offsets behind it, as the verbs take it.
func bound(origin string, behind int64) string {
	rest, offset, _ := cutLast(origin)
	_, partition, _ := cutLast(rest)
	n, err := strconv.ParseInt(offset, 10, 64)
	if err != nil {
		return origin
	}
	return partition + ":" + strconv.FormatInt(n+behind, 10)
}

func cutLast(path string) (before, after string, found bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}

func fixed(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }

// number is any numeric value.
func number(n any) float64 {
	v := reflect.ValueOf(n)
	switch {
	case v.CanInt():
		return float64(v.Int())
	case v.CanUint():
		return float64(v.Uint())
	case v.CanFloat():
		return v.Float()
	}
	return math.NaN()
}

// live is the value of a sample's member in an element that the script keeps up to date: assets/console.js formats it
// by the same rules.
func live(sample any, member, form string) (template.HTML, error) {
	return liveIn("span", sample, member, form)
}

// liveInPicture is the same inside of a text of a picture.
func liveInPicture(sample any, member, form string) (template.HTML, error) {
	return liveIn("tspan", sample, member, form)
}

func liveIn(element string, sample any, member, form string) (template.HTML, error) {
	members, err := membersOf(sample)
	if err != nil {
		return "", err
	}
	return template.HTML(fmt.Sprintf(`<%[1]s data-live="%[2]s" data-form="%[3]s">%[4]s</%[1]s>`, element, template.HTMLEscapeString(member),
		template.HTMLEscapeString(form), template.HTMLEscapeString(shown(members[member], form)))), nil
}

func membersOf(sample any) (members map[string]any, err error) {
	text, err := json.Marshal(sample)
	if err == nil {
		err = json.Unmarshal(text, &members)
	}
	return members, err
}

func shown(value any, form string) string {
	switch v := value.(type) {
	case float64:
		return format(form, v)
	case string:
		return v
	default:
		return "–"
	}
}

// node is one part of the picture of the pipeline.
type node struct {
	Part, Name, About, State, Words string
	X, Y, Width                     int
	Dot, TitleY, TextX, NameY       int
	What, WhatY, WordsY             int
}

func nodeOf(sample any, part, name, about string, x, y, width int) node {
	return node{
		Part: part, Name: name, About: about, State: of(sample, "state", part), Words: of(sample, "words", part),
		X: x, Y: y, Width: width, Dot: x + 16, TitleY: y + 18, TextX: x + 28, NameY: y + 23, What: x + 12, WhatY: y + 40, WordsY: y + 56,
	}
}

// of is what a sample says of a part of the pipeline: its state, or the words for it.
func of(sample any, member, part string) string {
	members, err := membersOf(sample)
	if err != nil {
		return ""
	}
	parts, _ := members[member].(map[string]any)
	text, _ := parts[part].(string)
	return text
}

// format writes a number as its form wants it.
func format(form string, v float64) string {
	switch form {
	case "rate":
		if v < 100 && v != math.Trunc(v) {
			return strconv.FormatFloat(v, 'f', 1, 64)
		}
	case "fraction":
		return strconv.FormatFloat(v, 'f', 2, 64)
	case "ms":
		if v < 1000 {
			return strconv.FormatFloat(math.Round(v), 'f', 0, 64) + " ms"
		}
		return strconv.FormatFloat(v/1000, 'f', 1, 64) + " s"
	case "age":
		return duration(time.Duration(v * float64(time.Second)))
	}
	return grouped(int64(math.Round(v)))
}

// grouped writes 1234567 as 1,234,567.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	var out strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out.WriteByte(',')
		}
		out.WriteRune(d)
	}
	return sign + out.String()
}

// duration is short: what is below a second in milliseconds, what is longer in at most two units.
func duration(d time.Duration) string {
	switch {
	case d == 0:
		return "0 s"
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 2, 64) + " ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 0, 64) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000 UTC") }

func bytesOf(n any) string {
	switch v := number(n); {
	case v < 1<<10:
		return fmt.Sprintf("%.0f B", v)
	case v < 1<<20:
		return fmt.Sprintf("%.1f KiB", v/(1<<10))
	default:
		return fmt.Sprintf("%.1f MiB", v/(1<<20))
	}
}

// indented is JSON for people, its members in the order in which they came; what is none stands as it is.
func indented(text []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, text, "", "  ") != nil {
		return string(text)
	}
	return out.String()
}

// etag names the content of all assets: a browser loads them again after another build only.
var etag = func() string {
	sum := sha256.New()
	_ = fs.WalkDir(files, "assets", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		_, _ = sum.Write(content)
		return err
	})
	return `"` + hex.EncodeToString(sum.Sum(nil))[:16] + `"`
}()
