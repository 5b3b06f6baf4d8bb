//go:build console

package browser

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take to come to what a test waits for.
const patience = time.Minute

// tab is one of the browser, on the console at base.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu       sync.Mutex
	problems []string // what the browser complained of since they were asked for
}

func newTab(t *testing.T, base string) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox) // the machine of a CI may run as root
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, base: base}
	must(t, chromedp.Do(ctx, chromedp.Navigate("about:blank"))) // the browser lives as long as the context of its first step
	must(t, chromedp.Listen(ctx, b.hear))
	b.do(call(log.Enable, cdp.Empty{}), call(runtime.Enable, cdp.Empty{}))
	return b
}

// call is a command of the protocol as a step.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, command, params)
		return err
	})
}

// hear keeps what the browser complains of: exceptions, and what the security policy has blocked.
func (b *tab) hear(event any) {
	var problem string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		problem = e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			problem += " " + e.ExceptionDetails.Exception.Description
		}
	case *log.EventEntryAdded:
		problem = fmt.Sprintf("%s: %s (%s)", e.Entry.Level, e.Entry.Text, e.Entry.URL)
	default:
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, problem)
}

// quiet fails the test when the browser has complained.
func (b *tab) quiet(what string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, problem := range b.problems {
		b.t.Errorf("%s: the browser says %s", what, problem)
	}
	b.problems = nil
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("drive the browser: %v", err)
	}
}

// eval runs a script and returns its value.
func eval[T any](b *tab, script string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("run %.100s: %v", script, err)
	}
	return value
}

// until waits for a script to be true, or for what it promises. A page that is on its way to another counts as not yet.
func (b *tab) until(what, script string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		yes, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("(async () => !!await ("+script+"))()", chromedp.EvalAwaitPromise))
		if err == nil && yes {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			b.t.Fatalf("wait until %s: %v\n%.3000s", what, err, eval[string](b, "document.querySelector('main').innerText"))
		}
	}
}

// see has the page shown as somebody with these wishes sees it.
func (b *tab) see(width int64, scheme, motion string) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, 900), call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: motion},
		},
	}))
}

// open goes to a page, and waits until it follows the stack.
func (b *tab) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.base + path))
	b.until(path+" is live", `document.getElementById("link").dataset.state === "live"`)
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// fill gives a field its value as a person does.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS(selector)))
	eval[any](b, fmt.Sprintf("document.querySelector(%q).select()", selector))
	b.do(chromedp.KeyEvent(text))
}

// confirm answers the question that an action asks, and returns the command line that it shows.
func (b *tab) confirm() string {
	b.t.Helper()
	b.until("it asks", `document.getElementById("confirm").open`)
	command := b.text("#confirm-command")
	if !strings.HasPrefix(command, "feedstream ") {
		b.t.Errorf("the action shows the command line %q", command)
	}
	b.click("#confirm-yes")
	return command
}

func (b *tab) text(selector string) string {
	b.t.Helper()
	return eval[string](b, fmt.Sprintf("document.querySelector(%q).textContent", selector))
}

// has waits until an element holds a text.
func (b *tab) has(selector, text string) {
	b.t.Helper()
	quoted, _ := json.Marshal(text)
	b.until(selector+" holds "+text, fmt.Sprintf("document.querySelector(%q)?.textContent.includes(%s)", selector, quoted))
}

//go:embed testdata/axe/axe.min.js
var axe string

// accessible fails the test when axe finds anything.
func (b *tab) accessible(what string) {
	b.t.Helper()
	if !eval[bool](b, "typeof axe === 'object'") {
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		defer cancel()
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[any](axe+";null")); err != nil {
			b.t.Fatal(err)
		}
	}
	found := eval[string](b, `axe.run(document).then(r => r.violations.map(v => v.id + " (" + v.help + "): " +
		v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + " " + n.failureSummary).join(" | ")).join("\n"))`)
	if found != "" {
		b.t.Errorf("%s: axe finds\n%s", what, found)
	}
}

// pictures is where screenshots go: build output.
const pictures = "../../../bin/console"

func (b *tab) picture(name string) []byte {
	b.t.Helper()
	eval[any](b, "scrollTo(0, 0)") // the header stays at the top of what is seen
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	must(b.t, err)
	must(b.t, os.MkdirAll(pictures, 0o755))
	must(b.t, os.WriteFile(filepath.Join(pictures, name+".png"), png, 0o644))
	return png
}

// weight are the bytes of a page and its assets, without a cache, and when it first paints, in milliseconds.
func (b *tab) weight(path string) (bytes, paint float64) {
	b.t.Helper()
	b.do(call(network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true}))
	b.open(path)
	b.until("it has painted", `performance.getEntriesByName("first-contentful-paint").length > 0`)
	bytes = eval[float64](b, `[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
		.filter(e => e.entryType === "navigation" || new URL(e.name).pathname.startsWith("/assets/")).reduce((sum, e) => sum + e.transferSize, 0)`)
	paint = eval[float64](b, `performance.getEntriesByName("first-contentful-paint")[0].startTime`)
	b.do(call(network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: false}))
	return bytes, paint
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
