//go:build extra

package browsertest

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"

	"github.com/steadgo/stead/dashboard"
)

// point moves the mouse to the middle of an element, and returns where that is.
func (b *tab) point(selector string) (at spot) {
	b.t.Helper()
	element := "document.querySelector(`" + selector + "`)"
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		at, err := b.find(element)
		if err != nil || at.Kind == "" {
			continue
		}
		b.mouse(input.DispatchMouseEventTypeMouseMoved, at)
		if there, err := b.find(element); err == nil && there == at {
			return at
		}
	}
	b.t.Fatalf("nobody can point at %s; the page is: %s", selector, b.text())
	return at
}

const rows = "[...document.querySelectorAll('tr[data-key^=mailer]')].map(r => r.dataset.key).join()"

func TestRowsDoNotMoveUnderThePointer(t *testing.T) {
	for _, width := range []int64{1280, 390} {
		b := browse(t)
		s := open(t, "", dashboard.Config{Authorize: allow})
		b.look(width, "light")
		b.open(s.base + "queue?name=emails")
		b.shows("550 no such mailbox")
		before := b.point("tr[data-key='mailer-1'] button")
		s.put(t, "bad")
		s.put(t, "bad")
		b.until("document.getElementById('news').innerText.startsWith('2 new failures')")
		if got := eval[string](b, rows); got != "mailer-2,mailer-1" {
			t.Errorf("%d: the rows are %s", width, got)
		}
		if after := eval[float64](b, "(() => { const r = document.querySelector(`tr[data-key='mailer-1'] button`).getBoundingClientRect(); return r.y + r.height / 2 })()"); after != before.Y {
			t.Errorf("%d: the button went from %v to %v", width, before.Y, after)
		}
		b.mouse(input.DispatchMouseEventTypeMouseMoved, spot{X: 1, Y: 1}) // nobody points there
		b.until(rows + " === 'mailer-4,mailer-3,mailer-2,mailer-1' && document.getElementById('news').hidden")
		b.quiet(s.base)
	}
}

// The button is Pause when the finger goes down and Resume when it comes up again: the
// page shows what somebody else has done in between.
func TestAClickDoesWhatStoodThereWhenTheFingerWentDown(t *testing.T) {
	b := browse(t)
	s := open(t, "", dashboard.Config{Authorize: allow})
	b.open(s.base + "queue?name=emails")
	b.until("document.getElementById('connection').innerText === 'Live'")
	at := b.point(".cardhead button")
	b.mouse(input.DispatchMouseEventTypeMousePressed, at)
	s.workers.Pause()
	// Several pictures of a queue that is paused come; none is shown under a finger.
	time.Sleep(500 * time.Millisecond)
	if label := eval[string](b, "document.querySelector('.cardhead button').innerText"); label[:5] != "Pause" {
		t.Errorf("the button has become %q under the finger", label)
	}
	b.mouse(input.DispatchMouseEventTypeMouseReleased, at)
	b.says("Paused")
	if !s.workers.Paused() {
		t.Error("the queue was resumed")
	}
	b.until("document.querySelector('.cardhead button').innerText.startsWith('Resume')")
	b.quiet(s.base)
}
