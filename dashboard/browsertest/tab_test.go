//go:build extra

package browsertest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// patience is how long a test waits for something to show, and most for all of a test.
// They bound only what fails: nothing is expected to happen within a given time.
const (
	patience = 2 * time.Minute
	most     = 15 * time.Minute
)

// tab is one tab of the browser, with what went on in it.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	console  []string
	requests []string
}

// browse opens a tab, or skips the test if no browser was asked for.
func browse(t *testing.T) *tab {
	t.Helper()
	if os.Getenv("STEAD_TEST_BROWSER") == "" {
		t.Skip("no browser: set STEAD_TEST_BROWSER=1, or to the path of a Chromium, to run this test")
	}
	browser, err := theBrowser()
	if err != nil {
		t.Fatalf("the browser does not start: %v", err)
	}
	bounded, end := context.WithTimeoutCause(browser, most, fmt.Errorf("the test has taken %v, and its tab was closed", most))
	ctx, leave := chromedp.NewContext(bounded, chromedp.WithNewBrowserContext())
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits until the tab is gone
		leave()
		end()
	})
	b := &tab{t: t, ctx: ctx}
	// The tab lives as long as the context of this first call.
	if err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
		return err
	})); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, func(ev any) {
		if r, ok := ev.(*network.EventRequestWillBeSent); ok {
			b.mu.Lock()
			b.requests = append(b.requests, r.Request.URL)
			b.mu.Unlock()
		}
	}); err != nil {
		t.Fatal(err)
	}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.console = append(b.console, m.String())
			b.mu.Unlock()
		}
	}()
	return b
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v (%v); the page is: %s", err, context.Cause(ctx), b.text())
	}
}

func (b *tab) open(url string) { b.t.Helper(); b.do(chromedp.Navigate(url)) }

func (b *tab) click(selector string) {
	b.t.Helper()
	b.clickOn("document.querySelector(`" + selector + "`)")
}

// spot is where an element is, and its kind, such as A.
type spot struct {
	X, Y float64
	Kind string
}

// clickOn clicks the element that an expression names with the mouse, and returns its kind.
// A page that brings itself up to date may move it while the mouse is on its way: the click
// is done only if the button went down on that element. It is looked for again otherwise.
func (b *tab) clickOn(element string) (kind string) {
	b.t.Helper()
	const missed = "window.missed ??= e => { e.preventDefault(); e.stopImmediatePropagation(); };"
	for end := time.Now().Add(patience); time.Now().Before(end) && b.ctx.Err() == nil; time.Sleep(30 * time.Millisecond) {
		at, err := b.find(element)
		if err != nil || at.Kind == "" {
			continue
		}
		b.mouse(input.DispatchMouseEventTypeMouseMoved, at)
		if over, err := ask[bool](b, element+"?.matches(':hover')"); err != nil || !over {
			continue
		}
		b.mouse(input.DispatchMouseEventTypeMousePressed, at)
		if eval[bool](b, element+"?.matches(':active') ?? false") {
			b.mouse(input.DispatchMouseEventTypeMouseReleased, at)
			return at.Kind
		}
		eval[bool](b, missed+" addEventListener('click', missed, true); true")
		b.mouse(input.DispatchMouseEventTypeMouseReleased, at)
		eval[bool](b, "removeEventListener('click', missed, true); true")
	}
	b.t.Fatalf("it cannot be clicked: %s; the page is: %s", element, b.text())
	return ""
}

// find returns the middle of an element that is to be seen, of no kind if there is none.
func (b *tab) find(element string) (spot, error) {
	return ask[spot](b, "(() => { const e = "+element+"; if (!e?.checkVisibility()) return {}; e.scrollIntoView({ block: 'center', behavior: 'instant' }); const r = e.getBoundingClientRect(); return { X: r.x + r.width / 2, Y: r.y + r.height / 2, Kind: e.nodeName } })()")
}

func (b *tab) mouse(does input.DispatchMouseEventType, at spot) {
	b.t.Helper()
	var options []chromedp.MouseOption
	if does != input.DispatchMouseEventTypeMouseMoved {
		options = []chromedp.MouseOption{chromedp.ButtonLeft, chromedp.ClickCount(1)}
	}
	b.do(chromedp.MouseEvent(does, at.X, at.Y, options...))
}

// ask returns the value of an expression. The page's own policy forbids eval and
// so chromedp's way to poll; this goes past the page.
func ask[T any](b *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression))
}

func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := ask[T](b, expression)
	if err != nil {
		b.t.Fatalf("%s: %v (%v)", expression, err, context.Cause(b.ctx))
	}
	return v
}

func (b *tab) text() string {
	text, err := ask[string](b, "document.body?.innerText ?? ''")
	if err != nil {
		return err.Error()
	}
	return text
}

// until waits until a condition holds in the page. In the middle of a navigation
// there may be no page to ask.
func (b *tab) until(condition string) {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end) && b.ctx.Err() == nil; time.Sleep(30 * time.Millisecond) {
		if holds, err := ask[bool](b, "(() => { try { return !!("+condition+") } catch { return false } })()"); err == nil && holds {
			return
		}
	}
	b.t.Fatalf("it never became true: %s (%v); the page is: %s", condition, context.Cause(b.ctx), b.text())
}

// shows waits until the page has a text.
func (b *tab) shows(text string) {
	b.t.Helper()
	b.until(fmt.Sprintf("document.body?.innerText.includes(%q)", text))
}

// says waits until the page tells the outcome of an action.
func (b *tab) says(text string) {
	b.t.Helper()
	b.until(fmt.Sprintf("document.getElementById('message')?.innerText.includes(%q)", text))
}

// quiet fails if the console has anything, or if a request left the host.
func (b *tab) quiet(base string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.console {
		b.t.Errorf("the console says: %s", m)
	}
	for _, url := range b.requests {
		if !strings.HasPrefix(url, base) && !strings.HasPrefix(url, "about:") && !strings.HasPrefix(url, "data:") { // the browser's own icons
			b.t.Errorf("a request left %s: %s", base, url)
		}
	}
	if len(b.requests) == 0 {
		b.t.Error("no request was seen: the test is wrong")
	}
}

// look sets the width, and the scheme that the user prefers.
func (b *tab) look(width int64, scheme string) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, 900), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}

func (b *tab) screenshot(file string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}
