//go:build console

package browser

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"feedstream/local/console/page"
	"feedstream/local/data"
	"feedstream/local/stack"
	"feedstream/local/stack/stacktest"
	"feedstream/shared/mongo"
)

// update puts two of the screenshots into the README's pictures.
var update = flag.Bool("update", false, "write local/console/pictures")

func TestMain(m *testing.M) {
	flag.Parse()
	stacktest.Main(m)
}

// Limits of a page.
const (
	mostWeight = 200_000 // bytes
	narrow     = 400     // pixels
)

// TestConsole drives every page of one running stack, in the order in which somebody may.
func TestConsole(t *testing.T) {
	s, err := stack.Start(t.Context(), stack.Config{Manifest: stacktest.Manifest, Data: t.TempDir()})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	b := newTab(t, s.Endpoints().Console)
	for _, step := range []struct {
		name string
		run  func(*testing.T, *tab, *stack.Stack)
	}{
		{"empty", empty}, {"live", live}, {"looks", looks}, {"motion", motion}, {"publish", publish}, {"keyboard", keyboard},
		{"table", table}, {"invocation", invocation}, {"redrive", redrive}, {"reference", reference}, {"faults", faults},
		{"doctor", doctor}, {"audit", audit},
	} {
		t.Run(step.name, func(t *testing.T) {
			b.t = t
			step.run(t, b, s)
			b.quiet(step.name)
		})
	}
}

// Before there is anything, each page says how to fill it.
func empty(t *testing.T, b *tab, _ *stack.Stack) {
	for path, want := range map[string]string{
		"/aside": "The quarantine is empty", "/aside?from=deadletter": "There is no dead letter", "/record": "Look a record up",
		"/table": "Query a stock code", "/table?code=2318.HK": "no row of 2318.HK", "/try": "Publish a record", "/platform": "No fault is on",
	} {
		b.open(path)
		b.has("main", want)
		b.accessible(path)
	}
}

// Counts move without anybody's doing, and the page weighs little.
func live(t *testing.T, b *tab, s *stack.Stack) {
	ctx, stop := context.WithCancel(t.Context())
	published := make(chan error, 1)
	go func() {
		published <- s.Publish(ctx, stack.Feed{Rate: 200, BadRatio: 0.02, UnknownRatio: 0.05, Seed: 1})
	}()
	b.open("/")
	b.until("p99 is known", `document.querySelector("[data-live=p99]").textContent.trim() !== "–"`) // a steady feed's may stay as it is
	for _, member := range []string{"enriched", "unmatched", "quarantined", "committedRate"} {
		first := b.text(fmt.Sprintf("[data-live=%s]", member))
		b.until(member+" moves", fmt.Sprintf("document.querySelector('[data-live=%s]').textContent !== %q", member, first))
	}
	b.until("the arrows flow", `document.querySelectorAll(".arrows .flows").length >= 4`)
	b.until("the plots are drawn", `document.querySelectorAll(".plot canvas").length === document.querySelectorAll(".plot").length`)
	// Pictures of a pipeline that has run for a while.
	b.until("there is some history", `fetch("/live/history").then(r => r.json()).then(h => h.at.length > 30)`)
	stop()
	if err := <-published; err != nil && ctx.Err() == nil {
		t.Error(err)
	}
	must(t, s.Settle(t.Context()))
}

// looks visits each page in light and dark, wide and narrow: axe finds nothing, nothing is wider than the screen.
func looks(t *testing.T, b *tab, s *stack.Stack) {
	b.see(1280, "light", "no-preference")
	for _, p := range page.Pages {
		bytes, paint := b.weight(p.Path)
		t.Logf("%-12s %6.1f kB, first paint after %4.0f ms", p.Title, bytes/1000, paint)
		if bytes > mostWeight {
			t.Errorf("%s weighs %.0f bytes, at most %d", p.Title, bytes, mostWeight)
		}
	}
	paths := map[string]string{"record": "/record?code=2318.HK", "table": "/table?code=2318.HK"}
	for _, width := range []int64{1280, narrow} {
		for _, scheme := range []string{"light", "dark"} {
			b.see(width, scheme, "reduce")
			for _, p := range page.Pages {
				name := strings.ToLower(strings.ReplaceAll(p.Title, " ", "-"))
				path := p.Path
				if paths[name] != "" {
					path = paths[name]
				}
				b.open(path)
				if p.Path == "/" {
					b.until("the plots are drawn", `document.querySelectorAll(".plot canvas").length === document.querySelectorAll(".plot").length`)
				}
				what := fmt.Sprintf("%s-%s-%d", name, scheme, width)
				b.accessible(what)
				if wide := eval[float64](b, "document.documentElement.scrollWidth"); wide > float64(width) {
					t.Errorf("%s is %.0f pixels wide", what, wide)
				}
				png := b.picture(what)
				if *update && scheme == "light" && width != narrow && (name == "overview" || name == "record") {
					must(t, os.WriteFile(filepath.Join("..", "pictures", name+".png"), png, 0o644))
				}
			}
		}
	}
	b.see(1280, "light", "no-preference")
}

