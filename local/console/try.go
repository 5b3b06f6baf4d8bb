package console

import (
	"context"
	"net/http"
	"strings"

	"feedstream/local/audit"
	"feedstream/local/console/page"
	"feedstream/local/trace"
	"feedstream/shared/feed"
)

const tryPath = "/try"

// mostPasted is how many records are published at a time.
const mostPasted = 100

// try publishes records, as the verb publish does with --key and --value, and audits.
func (c *Console) try(mux *http.ServeMux) {
	balance := &job{name: "audit", path: tryPath}
	balance.serve(mux)
	mux.HandleFunc("GET "+tryPath, func(w http.ResponseWriter, _ *http.Request) { page.Write(w, tryPath, balance.view()) })
	mux.HandleFunc("POST /try/publish", func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 4*mostForm)
		page.Fragment(w, tryPath, "published", c.publish(r))
	})
	mux.HandleFunc("POST /try/audit", func(w http.ResponseWriter, _ *http.Request) {
		balance.start(c, w, c.balance)
	})
}

type publishedView struct {
	Origins []feed.Origin
	outcome
}

func (c *Console) publish(r *http.Request) (v publishedView) {
	inputs := []trace.Input{{Key: r.FormValue("key"), Value: r.FormValue("value")}}
	if r.FormValue("pasted") != "" {
		inputs = nil
		for _, line := range lines(r.FormValue("pasted")) {
			key, value, _ := strings.Cut(line, " ")
			inputs = append(inputs, trace.Input{Key: key, Value: strings.TrimSpace(value)})
		}
	}
	if len(inputs) > mostPasted {
		v.Error, v.Remedy = "These are too many records.", "publish at most 100 at a time, or use feedstream publish --records"
		return v
	}
	var err error
	if v.Origins, err = trace.Publish(r.Context(), c.cfg.Target, inputs...); err != nil {
		v.Error, v.Remedy = inShort(err), "look at Kafka with the doctor on the page Platform"
	}
	return v
}

// balance is the audit of the feed.
func (c *Console) balance(ctx context.Context, progress func(step string, done, of int64)) outcome {
	report, err := audit.FeedWith(ctx, c.cfg.Target, audit.Config{Progress: progress})
	if err != nil {
		return failed(err, "once the services answer again, start the audit once more")
	}
	var text strings.Builder
	report.Render(&text)
	out := outcome{Lines: strings.Split(strings.TrimRight(text.String(), "\n"), "\n")}
	if report.Balanced {
		out.Text = "The audit balances: every input record has its verdict."
	} else {
		out.Error, out.Remedy = "The audit does not balance.", "each fault below says what to do; records that are on their way count as missing"
	}
	return out
}
