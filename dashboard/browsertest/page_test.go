//go:build extra

package browsertest

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
)

func TestPagesLoadUnderAnyPrefixAndAskNobodyElse(t *testing.T) {
	for _, prefix := range []string{"", "/admin", "/a/b"} {
		t.Run("below "+prefix+"/", func(t *testing.T) {
			b := browse(t)
			s := open(t, prefix, dashboard.Config{Authorize: allow})
			for _, page := range pages {
				b.open(s.base + page)
				b.until("document.getElementById('connection').innerText === 'Live'")
				if font := eval[string](b, "getComputedStyle(document.body).marginTop"); font != "0px" {
					t.Errorf("%q: the style sheet is not applied", page)
				}
			}
			// And by its links, as a person gets there.
			b.open(s.base)
			for _, label := range []string{"Services", "Queues", "Schedules", "Failures", "Stop", "Overview"} {
				b.click("nav li:nth-child(" + position(label) + ") a")
				b.until("document.querySelector('nav [aria-current]').innerText.startsWith('" + label + "')")
			}
			b.quiet(s.base)
		})
	}
}

func position(label string) string {
	return map[string]string{"Overview": "1", "Services": "2", "Queues": "3", "Schedules": "4", "Failures": "5", "Stop": "6"}[label]
}

func TestTheSlashMayBeForgotten(t *testing.T) {
	b := browse(t)
	s := open(t, "/admin", dashboard.Config{})
	b.open(strings.TrimSuffix(s.base, "/"))
	b.until("document.getElementById('connection').innerText === 'Live'")
	if at := eval[string](b, "location.href"); at != s.base {
		t.Errorf("it is at %s, want %s", at, s.base)
	}
	b.quiet(strings.TrimSuffix(s.base, "/"))
}

func TestThePageIsRenewedWithoutLosingWhatThePersonDoes(t *testing.T) {
	b := browse(t)
	s := open(t, "", dashboard.Config{Authorize: allow})
	b.open(s.base + "queue?name=emails")
	b.shows("550 no such mailbox")
	eval[bool](b, "window.marker = document.querySelector('tr[data-key=\"mailer-1\"]'); document.querySelector('.actions.all summary').click(); true")
	eval[bool](b, "marker.querySelector('button').focus(); true")
	s.put(t, "bad") // goes above the others
	b.until("document.getElementById('news').innerText.startsWith('1 new failure')")
	if eval[bool](b, "!!document.querySelector('tr[data-key=\"mailer-3\"]')") {
		t.Error("a row came although somebody is at work in another one")
	}
	eval[bool](b, "document.querySelector('#news button').click(); true")
	b.until("document.querySelector('tr[data-key=\"mailer-3\"]') && document.getElementById('news').hidden")
	eval[bool](b, "marker.querySelector('button').focus(); true")
	if !eval[bool](b, "marker === document.querySelector('tr[data-key=\"mailer-1\"]') && document.querySelector('.actions.all details').open") {
		t.Error("the row was made anew, or its details closed")
	}
	s.workers.Pause()
	b.shows("paused") // texts go on
	if !eval[bool](b, "document.activeElement === marker.querySelector('button')") {
		t.Error("the focus is gone")
	}
	if order := eval[string](b, "[...document.querySelectorAll('tr[data-key^=mailer]')].map(r => r.dataset.key).join()"); order != "mailer-3,mailer-2,mailer-1" {
		t.Errorf("the rows are %s", order)
	}
	if err := s.workers.Discard(2); err != nil {
		t.Fatal(err)
	}
	eval[bool](b, "document.activeElement.blur(); true") // nobody is in a row any more
	b.until("!document.querySelector('tr[data-key=\"mailer-2\"]')")
	if !eval[bool](b, "marker.isConnected && document.title.includes('emails')") {
		t.Error("the page was reloaded")
	}
	b.quiet(s.base)
}