// Who wants less motion gets none.
func motion(t *testing.T, b *tab, s *stack.Stack) {
	ctx, stop := context.WithCancel(t.Context())
	published := make(chan error, 1)
	go func() { published <- s.Publish(ctx, stack.Feed{Rate: 50, Seed: 2}) }()
	b.open("/")
	b.until("the arrows move", `document.getAnimations().length > 0`)
	b.see(1280, "light", "reduce")
	b.until("nothing moves", `document.querySelectorAll(".arrows .flows").length > 0 && document.getAnimations().length === 0`)
	b.see(1280, "light", "no-preference")
	stop()
	<-published
	must(t, s.Settle(t.Context()))
}

// A record that is published is found, and its way lights up.
func publish(t *testing.T, b *tab, _ *stack.Stack) {
	b.open("/try")
	value := fmt.Sprintf("2318.HK,%d", time.Now().UnixMilli())
	b.fill("#one-record [name=key]", "192.168.7.7")
	b.fill("#one-record [name=value]", value)
	b.click("#one-record button")
	if command := b.confirm(); !strings.Contains(command, "--key 192.168.7.7") || !strings.Contains(command, value) {
		t.Errorf("the command line is %s", command)
	}
	b.until("it is enriched", `document.querySelector("#published [data-verdict=enriched]")`)
	b.accessible("the way of a record")
	b.open("/record?row=192.168.7.7%7C2318.HK")
	b.has("#way", "Ping An Insurance")
	b.has("#way", "SELECT * FROM USER_TEST.STOCK WHERE ROWKEY = '192.168.7.7|2318.HK'")
}

