package console

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"feedstream/local/audit"
	"feedstream/local/console/page"
	"feedstream/local/repair"
	"feedstream/shared/feed"
)

const asidePath = "/aside"

// aside shows what was set aside, and redrives it as the verbs quarantine and deadletter do.
func (c *Console) aside(mux *http.ServeMux) {
	redrive := &job{name: "redrive", path: asidePath}
	redrive.serve(mux)
	mux.HandleFunc("GET "+asidePath, func(w http.ResponseWriter, r *http.Request) {
		page.Write(w, asidePath, c.chosenAside(r, redrive))
	})
	mux.HandleFunc("GET /aside/list", func(w http.ResponseWriter, r *http.Request) {
		page.Fragment(w, asidePath, "list", c.chosenAside(r, redrive))
	})
	mux.HandleFunc("POST /aside/redrive", func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, mostForm)
		order, err := redriveOf(r)
		if err != nil {
			page.Fragment(w, asidePath, "job", jobView{Name: redrive.name, Out: &outcome{Error: err.Error(), Remedy: "correct the form"}})
			return
		}
		_, source, _ := sourceOf(r)
		redrive.start(c, w, func(ctx context.Context, progress func(string, int64, int64)) outcome {
			order.Progress = func(done, of int) { progress("redriving", int64(done), int64(of)) }
			return c.redrive(ctx, source, &order)
		})
	})
}

// sourceOf is where the request wants records from: the verb, the place, and its title.
func sourceOf(r *http.Request) (verb string, from repair.Source, title string) {
	if r.FormValue("from") == "deadletter" {
		return "deadletter", repair.DeadLetter, "Dead letters"
	}
	return "quarantine", repair.Quarantine, "Quarantine"
}

func filterOf(r *http.Request) (f repair.Filter, err error) {
	f = repair.Filter{Reason: feed.Reason(r.FormValue("reason")), Code: r.FormValue("code"), Sender: r.FormValue("sender")}
	if at := r.FormValue("at"); at != "" { // one record, as partition:offset
		partition, offset, _ := strings.Cut(at, ":")
		n, err := strconv.ParseInt(offset, 10, 64)
		if err != nil {
			return f, fmt.Errorf("%q is not partition:offset", at)
		}
		if f.From, err = audit.ParseBound(at); err != nil {
			return f, err
		}
		f.To, err = audit.ParseBound(partition + ":" + strconv.FormatInt(n+1, 10))
		return f, err
	}
	return f, nil
}

// redriveOf reads the form: its fields are the flags of the verb.
func redriveOf(r *http.Request) (out repair.Redrive, err error) {
	if err := r.ParseForm(); err != nil {
		return out, err
	}
	if out.Filter, err = filterOf(r); err != nil {
		return out, err
	}
	out.DryRun, out.Trim, out.EvenTwice = r.FormValue("dry-run") != "", r.FormValue("trim") != "", r.FormValue("even-twice") != ""
	for _, number := range []struct {
		field string
		into  *int
	}{{"max", &out.Max}, {"max-redrives", &out.MaxRedrives}} {
		if text := r.FormValue(number.field); text != "" {
			if *number.into, err = strconv.Atoi(text); err != nil {
				return out, fmt.Errorf("%s %q is no number", number.field, text)
			}
		}
	}
	if text := r.FormValue("replace"); text != "" {
		if err := out.AddReplacement(text); err != nil {
			return out, err
		}
	}
	for _, member := range []string{"key", "value"} { // of one record that was edited
		if r.Form.Has(member) {
			out.Set = append(out.Set, repair.Assignment{Member: member, Value: strings.ReplaceAll(r.FormValue(member), "\r\n", "\n")})
		}
	}
	for _, text := range lines(r.FormValue("set")) {
		if err := out.AddAssignment(text); err != nil {
			return out, err
		}
	}
	return out, out.Validate()
}

