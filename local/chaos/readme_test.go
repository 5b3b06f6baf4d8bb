package chaos_test

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"feedstream/local/chaos"
)

var writeReadme = flag.Bool("chaos.readme", false, "write what the run did into the README")

const readme, tableBegin, tableEnd = "../../README.md", "<!-- chaos -->\n", "<!-- /chaos -->\n"

// consequence is what becomes of a record when a call goes wrong, and the tests that show it by itself.
type consequence struct{ text, tests string }

var consequences = map[string]consequence{
	"kafka.produce": {"the producer, or the whole push, repeats: an output may come twice, under one id",
		"TestProducerSurvivesOnce TestPushStopsAtTheFirstFailureAndConvergesWhenRepeated"},
	"kafka.fetch":        {"the stream asks again", "TestFaultsOfAConsumer"},
	"kafka.metadata":     {"is asked again", "TestFaultsOfAConsumer"},
	"kafka.offsetcommit": {"is committed again; what was not comes once more", "TestWaitCommittedSeesWhatAnEarlierRunCommitted"},
	"kafka.heartbeat":    {"the group rebalances; nothing is committed beyond a gap", "TestACommitBeyondAGapIsFound"},
	"hbase.multi": {"the rows go again at their event time, which changes none that is there",
		"TestClientOvercomesPassingFaults TestRefusedCallAppliesNothingAndDroppedAnswerDoes"},
	"hbase.meta": {"the region is looked up again", "TestMovedAndSplitRegions"},
	"oss.get": {"the snapshot before is served, with its age; one that is not whole never",
		"TestCacheFollowsAnnouncements TestAnUnverifiedSnapshotIsFound"},
	"oss.put":          {"the refresh fails or repeats, the manifest stays or is whole", "TestErrorsOfSourceAndStoreKeepTheManifest"},
	"mongodb.find":     {"the refresh fails, the reference stays", "TestErrorsOfSourceAndStoreKeepTheManifest"},
	"enrich.kill":      {"the push fails and comes again", "TestInstanceFaults"},
	"enrich.timeout":   {"the instance is killed, the push comes again", "TestTimeoutKillsTheInstance"},
	"enrich.freeze":    {"the push is late or runs out of time", "TestFaults"},
	"refresh.kill":     {"the next refresh does its work", "TestARefreshMendsWhatIsDamaged"},
	"push.throttle":    {"the push waits and comes again", "TestFaults"},
	"push.repeat":      {"the rows stay, outputs come twice under one id", "TestNewestEventWins"},
	"push.concurrent":  {"the newest event wins", "TestNewestEventWins"},
	"push.reorder":     {"the newest event wins", "TestNewestEventWins"},
	"stream.rebalance": {"pushes under way end; nothing is committed beyond a gap", "TestFaults"},
	"clock":            {"the newest event wins; one too far ahead is set aside", "TestNewestEventWins TestDrain"},
}

// late is a fault of a server's call that only takes time.
const late = "delay"

// step is one kind of fault at one call, before and after the call took effect.
type step struct {
	call, wrong   string
	before, after int // how often; none when no rule is of it
}

const none = -1

// steps sorts rules, or what a run counts under their names, into steps.
func steps(counts map[string]int) []step {
	found := map[[2]string]*step{}
	for rule, times := range counts {
		words := strings.Fields(rule)
		isAfter := false
		var wrong []string
		for _, word := range words[1:] {
			_, notTime := time.ParseDuration(word)
			switch {
			case word == "after":
				isAfter = true
			case word == "before" || word == "delay" || notTime == nil || strings.HasSuffix(word, "%") || regexp.MustCompile(`^\d+x$`).MatchString(word):
			default:
				wrong = append(wrong, word)
			}
		}
		key := [2]string{words[0], strings.Join(wrong, " ")}
		if key[1] == "" && regexp.MustCompile(`^(kafka|hbase|oss|mongodb)\.`).MatchString(words[0]) {
			key[1] = late
		}
		if found[key] == nil {
			found[key] = &step{key[0], key[1], none, none}
		}
		side := &found[key].before
		if isAfter {
			side = &found[key].after
		}
		*side = max(*side, 0) + times
	}
	var all []step
	for _, key := range slices.SortedFunc(maps.Keys(found), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		all = append(all, *found[key])
	}
	return all
}

