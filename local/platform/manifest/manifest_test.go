package manifest

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// production is the s.yaml at the top of the repository.
func production(t testing.TB) string {
	t.Helper()
	content, err := os.ReadFile("../../../s.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func environment(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

func TestProductionManifest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.yaml")
	m, err := Parse(path, []byte(production(t)), environment(map[string]string{"KAFKA_BROKERS": "k:9092", "FEED_LOG_PROJECT": "logs"}))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range m.Functions {
		names = append(names, f.Name)
	}
	if diff := cmp.Diff([]string{"feed-enrich", "feed-refresh", "feed-query", "feed-publish"}, names); diff != "" {
		t.Error(diff)
	}
	code := filepath.Join(filepath.Dir(path), "bin", "functions", "enrich")
	want := Function{
		Name: "feed-enrich", Region: "cn-hangzhou", Runtime: "custom.debian12", Code: "./bin/zip/enrich.zip", CodeDir: code,
		Command: []string{filepath.Join(code, "enrich")}, MemoryMB: 1024, CPU: 1, Timeout: time.Minute, InstanceConcurrency: 8,
		Initializer: &Hook{"initialize", 30 * time.Second}, PreStop: &Hook{"pre-stop", time.Minute},
		AsyncRetries: 3, AsyncMaxAge: 5 * time.Hour, LogProject: "logs", LogStore: "functions",
		Streams: []Stream{{
			Name: "updates", Enabled: true, Concurrency: 4, MaximumTasks: 4, TolerateErrors: true, Retry: ExponentialDecayRetry,
			DeadLetterTopic: "feed-deadletter", BatchCount: 1000, BatchWindow: time.Second, Region: "cn-hangzhou",
			Topic: "feed-updates", Group: "feed-enrich",
		}},
	}
	ignored := cmpopts.IgnoreFields(Function{}, "Description", "Environment", "Role")
	if diff := cmp.Diff(want, m.Functions[0], ignored, cmpopts.IgnoreFields(Stream{}, "InstanceID")); diff != "" {
		t.Error(diff)
	}
	if got := m.Functions[0].Environment["KAFKA_BROKERS"]; got != "k:9092" {
		t.Errorf("KAFKA_BROKERS is %q", got)
	}
	if got := m.Functions[1]; got.ReservedConcurrency != 1 || got.AsyncMaxAge != 5*time.Minute || got.Timers[0].Cron != "@every 5m" || got.Timers[0].Payload != "refresh" {
		t.Errorf("feed-refresh = %+v", got)
	}
	if diff := cmp.Diff([]HTTPTrigger{{Name: "http", Methods: []string{"GET", "HEAD"}}}, m.Functions[2].HTTP); diff != "" {
		t.Error(diff)
	}
}

// Each case breaks the production manifest in one place; the error names file and line, the thing and
// the remedy.
// Some editors begin a file with a byte order mark and end its lines with carriage returns.
func TestManifestOfAnotherEditor(t *testing.T) {
	text := "\ufeff" + strings.ReplaceAll(production(t), "\n", "\r\n")
	m, err := Parse("s.yaml", []byte(text), environment(nil))
	if err != nil || len(m.Functions) != 4 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestBrokenManifests(t *testing.T) {
	base := production(t)
	for _, test := range []struct{ name, was, is, want string }{
		{"unknown key at the top", "access: default", "acess: default", "acess"},
		{"unknown key of a function", "      memorySize: 1024", "      memorysize: 1024", "memorysize"},
		{"unknown key of a trigger", "            triggerEnable: true", "            triggerEnabled: true", "triggerEnabled"},
		{"unknown key of the batch window", "                CountBasedWindow: 1000", "                countBasedWindow: 1000", "countBasedWindow"},
		{"wrong type", "      timeout: 60\n      # One", "      timeout: long\n      # One", "timeout"},
		{"memory out of range", "      memorySize: 1024", "      memorySize: 64", "memorySize"},
		{"batch too large", "                CountBasedWindow: 1000", "                CountBasedWindow: 10001", "CountBasedWindow"},
		{"window too long", "                TimeBasedWindow: 1", "                TimeBasedWindow: 16", "TimeBasedWindow"},
		{"unknown retry", "                PushRetryStrategy: EXPONENTIAL_DECAY_RETRY", "                PushRetryStrategy: FOREVER", "PushRetryStrategy"},
		{"dead letters without tolerance", "              errorsTolerance: ALL", "              errorsTolerance: NONE", ""},
		{"timeout beyond the event stream's", "      timeout: 60\n      # One", "      timeout: 301\n      # One", ""},
		{"bad cron", "            cronExpression: '@every 5m'", "            cronExpression: '0 0 * * *'", "six"},
		{"trigger of another kind", "          triggerType: timer", "          triggerType: oss", "eventbridge, timer or http"},
		{"managed runtime", "      runtime: custom.debian12\n      code: ./bin/zip/enrich.zip", "      runtime: go1\n      code: ./bin/zip/enrich.zip", "custom.debian12"},
		{"name twice", "      functionName: feed-query", "      functionName: feed-enrich", "declared twice"},
		{"bad name", "      functionName: feed-query", "      functionName: 1feed", "1feed"},
		{"another component", "    component: fc3@0.1.22", "    component: fc@0.1.22", "fc3"},
		{"half a version", "    component: fc3@0.1.22", "    component: fc3@0.1", "fc3"},
		{"a function that the flow does not know", "    - [feed-enrich]", "    - [feed-enrch]", "feed-enrch"},
		{"a function twice in the flow", "    - [feed-enrich]", "    - [feed-enrich, feed-query]", "twice"},
		{"hooks beside others in the flow", "    - [feed-refresh]\n    - [feed-enrich]", "    - [feed-refresh, feed-enrich]", "give it a step of its own"},
		{"a function that the flow leaves out", "    - [feed-enrich]\n", "", "leaves out \"feed-enrich\""},
		{"variable of the platform", "        REFERENCE_MAX_AGE: 24h", "        FC_MAX_AGE: 24h", "FC_MAX_AGE"},
		{"open expression", "        REFERENCE_MAX_AGE: 24h", "        REFERENCE_MAX_AGE: ${env('AGE'", "close it"},
		{"unknown variable", "        REFERENCE_MAX_AGE: 24h", "        REFERENCE_MAX_AGE: ${vars.age}", "declare vars.age"},
		{"topic without a value", "                  Topic: feed-updates", "                  Topic: ${env('TOPIC')}", "TOPIC"},
		{"a program of the deploy tool", "        REFERENCE_MAX_AGE: 24h", "        REFERENCE_MAX_AGE: 2<%=2%>h", "<%=2%>"},
		{"a date", "        REFERENCE_MAX_AGE: 24h", "        REFERENCE_MAX_AGE: 2026-11-25", "is a date"},
		{"a number of another base", "        REFERENCE_MAX_AGE: 24h", "        REFERENCE_MAX_AGE: 1e3", "put it in quotes"},
		{"a tag", "        REFERENCE_MAX_AGE: 24h", "        REFERENCE_MAX_AGE: !!binary x", "!!binary"},
		{"a function of the deploy tool", "        REFERENCE_MAX_AGE: 24h", "        REFERENCE_MAX_AGE: ${file('age')}", "calls file"},
		{"a number without a value", "      memorySize: 1024", "      memorySize: ${env('MEMORY')}", "memorySize takes its value from ${env('MEMORY')}"},
		{"dead letters to no topic", "/topic/feed-deadletter", "/topic/", "names no topic"},
		{"bad topic", "                  Topic: feed-updates", "                  Topic: feed updates", "feed updates"},
		{"foreign dead-letter queue", "                Arn: acs:alikafka:${vars.region}", "                Arn: acs:mns:${vars.region}", "deadLetterQueue"},
		{"not YAML", "access: default", "access: [default", ""},
		{"tab", "access: default", "\taccess: default", ""},
		{"key twice", "access: default", "access: default\naccess: other", "access"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(base, test.was) {
				t.Fatalf("s.yaml has no %q any more", test.was)
			}
			_, err := Parse("s.yaml", []byte(strings.Replace(base, test.was, test.is, 1)), environment(nil))
			var broken *Error
			if !errors.As(err, &broken) {
				t.Fatalf("error = %v, want one of the manifest", err)
			}
			for _, p := range broken.Problems {
				if p.Line < 1 || p.Column < 1 {
					t.Errorf("no position: %+v", p)
				}
			}
			first := broken.Problems[0]
			if text := err.Error(); !strings.Contains(text, test.want) || !strings.Contains(text, "s.yaml:"+strconv.Itoa(first.Line)) {
				t.Errorf("error = %v, want %q and its place", err, test.want)
			}
		})
	}
}

// Production runs the zip; this machine runs its own build of the same program.
func TestBinaries(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s.yaml")
	binary := func(name string) string { return filepath.Join(dir, "bin", "functions", name, name) }
	for _, name := range []string{"enrich", "refresh", "query", "publish"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(binary(name)), 0o755), os.WriteFile(binary(name), nil, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		was, is string
		harm    func() error
		want    string
	}{
		"all there":   {harm: func() error { return nil }},
		"a folder":    {"code: ./bin/zip/query.zip", "code: ./bin/functions/query", func() error { return nil }, ""},
		"elsewhere":   {"code: ./bin/zip/query.zip", "code: ./bin/zip/quarry.zip", func() error { return nil }, "quarry"},
		"on the PATH": {"- /code/query", "- feedstream-nowhere", func() error { return nil }, `"feedstream-nowhere" is not on this machine`},
		"not to run":  {harm: func() error { return os.Chmod(binary("publish"), 0o644) }, want: "cannot be executed"},
		"missing":     {harm: func() error { return os.Remove(binary("enrich")) }, want: "run make build"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Parse(path, []byte(strings.Replace(production(t), test.was, test.is, 1)), environment(nil))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range []string{"enrich", "publish"} {
				if err := errors.Join(os.WriteFile(binary(f), nil, 0o755), os.Chmod(binary(f), 0o755)); err != nil {
					t.Fatal(err)
				}
			}
			if err := test.harm(); err != nil {
				t.Fatal(err)
			}
			err = m.CheckBinaries()
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error = %v, want %q", err, test.want)
			}
		})
	}
}

