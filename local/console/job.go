package console

import (
	"context"
	"net/http"
	"sync"

	"feedstream/local/console/page"
)

// job is work that takes longer than a page waits: one run at a time, whose progress and outcome pages ask for.
type job struct {
	name, path string // of its route, and of the page that shows it

	mu      sync.Mutex
	running bool
	step    string
	done    int64
	of      int64 // 0 or less: nobody knows
	out     *outcome
	cancel  context.CancelFunc
}

// jobView is what the fragment "job" gets.
type jobView struct {
	Name, Step string
	Running    bool
	Done, Of   int64
	Out        *outcome
	Refused    bool // who asks has started one while another ran
}

// start begins the work and answers with the job's state. Where another runs already, it says so beside that one's.
func (j *job) start(c *Console, w http.ResponseWriter, work func(ctx context.Context, progress func(step string, done, of int64)) outcome) {
	j.show(w, !j.begin(c, work))
}

// begin starts the work unless it runs already, or the console closes. The context ends with the console, or when somebody stops the job.
func (j *job) begin(c *Console, work func(ctx context.Context, progress func(step string, done, of int64)) outcome) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.running {
		return false
	}
	ctx, cancel := context.WithCancel(c.ctx)
	begun := c.begin(func() {
		defer cancel()
		out := work(ctx, j.progress)
		j.mu.Lock()
		defer j.mu.Unlock()
		j.running, j.out = false, &out
	})
	if !begun {
		cancel()
		return false
	}
	j.running, j.step, j.done, j.of, j.out, j.cancel = true, "", 0, 0, nil, cancel
	return true
}

func (j *job) progress(step string, done, of int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.step, j.done, j.of = step, done, of
}

func (j *job) stop() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.running {
		j.cancel()
	}
}

func (j *job) view() jobView {
	j.mu.Lock()
	defer j.mu.Unlock()
	return jobView{Name: j.name, Step: j.step, Running: j.running, Done: j.done, Of: j.of, Out: j.out}
}

// serve answers with the job's state; while it runs, the fragment asks again by itself.
func (j *job) serve(mux *http.ServeMux) {
	mux.HandleFunc("GET /jobs/"+j.name, func(w http.ResponseWriter, r *http.Request) { j.show(w, r.FormValue("refused") != "") })
	mux.HandleFunc("POST /jobs/"+j.name+"/stop", func(w http.ResponseWriter, _ *http.Request) {
		j.stop()
		j.show(w, false)
	})
}

func (j *job) show(w http.ResponseWriter, refused bool) {
	view := j.view()
	view.Refused = refused
	if !view.Running {
		w.Header().Set("HX-Trigger", changed)
	}
	page.Fragment(w, j.path, "job", view)
}
