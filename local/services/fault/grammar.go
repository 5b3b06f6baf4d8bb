package fault

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The words of a rule. A rule as a person writes it is a call and then words in any order:
//
//	TARGET.CALL [before|after] [[delay] DURATION] [drop] [error NAME] [SHARE%] [COUNTx]
//
// A target may have words of its own, and faults that are calls of their own name, such as "enrich.freeze 30s".
const (
	WordBefore = "before"
	WordAfter  = "after"
	WordDelay  = "delay" // and a duration; the duration alone says the same
	WordDrop   = "drop"
	WordError  = "error" // and a name
	WordShift  = "±DURATION"
)

// Target is what rules may be about: a server, or a part of the platform.
type Target struct {
	Name  string
	Calls []Call
}

// Call is a call of a target, or a fault of it that needs no further word. Without a name it is the target itself.
type Call struct {
	Name  string
	Words []string // that a rule may have besides share and count
	Needs []string // of which it must have one
	// Errors are the names that an error may have; none means that any will do.
	Errors []string
}

// Served are calls of a server: each takes the words of Fault and those of the server's own.
func Served(name string, calls []string, own ...string) Target {
	t := Target{Name: name}
	needs := append([]string{WordDelay, WordDrop, WordError}, own...)
	for _, call := range calls {
		t.Calls = append(t.Calls, Call{Name: call, Words: append([]string{WordBefore, WordAfter}, needs...), Needs: needs})
	}
	return t
}

// Also is the target with further words, which say which part of a call a fault is about.
func (t Target) Also(words ...string) Target {
	calls := slices.Clone(t.Calls)
	for i := range calls {
		calls[i].Words = slices.Concat(calls[i].Words, words)
	}
	return Target{Name: t.Name, Calls: calls}
}

// Erring is the target with the names of the errors that it can answer.
func (t Target) Erring(names []string) Target {
	calls := slices.Clone(t.Calls)
	for i := range calls {
		calls[i].Errors = names
	}
	return Target{Name: t.Name, Calls: calls}
}

// erring finds the name of an error of a call, in whatever case it is written.
func (c Call) erring(name string) (string, error) {
	if len(c.Errors) == 0 {
		return name, nil
	}
	for _, known := range c.Errors {
		if strings.EqualFold(known, name) {
			return known, nil
		}
	}
	const few = 5
	nearest := slices.SortedFunc(slices.Values(c.Errors), func(a, b string) int {
		return cmp.Or(cmp.Compare(alike(b, name), alike(a, name)), strings.Compare(a, b))
	})
	return "", fmt.Errorf("no error here is called %q: there are %d, such as %s", name, len(nearest),
		strings.Join(nearest[:min(few, len(nearest))], ", "))
}

// alike is how many letters two names begin with alike.
func alike(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n]|0x20 == b[n]|0x20 {
		n++
	}
	return n
}

// Parse reads a rule. Its Call is target and call with a dot between.
func Parse(text string, targets []Target) (Rule, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Rule{}, fmt.Errorf("an empty fault rule: say TARGET.CALL and what goes wrong; the targets are %s", namesOf(targets))
	}
	name, call, err := find(words[0], targets)
	if err != nil {
		return Rule{}, fmt.Errorf("fault rule %q: word 1: %w", text, err)
	}
	s := sentence{call: call, words: words, rule: Rule{Call: name}}
	for s.at = 1; s.at < len(words); s.at++ {
		at := s.at
		if err := s.read(); err != nil {
			return Rule{}, fmt.Errorf("fault rule %q: word %d, %q: %w", text, at+1, words[at], err)
		}
	}
	if err := s.complete(); err != nil {
		return Rule{}, fmt.Errorf("fault rule %q: %w", text, err)
	}
	return s.rule, nil
}