func TestProblemsHaveTheirLine(t *testing.T) {
	broken := strings.Replace(production(t), "memorySize: 1024", "memorysize: 1024", 1)
	broken = strings.Replace(broken, "'@every 5m'", "'@every soon'", 1)
	_, err := Parse("s.yaml", []byte(broken), environment(nil))
	for _, text := range []string{"memorysize: 1024", "'@every soon'"} {
		line := 1 + strings.Count(broken[:strings.Index(broken, text)], "\n")
		if err == nil || !strings.Contains(err.Error(), "s.yaml:"+strconv.Itoa(line)+":") {
			t.Errorf("no problem is reported in line %d (%s): %v", line, text, err)
		}
	}
}

func TestEmptyAndAbsentManifests(t *testing.T) {
	for _, content := range []string{"", "# nothing\n", "---\n"} {
		if _, err := Parse("s.yaml", []byte(content), environment(nil)); err == nil {
			t.Errorf("%q is taken for a manifest", content)
		}
	}
	path := filepath.Join(t.TempDir(), "absent.yaml")
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error = %v", err)
	}
}

// Aliases that would unfold into a billion values are refused before they do.
func TestAliasesDoNotExplode(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 10; i++ {
		n, before := strconv.Itoa(i), "*a"+strconv.Itoa(i-1)
		bomb.WriteString("a" + n + ": &a" + n + " [" + strings.Repeat(before+", ", 9) + before + "]\n")
	}
	if _, err := Parse("s.yaml", []byte(bomb.String()), environment(nil)); err == nil {
		t.Error("the bomb is taken for a manifest")
	}
}