func (c *Console) redrive(ctx context.Context, from repair.Source, order *repair.Redrive) outcome {
	repaired, err := repair.OfRunning(&c.cfg.Endpoints)
	if err != nil {
		return failed(err, "see whether the stack runs: feedstream doctor --live")
	}
	summary, err := repaired.Redrive(ctx, from, *order)
	var text strings.Builder
	summary.Render(&text)
	out := outcome{Lines: strings.Split(strings.TrimRight(text.String(), "\n"), "\n")}
	switch {
	case err != nil:
		out.Error, out.Remedy = err.Error(), "start it again: what was sent is not sent twice"
	case summary.DryRun:
		out.Text = fmt.Sprintf("Records that would be redriven: %d. Nothing was sent.", summary.Total.Redriven)
	default:
		out.Text = fmt.Sprintf("Records that were redriven: %d.", summary.Total.Redriven)
	}
	return out
}

type asideView struct {
	Verb, Title  string
	Reason       string
	Code, Sender string
	Records      []repair.Aside // the newest first
	Count, Open  int
	Reasons      []feed.Reason
	Bars         []bar
	Job          jobView
	outcome
}

// mostAside is how many records are on a page; the verb lists all.
const mostAside = 50

func (c *Console) chosenAside(r *http.Request, redrive *job) (v asideView) {
	verb, from, title := sourceOf(r)
	v = asideView{Verb: verb, Title: title, Reason: r.FormValue("reason"), Code: r.FormValue("code"), Sender: r.FormValue("sender"), Job: redrive.view()}
	all, err := c.listAside(r, from)
	if err != nil {
		v.Error, v.Remedy = inShort(err), "look at the services: feedstream doctor --live"
		return v
	}
	reasons := map[feed.Reason]bool{}
	for i := range all {
		if all[i].State == repair.Open {
			v.Open++
		}
		reasons[all[i].Reason] = true
	}
	for reason := range reasons {
		v.Reasons = append(v.Reasons, reason)
	}
	slices.Sort(v.Reasons)
	v.Bars = bars(all, v.Reasons)
	slices.SortFunc(all, func(a, b repair.Aside) int { return b.Time.Compare(a.Time) })
	v.Count, v.Records = len(all), all[:min(len(all), mostAside)]
	return v
}

func (c *Console) listAside(r *http.Request, from repair.Source) ([]repair.Aside, error) {
	filter, err := filterOf(r)
	if err != nil {
		return nil, err
	}
	repaired, err := repair.OfRunning(&c.cfg.Endpoints)
	if err != nil {
		return nil, err
	}
	return repaired.List(r.Context(), from, filter)
}

// bar is one reason in one stretch of time, in the units of the picture.
type bar struct {
	Colour              int
	X, Y, Width, Height float64
	Title               string
}

// Of the picture of reasons over time.
const (
	stretches    = 48
	pictureWide  = 820.0
	pictureHigh  = 120.0
	between      = 2.0
	leastVisible = 1.5
)

// stretchOf is the stretch of a time so long after the first. A spread of centuries, as records without a time make it,
// is more than a duration holds, and a float does not tell a month from a month and a nanosecond.
func stretchOf(after, spread time.Duration) int {
	return min(max(int(stretches*float64(after)/(float64(spread)+1)), 0), stretches-1)
}

// bars stacks the reasons in each of the stretches between the first and the last record set aside.
func bars(all []repair.Aside, reasons []feed.Reason) (out []bar) {
	if len(all) == 0 {
		return nil
	}
	first, last := all[0].Time, all[0].Time
	for i := range all {
		if all[i].Time.Before(first) {
			first = all[i].Time
		}
		if all[i].Time.After(last) {
			last = all[i].Time
		}
	}
	counts, sums, most := make([]map[feed.Reason]int, stretches), make([]int, stretches), 1
	for i := range all {
		at := stretchOf(all[i].Time.Sub(first), last.Sub(first))
		if counts[at] == nil {
			counts[at] = map[feed.Reason]int{}
		}
		counts[at][all[i].Reason]++
		sums[at]++
		most = max(most, sums[at])
	}
	width := pictureWide / stretches
	for at, of := range counts {
		y := pictureHigh
		for n, reason := range reasons {
			if of[reason] == 0 {
				continue
			}
			height := max(float64(of[reason])/float64(most)*pictureHigh, leastVisible)
			y -= height
			out = append(out, bar{Colour: n, X: float64(at) * width, Y: y, Width: width - between, Height: height,
				Title: fmt.Sprintf("%s: %d", reason, of[reason])})
		}
	}
	return out
}