// Everything is done with the keyboard alone.
func keyboard(t *testing.T, b *tab, _ *stack.Stack) {
	b.open("/")
	tabTo := func(what, script string) {
		t.Helper()
		const most = 60
		for range most {
			b.do(chromedp.KeyEvent(kb.Tab))
			if eval[bool](b, "!!("+script+")") {
				return
			}
		}
		t.Fatalf("%s is not reached by the key Tab", what)
	}
	tabTo("the link that skips", `document.activeElement.matches(".skip")`)
	tabTo("Try it", `document.activeElement.matches('nav [href="/try"]')`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until("the page is there", `location.pathname === "/try" && document.getElementById("link")?.dataset.state === "live"`)
	tabTo("the key", `document.activeElement.matches("#one-record [name=key]")`)
	b.do(chromedp.KeyEvent("192.168.8.8"))
	tabTo("Publish", `document.activeElement.matches("#one-record button")`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until("it asks", `document.getElementById("confirm").open && document.activeElement.value === "no"`)
	b.accessible("the question")
	b.do(chromedp.KeyEvent(kb.Escape))
	b.until("Escape takes the question away", `!document.getElementById("confirm").open`)
	if text := b.text("#published"); !strings.Contains(text, "its way lights up") {
		t.Errorf("something was published without a yes: %s", text)
	}
	b.do(chromedp.Focus(chromedp.CSS("#one-record button")), chromedp.KeyEvent(kb.Enter))
	b.until("it asks again", `document.getElementById("confirm").open`)
	tabTo("Publish", `document.activeElement.id === "confirm-yes"`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until("it is enriched", `document.querySelector("#published [data-verdict=enriched]")`)
}

func table(t *testing.T, b *tab, _ *stack.Stack) {
	b.open("/table")
	b.fill("#query [name=code]", "2318.HK")
	b.click("#query button")
	b.has("#rows caption", "rows of 2318.HK")
	if eval[bool](b, `!!document.querySelector('[hx-get*="cursor="]')`) {
		first := b.text("#rows tbody td")
		b.click(`[hx-get*="cursor="]`)
		b.until("the next page is there", fmt.Sprintf("document.querySelector('#rows tbody td').textContent !== %q", first))
	} else {
		t.Error("there is no second page")
	}
	b.do(chromedp.SetValue(chromedp.CSS("#query [name=sort]"), "sender"))
	csv := eval[string](b, `fetch(document.querySelector("a[download]").href).then(r => r.text())`)
	if rows := strings.Count(csv, "\n"); rows < 21 || !strings.HasPrefix(csv, "row key,sender,stock code") {
		t.Errorf("the CSV file has %d lines: %.200s", rows, csv)
	}
}

func invocation(t *testing.T, b *tab, _ *stack.Stack) {
	b.open("/invocations?function=feed-enrich")
	b.click("#list tbody button")
	b.has("#one", "data rows")
	b.has("#one", `"enriched"`)
	b.accessible("an invocation")
	b.picture("invocation")
}

// A redrive with a cure empties the quarantine.
func redrive(t *testing.T, b *tab, s *stack.Stack) {
	b.open("/aside")
	b.has("#list caption", "of them open")
	b.fill("#redrive [name=set]", "key=192.168.9.9")
	b.click(`#redrive button:not(.primary)`)
	b.has("#job-redrive", "Nothing was sent")
	b.accessible("a dry run")
	// One record is mended by hand.
	b.click("#list details summary")
	b.fill("#list details[open] [name=key]", "192.168.9.8")
	b.fill("#list details[open] [name=value]", "700.HK,1605760851123")
	b.click("#list details[open] button")
	b.confirm()
	b.has("#job-redrive", "were redriven: 1.")
	// All others get what passes.
	b.open("/aside")
	b.do(chromedp.SetValue(chromedp.CSS("#redrive [name=set]"), "key=192.168.9.9"))
	b.redrive()
	must(t, s.Settle(t.Context()))
	b.open("/aside")
	for range 10 { // what was not the key's fault is set aside again, and mended by a whole value
		if strings.Contains(b.text("#list caption"), " 0 of them open") {
			break
		}
		form := fmt.Sprintf("value=2318.HK,%d", time.Now().UnixMilli())
		b.fill("#redrive [name=set]", form)
		b.redrive()
		must(t, s.Settle(t.Context()))
		b.open("/aside")
	}
	b.has("#list caption", " 0 of them open")
	b.picture("redriven")
}

// redrive presses the button and waits for what this run says: the page still shows the one before.
func (b *tab) redrive() {
	b.t.Helper()
	eval[any](b, `document.querySelector("#job-redrive").dataset.before = "yes"`)
	b.click(`#redrive button.primary`)
	b.confirm()
	b.until("another run is shown", `!("before" in document.querySelector("#job-redrive").dataset)`)
	b.has("#job-redrive", "were redriven: ")
}

// A refresh announces another version, the difference is shown, and a rollback leads back.
func reference(t *testing.T, b *tab, s *stack.Stack) {
	b.open("/reference")
	before := strings.TrimSpace(b.text("#announced"))
	documents, err := data.Parse(data.HangSeng)
	must(t, err)
	target := s.Target()
	source, err := target.Source()
	must(t, err)
	defer source.Close()
	must(t, source.Load(t.Context(), documents[:len(documents)-1], mongo.LoadOptions{}))
	b.click(`[data-command^="feedstream refresh"] button`)
	b.confirm()
	b.has("#outcome", "29 entries")
	b.until("another version is announced", fmt.Sprintf("document.querySelector('#announced').textContent.trim() !== %q", before))
	b.click("#diff-form button")
	b.has("#diff", "removed")
	b.accessible("the reference")
	b.picture("reference-diff")
	b.click(`[data-command="feedstream reference rollback"] button`)
	b.confirm()
	b.has("#outcome", "pinned")
	b.has("#announced", before)
	b.click(`[data-command="feedstream reference unpin"] button`)
	b.confirm()
	b.has("#outcome", "29 entries")
}

// A fault shows in words and colour, and clears.
func faults(t *testing.T, b *tab, s *stack.Stack) {
	b.open("/platform")
	b.fill("[name=rules]", "push.throttle")
	b.click(`[data-command^="feedstream faults set"] button.primary`)
	b.confirm()
	b.has("#faults-part", "push.throttle")
	ctx, stop := context.WithCancel(t.Context())
	published := make(chan error, 1)
	go func() { published <- s.Publish(ctx, stack.Feed{Rate: 50, Seed: 3}) }()
	b.has("#streams-part", "throttled by an injected fault")
	b.accessible("a platform at fault")
	b.picture("faults")
	b.open("/")
	b.has("#problems", "Pushes that fail")
	b.until("the stream is red", `document.querySelector("[data-part=stream]").dataset.state === "wrong"`)
	b.accessible("an overview of what is wrong")
	b.picture("overview-wrong")
	stop()
	<-published
	b.open("/platform")
	b.click(`[data-command="feedstream faults clear"]`)
	b.confirm()
	b.has("#outcome", "No fault is on any more")
	b.click(`[data-command="feedstream retry"]`)
	b.confirm()
	b.has("#outcome", "tried now")
	b.has("#faults-part", "No fault is on")
	must(t, s.Settle(t.Context()))
	b.open("/")
	b.until("nothing is wrong", `document.querySelectorAll("#problems .wrong").length === 0`)
}

func doctor(t *testing.T, b *tab, _ *stack.Stack) {
	b.open("/platform")
	b.click(`[hx-get="/platform/doctor"]`)
	b.has("#findings", "topic feed-updates")
	b.accessible("findings")
	b.click(`[data-command="feedstream refresh"] button`)
	b.confirm()
	b.has("#outcome", "feed-refresh has run")
}

func audit(t *testing.T, b *tab, _ *stack.Stack) {
	b.open("/try")
	b.click(`[hx-post="/try/audit"]`)
	b.has("#job-audit", "The audit balances")
	b.accessible("an audit")
	b.picture("audit")
}