// The same holds for variables that lead to variables.
func TestVariablesDoNotExplode(t *testing.T) {
	text := "a: " + strings.Repeat("${vars.b}", 1000) + "\n  b: " + strings.Repeat("${vars.c}", 1000) + "\n  c: x"
	if _, err := Parse("s.yaml", []byte("edition: 3.0.0\nname: x\nvars:\n  "+text+"\nresources: {}\n"), environment(nil)); err == nil ||
		!strings.Contains(err.Error(), "write fewer") {
		t.Errorf("error = %v", err)
	}
}

// A variable without a value is an error only where nothing is laid over it.
func TestCheckEnvironment(t *testing.T) {
	m, err := Parse("s.yaml", []byte(production(t)), environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	overlay := map[string]string{"KAFKA_BROKERS": "", "HBASE_ZOOKEEPER": "", "OSS_ENDPOINT": ""}
	err = m.CheckEnvironment(overlay)
	if err == nil || !strings.Contains(err.Error(), "MONGODB_URI of function feed-refresh") || strings.Contains(err.Error(), "KAFKA_BROKERS") {
		t.Errorf("error = %v, want MONGODB_URI alone", err)
	}
	overlay["MONGODB_URI"] = ""
	if err := m.CheckEnvironment(overlay); err != nil {
		t.Errorf("error = %v", err)
	}
}

func TestExpressions(t *testing.T) {
	s := scope{
		env: environment(map[string]string{"A": "1", "EMPTY": "", "PROGRAM": "a${1+1}b"}),
		vars: map[string]any{"n": int64(3), "f": 1.5, "big": 1e21, "t": true, "deep": map[string]any{"er": "x"}, "list": []any{"one"},
			"a-b": "dashed", "one": "${env('A')}", "two": "${vars.one}+", "three": "${vars.two}+", "four": "${vars.three}+",
			"unset": "<${env('B')}>", "self": "${vars.self}", "mixed": map[string]any{"in": "${vars.one}"}},
		resources: map[string]any{
			"me":    map[string]any{"props": map[string]any{"region": "here", "again": "${this.props.region}"}},
			"other": map[string]any{"props": map[string]any{"region": "there", "own": "${this.props.region}"}},
		},
		this: "me", count: new(int),
	}
	for _, test := range []struct {
		text       string
		want       any
		unresolved int
		err        string
	}{
		{"plain", "plain", 0, ""},
		{"${env('A')}", "1", 0, ""},
		{`${env("A")}`, "1", 0, ""},
		{"${env(A)}", "1", 0, ""},
		{"${ env( 'A' ) }-${env ('A')}", "1-1", 0, ""},
		{"${env('EMPTY', 'x')}", "x", 0, ""},
		{"${env('EMPTY')}", nil, 1, ""},
		{"${env('B', 'x, y')}", "x, y", 0, ""},
		{"${env('B', '')}", "", 0, ""},
		{`${env('B', 'it\'s')}`, "it's", 0, ""},
		{`${env('B', "it's")}`, "it's", 0, ""},
		{`${env('B', 'a\qb')}`, nil, 0, "escapes"},
		{`${env('B', 'a\`, nil, 0, "close it"},
		{"${env('B', 60)}", int64(60), 0, ""},
		{"${env('B', -1.5)}", -1.5, 0, ""},
		{"${env('B', 1e3)}", int64(1000), 0, ""},
		{"${env('B', true)}", true, 0, ""},
		{"${env('B', '60')}", "60", 0, ""},
		{"${env('A', 60)}", "1", 0, ""},
		{"x${env('B', 60)}", "x60", 0, ""},
		{"${env('B', vars.n)}", int64(3), 0, ""},
		{"${env('B', env('A'))}", "1", 0, ""},
		{"${env('B', env('C'))}", nil, 1, ""},
		{"${env('A', env('C'))}", nil, 1, ""}, // the default is computed first, there as here
		{"${env('B', null)}", nil, 0, "not understood"},
		{"${env('B', 'x', 'y')}", nil, 0, "closing parenthesis"},
		{"${env('B', 'x').length}", nil, 0, "goes on"},
		{"${env('B', 'a}b')}", nil, 0, "keep } out"},
		{"${env('PROGRAM')}", nil, 0, "PROGRAM"},
		{"${env('B')}", nil, 1, ""},
		{"a${env('B')}b${env('C')}", "ab", 2, ""},
		{"${vars.n}", int64(3), 0, ""},
		{"n=${vars.n} ${vars.f} ${vars.t} ${vars.big}", "n=3 1.5 true 1e+21", 0, ""},
		{"${vars.deep.er}", "x", 0, ""},
		{"${vars.deep}", map[string]any{"er": "x"}, 0, ""},
		{"x${vars.deep}", nil, 0, "stand alone"},
		{"${vars.mixed}", map[string]any{"in": "1"}, 0, ""},
		{"${vars.list.0}", "one", 0, ""},
		{"${vars.a-b}", "dashed", 0, ""},
		{"${vars.two}", "1+", 0, ""},
		{"${vars.three}", "1++", 0, ""},
		{"${vars.four}", nil, 0, "too many"},
		{"${vars.self}", nil, 0, "too many"},
		{"${vars.unset}", "<>", 1, ""},
		{"${vars.deep.est}", nil, 0, "declare vars.deep.est"},
		{"${ vars.n }", nil, 0, "blanks"},
		{"${vars['n']}", nil, 0, "not understood"},
		{"${vars.n + 1}", nil, 0, "not understood"},
		{"${this.props.region}", "here", 0, ""},
		{"${resources.other.props.region}", "there", 0, ""},
		{"${resources.other.props.own}", nil, 0, "does not know this"},
		{"${this.props.again}", nil, 0, "does not know this"},
		{"${resources.other.output.url}", nil, 0, "not understood"},
		{"${resources.x}", nil, 0, "not understood"},
		{"${resources.none.props.x}", nil, 0, "names nothing"},
		{"${this.name}", nil, 0, "not understood"},
		{"${file('x')}", nil, 0, "calls file"},
		{"${config('AccountID')}", nil, 0, "calls config"},
		{"${5}", nil, 0, "not understood"},
		{"${}", nil, 0, "not understood"},
		{"${env('A'}", nil, 0, "parenthesis"},
		{"${env('')}", nil, 0, "names no variable"},
		{"${", nil, 0, "close it"},
		{"$ { }", "$ { }", 0, ""},
	} {
		r, err := s.expand(test.text, 0)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: %v, error = %v, want %s", test.text, r, err, test.err)
			}
			continue
		}
		if diff := cmp.Diff(test.want, r.value); err != nil || diff != "" || len(r.unresolved) != test.unresolved {
			t.Errorf("%s = %v, %v; want %d unresolved, %s", test.text, r, err, test.unresolved, diff)
		}
	}
	s.this = ""
	if _, err := s.expand("${this.props.region}", 0); err == nil || !strings.Contains(err.Error(), "outside of a resource") {
		t.Errorf("outside of a resource: %v", err)
	}
}

// A scalar without quotes is what the deploy tool's YAML takes it for.
func TestPlainScalars(t *testing.T) {
	for text, want := range map[string]any{
		"": nil, "~": nil, "Null": nil, "TRUE": true, "tRue": "tRue", "False": false, "yes": "yes",
		"5": int64(5), "+5": int64(5), "-0": int64(0), "017": int64(17), "08": int64(8), "0o17": int64(15), "0x1F": int64(31), "0b11": int64(3), "+0x1": int64(1),
		"1_000": "1_000", "1:30": "1:30", "0xG": "0xG", "1.2.3": "1.2.3", "+.5": "+.5", "-.5": "-.5", "1e": "1e",
		"1.": int64(1), ".5": 0.5, "1.50": 1.5, "1e3": int64(1000), "1e+3": int64(1000), "-1e-3": -0.001, "1e300": 1e300,
		"3.0.0": "3.0.0", "a 2026-11-25": "a 2026-11-25",
	} {
		if got, err := plain(text); err != nil || got != want {
			t.Errorf("%q = %v (%T), %v; want %v (%T)", text, got, got, err, want, want)
		}
	}
	for text, want := range map[string]string{
		"2026-11-25": "date", "2026-11-25T10:00:00Z": "date", "2026-1-5 10:00:00": "date", ".inf": "JSON", "-.INF": "JSON", ".nan": "JSON",
		"12345678901234567890": "loses digits", "9007199254740992": "loses digits", "0xFFFFFFFFFFFFFFFF": "loses digits", "1e999": "beyond",
	} {
		if got, err := plain(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q = %v, %v; want %s", text, got, err, want)
		}
	}
}

func FuzzExpression(f *testing.F) {
	f.Add("${env('A', 'b')}${vars.n}")
	f.Add("${${env(")
	f.Add(`${env("B", -1e3)}${env('B', 'a\'b')}`)
	f.Fuzz(func(t *testing.T, text string) {
		s := scope{env: environment(map[string]string{"A": "1"}), vars: map[string]any{"n": 3}, count: new(int)}
		r, err := s.expand(text, 0)
		if err == nil && r.value == nil && len(r.unresolved) == 0 {
			t.Errorf("%q has neither value nor error", text)
		}
		if kept, isText := r.value.(string); err == nil && isText && strings.Contains(kept, "${env(") {
			t.Errorf("%q keeps an expression as text: %q", text, kept)
		}
		if !strings.Contains(text, "${") && (r.value != text || len(r.unresolved) > 0 || err != nil) {
			t.Errorf("%q has no expression and became %v, %v", text, r, err)
		}
	})
}

// FuzzParse proves that no manifest breaks the reader: it is a manifest or an error with positions.
func FuzzParse(f *testing.F) {
	f.Add([]byte("edition: 3.0.0\nname: x\nresources:\n  a: {component: fc3, props: {triggers: [{}]}}\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("a: &a {b: 1}\nresources: {<<: *a, c: !!binary x}\n"))
	f.Add([]byte(production(f)))
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := Parse("s.yaml", content, environment(nil))
		if (m == nil) == (err == nil) {
			t.Fatalf("manifest %v, error %v", m, err)
		}
		var broken *Error
		if err != nil && errors.As(err, &broken) && len(broken.Problems) == 0 {
			t.Fatal("an error without a problem")
		}
	})
}