// row is a step as a row of the README's table.
func (s step) row() string {
	c := consequences[s.call]
	if s.wrong == late {
		c.text = "nothing but that it is late"
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s | `%s` |\n", strings.TrimSpace(s.call+" "+s.wrong), times(s.before), times(s.after), c.text,
		strings.ReplaceAll(c.tests, " ", "`, `"))
}

func times(n int) string {
	if n == none {
		return "–"
	}
	return strconv.Itoa(n)
}

const tableHead = "| fault | before | after | what becomes of the record | shown by |\n|---|--:|--:|---|---|\n"

// report is what the README says of a run.
func report(seed uint64, of time.Duration, records, repeated, violations int, all []step) string {
	var text strings.Builder
	sum := 0
	for _, s := range all {
		sum += max(s.before, 0) + max(s.after, 0)
	}
	fmt.Fprintf(&text, "`make chaos SEED=%d DURATION=%s`: %d records, %d faults, %d pushes repeated, violations: %d.\n\n%s",
		seed, of, records, sum, repeated, violations, tableHead)
	for _, s := range all {
		text.WriteString(s.row())
	}
	return text.String()
}

var figures = regexp.MustCompile(`^.make chaos SEED=\d+ DURATION=[0-9hms]+.: [1-9]\d* records, [1-9]\d* faults, \d+ pushes repeated, violations: 0\.\n\n`)

// TestReadmeFaults: the README has a row for each kind of fault that make chaos draws from, with a figure for each
// side of the call that a rule is about, 0 included, from one run without violations; and the tests that it names are there.
// The run that gave the figures was started with -chaos.readme.
func TestReadmeFaults(t *testing.T) {
	content, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begun := strings.Cut(string(content), tableBegin)
	text, _, ended := strings.Cut(rest, tableEnd)
	if !begun || !ended || !figures.MatchString(text) {
		t.Fatalf("%s has no table of faults with the figures of a run: %.200q", readme, text)
	}
	rows := strings.TrimPrefix(figures.ReplaceAllString(text, ""), tableHead)
	counts := map[string]int{}
	for _, rule := range chaos.Rules() {
		counts[rule]++
	}
	number := regexp.MustCompile(`\| \d+ \|`)
	anyFigures := func(rows string) string {
		for number.MatchString(rows) { // neighbours share a bar
			rows = number.ReplaceAllString(rows, "| n |")
		}
		return rows
	}
	want := ""
	for _, s := range steps(counts) {
		want += s.row()
	}
	if got, want := anyFigures(rows), anyFigures(want); got != want {
		t.Errorf("the README's rows are not those of the rules: run TestChaos with -chaos.readme\n%s\nwant\n%s", got, want)
	}
	here := tests(t)
	for call, c := range consequences {
		for name := range strings.FieldsSeq(c.tests) {
			if !here[name] {
				t.Errorf("%s: there is no test %s", call, name)
			}
		}
	}
}

// tests are the names of all tests of the module.
func tests(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, room := range []string{"functions", "shared", "local"} {
		err := filepath.WalkDir(filepath.Join("../..", room), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			content, err := os.ReadFile(path)
			for _, match := range declared.FindAllSubmatch(content, -1) {
				names[string(match[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// tellReadme writes a run into the README.
func tellReadme(t *testing.T, result *chaos.Result) {
	t.Helper()
	content, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(content), tableBegin)
	_, after, ended := strings.Cut(rest, tableEnd)
	if !begun || !ended {
		t.Fatalf("%s has no place for the faults", readme)
	}
	text := report(result.Seed, *duration, result.Published, result.Repeated, len(result.Faults), steps(result.Injected))
	if err := os.WriteFile(readme, []byte(before+tableBegin+text+tableEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
