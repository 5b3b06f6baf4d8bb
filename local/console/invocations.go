package console

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"feedstream/local/console/page"
	"feedstream/local/platform/runtime"
)

const invocationsPath = "/invocations"

// invocation is one as the page shows it.
type invocation struct {
	runtime.Invocation
	Function string
	Records  int // of a push that was answered; 0: not known
	Counts   struct{ Enriched, Unmatched, Quarantined int }
	Phases   []phase
	Cut      bool // only the beginning of the event is kept
}

// phase is a part of a push, in the function's own timing.
type phase struct {
	Name        string
	Took        time.Duration
	From, Width float64 // of the waterfall, in its units
}

// phaseNames are in the order in which a push comes to them: members of its log line, and what they are.
var phaseNames = []struct{ member, name string }{
	{"decodeMs", "decode"}, {"snapshotMs", "snapshot"}, {"layoutMs", "layout of the table"}, {"judgeMs", "check, join, encode"},
	{"dataRowsMs", "data rows"}, {"indexRowsMs", "index rows"}, {"produceMs", "topics"},
}

func (c *Console) invocations(mux *http.ServeMux) {
	mux.HandleFunc("GET "+invocationsPath, func(w http.ResponseWriter, r *http.Request) {
		page.Write(w, invocationsPath, c.chosenInvocations(r))
	})
	mux.HandleFunc("GET /invocations/list", func(w http.ResponseWriter, r *http.Request) {
		page.Fragment(w, invocationsPath, "list", c.chosenInvocations(r))
	})
	mux.HandleFunc("GET /invocations/{id}", func(w http.ResponseWriter, r *http.Request) {
		for name, all := range c.cfg.Platform.Invocations() {
			for i := range all {
				if all[i].ID == r.PathValue("id") {
					page.Fragment(w, invocationsPath, "one", describe(name, &all[i]))
					return
				}
			}
		}
		page.Fragment(w, invocationsPath, "outcome", outcome{
			Error: "The invocation " + r.PathValue("id") + " is not kept any more.", Remedy: "the last 300 of each function are; open a newer one",
		})
	})
}

type invocationsView struct {
	Functions   []string
	Function    string
	Failed      bool
	Invocations []invocation
	Count       int // that passed the filter
}

// mostListed is how many rows a list shows at a time.
const mostListed = 50

func (c *Console) chosenInvocations(r *http.Request) invocationsView {
	v := invocationsView{Function: r.FormValue("function"), Failed: r.FormValue("failed") != ""}
	for name, all := range c.cfg.Platform.Invocations() {
		v.Functions = append(v.Functions, name)
		for i := range all {
			if (v.Function == "" || v.Function == name) && (!v.Failed || all[i].Error != "") {
				v.Invocations = append(v.Invocations, invocation{Invocation: all[i], Function: name})
			}
		}
	}
	slices.Sort(v.Functions)
	slices.SortFunc(v.Invocations, func(a, b invocation) int { return b.Began.Compare(a.Began) })
	v.Count = len(v.Invocations)
	v.Invocations = v.Invocations[:min(v.Count, mostListed)]
	for i := range v.Invocations {
		v.Invocations[i] = describe(v.Invocations[i].Function, &v.Invocations[i].Invocation)
	}
	return v
}

// describe reads what the answer and the log of an invocation say.
func describe(function string, of *runtime.Invocation) invocation {
	out := invocation{Invocation: *of, Function: function, Cut: of.EventBytes > len(of.Event)}
	if json.Unmarshal(of.Answer, &out.Counts) == nil {
		out.Records = out.Counts.Enriched + out.Counts.Unmatched + out.Counts.Quarantined
	}
	for _, line := range of.Lines {
		var members map[string]any
		if strings.Contains(line, `"msg":"push"`) && json.Unmarshal([]byte(line), &members) == nil {
			out.Phases = phases(members)
			if n, ok := members["events"].(float64); ok {
				out.Records = int(n)
			}
		}
	}
	return out
}

// waterfall is how wide the picture of a push is.
const waterfall = 600.0

// phases are those of the line of a push.
func phases(members map[string]any) (all []phase) {
	whole, _ := members["durationMs"].(float64)
	from := 0.0
	for _, p := range phaseNames {
		took, came := members[p.member].(float64)
		if !came || whole <= 0 {
			continue
		}
		width := took / whole * waterfall
		all = append(all, phase{Name: p.name, Took: time.Duration(took * float64(time.Millisecond)), From: from, Width: max(width, 1)})
		from += width
	}
	return all
}