func TestEachActionIsDoneAndSaid(t *testing.T) {
	b := browse(t)
	s := open(t, "/a/b", dashboard.Config{Authorize: allow})
	b.open(s.base + "queue?name=emails")
	b.click(".cardhead button")
	b.says("Paused ")
	eventually(t, "the queue is paused", s.workers.Paused)
	b.until("document.querySelector('.cardhead button').innerText.startsWith('Resume')")
	b.click(".cardhead button")
	b.says("Resumed ")
	eventually(t, "the queue is resumed", func() bool { return !s.workers.Paused() })

	b.click("tr[data-key='mailer-2'] form[data-key=requeue] button")
	b.says("Requeued 2 of emails.")
	b.until("document.querySelector('tr[data-key=\"mailer-3\"]') && !document.querySelector('tr[data-key=\"mailer-2\"]')") // it failed again
	b.click("tr[data-key='mailer-1'] form[data-key=discard] button")
	b.says("Discarded 1 of emails.")
	b.until("!document.querySelector('tr[data-key=\"mailer-1\"]')")
	b.click("#message button") // Undo
	b.says("Restored 1 of emails.")
	b.until("document.querySelector('tr[data-key=\"mailer-1\"]')")
	eventually(t, "it is listed again", func() bool { return len(s.dash.State().Queues[0].Failures) == 2 })

	b.open(s.base + "schedules")
	b.click("form[data-key=trigger] button")
	b.says("Triggered a run of report.")
	eventually(t, "the job ran", func() bool { return s.runs.Load() == 1 })
	b.shows("succeeded")
	b.click("form[data-key=pause] button")
	b.says("Paused ")
	eventually(t, "the job is paused", func() bool { return s.job.Stats().Paused })
	b.until("document.querySelector('form[data-key=pause] button').innerText.startsWith('Resume')")
	b.click("form[data-key=pause] button")
	b.says("Resumed ")
	eventually(t, "the job is resumed", func() bool { return !s.job.Stats().Paused })
	b.quiet(s.base)
}

func TestADeniedActionSaysSoAndChangesNothing(t *testing.T) {
	b := browse(t)
	s := open(t, "/admin", dashboard.Config{Authorize: func(*http.Request, dashboard.Action) error {
		return errors.New("ask the operations team")
	}})
	b.open(s.base + "queues")
	b.click("form[data-key=pause] button")
	b.says("not allowed: ask the operations team")
	b.until("!document.querySelector('form[data-key=pause] button').ariaDisabled && document.querySelector('#message p.bad')")
	if s.workers.Paused() {
		t.Error("the queue is paused")
	}
}