// ParseAll reads rules.
func ParseAll(texts []string, targets []Target) ([]Rule, error) {
	rules := make([]Rule, 0, len(texts))
	for _, text := range texts {
		rule, err := Parse(text, targets)
		if err != nil {
			return nil, err
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

// find looks up the call that a rule begins with, and its full name.
func find(word string, targets []Target) (string, Call, error) {
	name, callName, _ := strings.Cut(word, ".")
	for _, t := range targets {
		if !strings.EqualFold(t.Name, name) {
			continue
		}
		var names []string
		for _, c := range t.Calls {
			full := strings.TrimSuffix(t.Name+"."+c.Name, ".")
			if strings.EqualFold(c.Name, callName) {
				return full, c, nil
			}
			names = append(names, full)
		}
		return "", Call{}, fmt.Errorf("%q is no call of %s: there are %s", word, t.Name, strings.Join(names, ", "))
	}
	return "", Call{}, fmt.Errorf("nothing is called %q: the targets are %s", name, namesOf(targets))
}

func namesOf(targets []Target) string {
	var names []string
	for _, t := range targets {
		names = append(names, t.Name)
	}
	return strings.Join(names, ", ")
}

// sentence is a rule that is being read.
type sentence struct {
	call  Call
	words []string
	at    int // of the word that is read
	said  []string
	rule  Rule
}

// read takes over a word, and what belongs to it.
func (s *sentence) read() error {
	word := s.words[s.at]
	if number, ok := strings.CutSuffix(word, "%"); ok {
		return s.share(number)
	}
	if count, err := strconv.Atoi(strings.TrimSuffix(word, "x")); err == nil && strings.HasSuffix(word, "x") {
		return s.count(count)
	}
	if _, err := time.ParseDuration(word); err == nil {
		return s.duration(word)
	}
	if word == WordShift || !slices.Contains(s.call.Words, word) {
		return s.misplaced()
	}
	if err := s.say(word); err != nil {
		return err
	}
	return s.effect(word)
}

// effect takes over a word that says how or when the call goes wrong.
func (s *sentence) effect(word string) (err error) {
	switch word {
	case WordBefore:
		s.rule.When = Before
	case WordAfter:
		s.rule.When = After
	case WordDrop:
		s.rule.Drop = true
	case WordError:
		if word, err = s.argument("the name of the error, such as error ServiceUnavailable"); err == nil {
			s.rule.Err, err = s.call.erring(word)
		}
	case WordDelay:
		if word, err = s.argument("how long, such as delay 200ms"); err == nil {
			s.rule.Delay, err = positive(word)
		}
	default:
		if s.rule.Own != "" {
			return fmt.Errorf("%q was said before it: leave one out", s.rule.Own)
		}
		s.rule.Own = word
	}
	return err
}

// duration takes over a time that stands alone.
func (s *sentence) duration(word string) (err error) {
	switch {
	case slices.Contains(s.call.Words, WordShift):
		if s.rule.Delay, _ = time.ParseDuration(word); s.rule.Delay == 0 {
			return errors.New("a shift of nothing: say one such as +10m or -30s")
		}
		return s.say(WordShift)
	case slices.Contains(s.call.Words, WordDelay):
		if s.rule.Delay, err = positive(word); err != nil {
			return err
		}
		return s.say(WordDelay)
	}
	return s.misplaced()
}

func (s *sentence) misplaced() error {
	words := append(slices.Clone(s.call.Words), "a share as 5%", "a count as 3x")
	return fmt.Errorf("it cannot follow here: %s takes %s", s.rule.Call, strings.Join(words, ", "))
}

// exclusive are words of which a rule has one: a call cannot meet both.
var exclusive = [][]string{{WordBefore, WordAfter}, {WordDrop, WordError}}

// say refuses a word that was said, or what it excludes.
func (s *sentence) say(word string) error {
	others := []string{word}
	for _, group := range exclusive {
		if slices.Contains(group, word) {
			others = group
		}
	}
	for _, other := range others {
		if slices.Contains(s.said, other) {
			return fmt.Errorf("%q was said before it: leave one out", other)
		}
	}
	s.said = append(s.said, word)
	return nil
}

func (s *sentence) argument(what string) (string, error) {
	if s.at++; s.at == len(s.words) {
		return "", fmt.Errorf("say %s", what)
	}
	return s.words[s.at], nil
}

// leastShare of the calls, in percent.
const leastShare = 0.0001

func (s *sentence) share(number string) error {
	percent, err := strconv.ParseFloat(number, 64)
	if err != nil || !(percent >= leastShare && percent <= 100) {
		return fmt.Errorf("a share lies between %v%% and 100%%, such as 5%%", leastShare)
	}
	s.rule.Share = percent / 100
	return s.say("%")
}

func (s *sentence) count(n int) error {
	if n < 1 {
		return errors.New("a count is at least 1x")
	}
	s.rule.Count = n
	return s.say("x")
}

func positive(word string) (time.Duration, error) {
	d, err := time.ParseDuration(word)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is no time to wait: say one such as 200ms or 2s", word)
	}
	return d, nil
}

// complete refuses a rule by which nothing goes wrong.
func (s *sentence) complete() error {
	if len(s.call.Needs) == 0 {
		return nil
	}
	for _, word := range s.call.Needs {
		if slices.Contains(s.said, word) {
			return nil
		}
	}
	return fmt.Errorf("it says of %s when, not what goes wrong: add one of %s", s.words[0], strings.Join(s.call.Needs, ", "))
}

// String is the rule in the words that Parse reads.
func (r Rule) String() string {
	words := []string{r.Call}
	if r.When == After {
		words = append(words, WordAfter)
	}
	if r.Own != "" {
		words = append(words, r.Own)
	}
	if r.Delay != 0 {
		words = append(words, r.Delay.String())
	}
	if r.Drop {
		words = append(words, WordDrop)
	}
	if r.Err != "" {
		words = append(words, WordError, r.Err)
	}
	if r.Share > 0 {
		words = append(words, strconv.FormatFloat(r.Share*100, 'g', 6, 64)+"%")
	}
	if r.Count > 0 {
		words = append(words, strconv.Itoa(r.Count)+"x")
	}
	return strings.Join(words, " ")
}
