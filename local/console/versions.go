package console

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"feedstream/local/console/page"
	"feedstream/local/invoke"
	"feedstream/shared/reference"
)

const referencePath = "/reference"

// versions shows the snapshots of the reference, and moves the manifest as the verbs do: through feed-refresh.
func (c *Console) versions(mux *http.ServeMux) {
	mux.HandleFunc("GET "+referencePath, func(w http.ResponseWriter, r *http.Request) {
		page.Write(w, referencePath, c.referenceView(r.Context()))
	})
	mux.HandleFunc("GET /reference/list", func(w http.ResponseWriter, r *http.Request) {
		page.Fragment(w, referencePath, "list", c.referenceView(r.Context()))
	})
	mux.HandleFunc("GET /reference/diff", func(w http.ResponseWriter, r *http.Request) {
		page.Fragment(w, referencePath, "diff", c.difference(r))
	})
	action(mux, "/reference/command", referencePath, func(r *http.Request) outcome {
		return c.command(reference.Command{
			Action: r.FormValue("action"), Version: r.FormValue("version"),
			AcceptShrink: r.FormValue("accept-shrink") != "", AcceptPrices: r.FormValue("accept-prices") != "",
		})
	})
}

func (c *Console) command(command reference.Command) outcome {
	done, err := invoke.Of(&c.cfg.Endpoints).Reference(c.cfg.Target.Names.Refresh, command)
	if err != nil {
		return failed(err, "what is announced stays as it is; the report below says what was refused, a limit is passed once with the boxes")
	}
	text := fmt.Sprintf("Version %s, revision %d, %d entries of %d documents, %d rejected.",
		done.Version, done.Revision, done.Entries, done.Report.Read, done.Report.Rejected)
	switch {
	case command.Action == reference.ActionPin || command.Action == reference.ActionRollback:
		text = fmt.Sprintf("Version %s is announced as revision %d and pinned: refreshes leave it alone until it is unpinned.",
			done.Version, done.Revision)
	case done.Pinned:
		text += " It is pinned and was left alone."
	case !done.Changed:
		text += " The source holds what was announced before."
	}
	out := outcome{Text: text, Lines: done.Mended}
	if done.Refusal != "" {
		out.Remedy = "unpinned, it would fail: " + done.Refusal
	}
	return out
}

type referenceView struct {
	Versions []reference.Version
	Manifest *reference.Manifest // nil before the first announcement
	Age      time.Duration
	Reports  []report
	outcome
}

// report is what a run of feed-refresh answered.
type report struct {
	At      time.Time
	Took    time.Duration
	Error   string
	Outcome reference.Outcome
}

func (c *Console) referenceView(ctx context.Context) (v referenceView) {
	v.Reports = c.reports()
	announcer, err := c.cfg.Target.Announcer()
	if err == nil {
		v.Versions, err = announcer.History(ctx)
	}
	if err != nil {
		v.Error, v.Remedy = inShort(err), "Refresh now mends what is announced, or pin a version that is whole"
		return v
	}
	m, found, err := announcer.Current(ctx)
	if err == nil && found {
		v.Manifest, v.Age = &m, m.Age(time.Now())
	}
	return v
}

// reports are those of the last runs of feed-refresh that the platform keeps, the newest first.
func (c *Console) reports() (all []report) {
	const most = 10
	runs := c.cfg.Platform.Invocations()[c.cfg.Target.Names.Refresh]
	for i := range runs[:min(len(runs), most)] {
		r := report{At: runs[i].Began, Took: runs[i].Duration, Error: runs[i].Error}
		_ = json.Unmarshal(runs[i].Answer, &r.Outcome) // a failed run has no outcome
		all = append(all, r)
	}
	return all
}

type differenceView struct {
	Before, After string
	Differences   []reference.Difference
	outcome
}

func (c *Console) difference(r *http.Request) (v differenceView) {
	v.Before, v.After = r.FormValue("before"), r.FormValue("after")
	announcer, err := c.cfg.Target.Announcer()
	if err == nil {
		v.Differences, err = announcer.Diff(r.Context(), v.Before, v.After)
	}
	if err != nil {
		v.Error, v.Remedy = inShort(err), "choose two of the versions below"
	}
	return v
}