func TestAnotherSiteCannotAct(t *testing.T) {
	b := browse(t)
	s := open(t, "/admin", dashboard.Config{Authorize: allow})
	port := s.base[strings.LastIndex(strings.TrimSuffix(s.base, "/admin/"), ":"):]
	// localhost is another site than 127.0.0.1, where the page is.
	elsewhere := http.NewServeMux()
	elsewhere.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><form method="post" action="http://127.0.0.1` + port + `actions">
<input name="verb" value="pause"><input name="kind" value="queue"><input name="name" value="emails"><button>win</button></form>`))
	})
	evil := listen(t, "localhost:0", elsewhere)
	b.open("http://localhost:" + evil + "/")
	b.click("button")
	b.shows("the request comes from another site")
	if s.workers.Paused() {
		t.Error("the queue is paused")
	}
}

func TestWithoutJavaScriptEverythingWorksByReloading(t *testing.T) {
	b := browse(t)
	s := open(t, "/admin", dashboard.Config{Authorize: allow})
	b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	b.open(s.base + "queue?name=emails")
	b.shows("550 no such mailbox")
	b.shows("reload it to see what is new")
	b.click(".cardhead button")
	b.shows("Paused queue emails.")
	if !s.workers.Paused() {
		t.Error("the queue is not paused")
	}
	if at := eval[string](b, "location.href"); at != s.base+"queue?did=pause&kind=queue&name=emails&thing=emails" {
		t.Errorf("it leads to %s", at)
	}
	b.click("tr[data-key='mailer-1'] form[data-key=discard] button")
	b.shows("Discarded 1 of emails.")
	b.quiet(s.base)
}

func TestTheKeyboardIsEnough(t *testing.T) {
	b := browse(t)
	s := open(t, "/admin", dashboard.Config{Authorize: allow})
	b.open(s.base + "queues")
	b.do(chromedp.KeyEvent(kb.Tab))
	if at := eval[string](b, "document.activeElement.className"); at != "skip" {
		t.Errorf("the first stop is %q, not the link to the content", at)
	}
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until("document.activeElement.id === 'main'")
	for range 10 {
		b.do(chromedp.KeyEvent(kb.Tab))
		if eval[bool](b, "document.activeElement.nodeName === 'BUTTON'") {
			break
		}
	}
	if outline := eval[string](b, "getComputedStyle(document.activeElement).outlineStyle"); outline != "solid" {
		t.Errorf("the focus is not to be seen: outline %s", outline)
	}
	b.do(chromedp.KeyEvent(kb.Enter))
	b.says("Paused ")
	eventually(t, "the queue is paused", s.workers.Paused)
	// The button became another one in the same place: no reader is thrown to the
	// top of the page.
	b.until("document.activeElement.nodeName === 'BUTTON' && document.activeElement.innerText.startsWith('Resume')")
	b.open(s.base + "queue?name=emails")
	b.until("document.getElementById('connection').innerText === 'Live'")
	eval[bool](b, "document.querySelector('tr[data-key=\"mailer-2\"] form[data-key=requeue] button').focus(); true")
	if err := s.workers.Discard(2); err != nil {
		t.Fatal(err)
	}
	b.until("document.getElementById('news').innerText.startsWith('The page has changed')")
	eval[bool](b, "document.querySelector('#news button').click(); true")
	b.until("!document.querySelector('tr[data-key=\"mailer-2\"]') && document.activeElement.id === 'main'")
	b.quiet(s.base)
}

func TestTheStopIsShownToItsEnd(t *testing.T) {
	b := browse(t)
	host := hosted.New(hosted.Config{Name: "shop", ShutdownTimeout: 2 * patience})
	hold := make(chan struct{})
	admin := hosted.HTTP(&http.Server{Addr: "127.0.0.1:0", ReadHeaderTimeout: patience, Handler: dashboard.New(host, dashboard.Config{Interval: 100 * time.Millisecond})})
	host.Add("admin", admin)
	host.Go("slow-import", func(ctx context.Context) error { <-ctx.Done(); <-hold; return nil })
	if err := host.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.open("http://" + admin.Addr().String() + "/")
	b.shows("All is well")
	host.Lifetime().Stop(errors.New("deploy"))
	b.shows("Stopping: waiting for slow-import")
	b.shows("Reason: deploy")
	close(hold)
	held := time.Now()
	<-host.Done()
	if err := host.Err(); err != nil || time.Since(held) > patience {
		t.Errorf("the rest of the stop took %v: %v", time.Since(held), err)
	}
	b.shows("The program is stopping, and the server of this page has stopped. What you see is the last that was known")
	if eval[bool](b, "document.body.innerText.includes('Nobody has asked')") {
		t.Error("the page that stays knows of no stop")
	}
}

func TestEveryPageFitsAPhone(t *testing.T) {
	b := browse(t)
	s := open(t, "", dashboard.Config{Authorize: allow})
	b.look(390, "light")
	for _, page := range pages {
		b.open(s.base + page)
		b.until("document.getElementById('connection').innerText === 'Live'")
		if width := eval[int](b, "document.documentElement.scrollWidth"); width > 390 {
			t.Errorf("%q is %d pixels wide", page, width)
		}
		if low := eval[int](b, "Math.min(...[...document.querySelectorAll('button')].filter(e => e.offsetParent).map(e => e.offsetHeight), 99)"); low < 40 {
			t.Errorf("%q has a button of %d pixels", page, low)
		}
	}
}

func TestScreenshots(t *testing.T) {
	folder := os.Getenv("STEAD_TEST_SCREENSHOTS")
	if folder == "" {
		t.Skip("no pictures: set STEAD_TEST_SCREENSHOTS to a folder to get one of every page")
	}
	b := browse(t)
	s := open(t, "", dashboard.Config{Authorize: allow})
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		name := "overview"
		if page != "" {
			name, _, _ = strings.Cut(page, "?")
		}
		for _, width := range []int64{1280, 390} {
			for _, scheme := range []string{"light", "dark"} {
				b.look(width, scheme)
				b.open(s.base + page)
				b.until("document.getElementById('connection').innerText === 'Live'")
				b.screenshot(filepath.Join(folder, name+"-"+map[int64]string{1280: "1280", 390: "390"}[width]+"-"+scheme+".png"))
			}
		}
	}
	b.quiet(s.base)
}
