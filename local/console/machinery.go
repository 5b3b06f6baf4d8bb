package console

import (
	"fmt"
	"net/http"
	"time"

	"feedstream/local/console/live"
	"feedstream/local/console/page"
	"feedstream/local/doctor"
	"feedstream/local/platform/cron"
	"feedstream/local/target"
)

const platformPath = "/platform"

// machinery shows the platform: functions, event streams, timers, faults, and what doctor finds.
func (c *Console) machinery(mux *http.ServeMux) {
	mux.HandleFunc("GET "+platformPath, func(w http.ResponseWriter, _ *http.Request) {
		page.Write(w, platformPath, c.platformView())
	})
	for _, part := range []string{"functions", "streams", "faults"} {
		mux.HandleFunc("GET /platform/"+part, func(w http.ResponseWriter, _ *http.Request) {
			page.Fragment(w, platformPath, part, c.platformView())
		})
	}
	mux.HandleFunc("GET /platform/doctor", func(w http.ResponseWriter, r *http.Request) {
		page.Fragment(w, platformPath, "findings", c.findings(r))
	})
	action(mux, "/platform/retry", platformPath, func(*http.Request) outcome {
		return outcome{Text: fmt.Sprintf("Pushes that waited for a retry and are tried now: %d.", c.cfg.Platform.RetryNow())}
	})
	action(mux, "/platform/give-up", platformPath, func(*http.Request) outcome {
		pushes, err := c.cfg.Platform.GiveUp()
		if err != nil {
			return failed(err, "correct s.yaml and start the stack again")
		}
		return outcome{Text: fmt.Sprintf("Pushes that have failed and are given up: %d. Their records become dead letters, unless the attempt under way succeeds.", pushes)}
	})
	action(mux, "/platform/timer", platformPath, c.runTimer)
	action(mux, "/platform/faults/set", platformPath, func(r *http.Request) outcome {
		rules := lines(r.FormValue("rules"))
		if len(rules) == 0 {
			return outcome{Error: "There is no rule to set.", Remedy: "write one a line, such as hbase.multi delay 200ms 10%"}
		}
		seed := uint64(1)
		if text := r.FormValue("seed"); text != "" {
			if _, err := fmt.Sscan(text, &seed); err != nil {
				return outcome{Error: fmt.Sprintf("the seed %q is no number", text), Remedy: "write one, such as 1"}
			}
		}
		if _, err := c.cfg.Faults.SetFaults(seed, rules...); err != nil {
			return failed(err, "correct the rule: feedstream faults --help has the grammar")
		}
		return outcome{Text: fmt.Sprintf("Rules that hold from now on: %d.", len(rules))}
	})
	action(mux, "/platform/faults/clear", platformPath, func(*http.Request) outcome {
		before, _ := c.cfg.Faults.SetFaults(0) // no rule can be wrong
		out := outcome{Text: "No fault is on any more. What they have done:"}
		for _, f := range before {
			out.Lines = append(out.Lines, fmt.Sprintf("%6d times  %s", f.Times, f.Rule.String()))
		}
		return out
	})
}

func (c *Console) runTimer(r *http.Request) outcome {
	name := r.FormValue("function")
	answer, err := c.cfg.Platform.RunTimer(r.Context(), name)
	if err != nil {
		return failed(err, "its log on the page Invocations says why")
	}
	return outcome{Text: name + " has run.", Lines: []string{string(answer)}}
}

type platformView struct {
	Status live.Status
	Timers []timer
	Faults []Fault
	Now    time.Time
}

type timer struct {
	Function, Name, Cron string
	Enabled              bool
	Next                 time.Time
	Command              string // the verb that does the same; empty: none
}

func (c *Console) platformView() platformView {
	v := platformView{Status: c.Status(), Now: time.Now()}
	for i := range c.cfg.Manifest.Functions {
		f := &c.cfg.Manifest.Functions[i]
		for _, declared := range f.Timers {
			t := timer{Function: f.Name, Name: declared.Name, Cron: declared.Cron, Enabled: declared.Enabled}
			if schedule, err := cron.Parse(declared.Cron); err == nil { // the manifest was checked
				t.Next = schedule.Next(v.Now)
			}
			if f.Name == c.cfg.Target.Names.Refresh {
				t.Command = "feedstream refresh"
			}
			v.Timers = append(v.Timers, t)
		}
	}
	for _, f := range c.cfg.Faults.Faults() {
		v.Faults = append(v.Faults, Fault{Rule: f.Rule.String(), Injected: f.Times})
	}
	return v
}

// findings are those of `feedstream doctor --live`.
func (c *Console) findings(r *http.Request) []doctor.Finding {
	all := append(doctor.Files(c.cfg.Manifest.Path),
		doctor.Services(r.Context(), c.cfg.Target, target.Kafka, target.HBase, target.OSS, target.MongoDB)...)
	return append(all, doctor.Pushes(r.Context(), c.cfg.Target)...)
}
