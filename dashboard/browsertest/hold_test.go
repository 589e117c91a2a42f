package browsertest

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/steadgo/stead/dashboard"
)

// point moves the mouse to the middle of an element, and returns where that is.
func (b *tab) point(selector string) (x, y float64) {
	b.t.Helper()
	at := eval[[]float64](b, "(() => { const e = document.querySelector(`"+selector+"`); e.scrollIntoView({ block: 'center' }); const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()")
	b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0], at[1]))
	return at[0], at[1]
}

const rows = "[...document.querySelectorAll('tr[data-key^=mailer]')].map(r => r.dataset.key).join()"

func TestRowsDoNotMoveUnderThePointer(t *testing.T) {
	for _, width := range []int64{1280, 390} {
		b := browse(t)
		s := open(t, "", dashboard.Config{Authorize: allow})
		b.look(width, "light")
		b.open(s.base + "queue?name=emails")
		b.shows("550 no such mailbox")
		_, before := b.point("tr[data-key='mailer-1'] button")
		s.put(t, "bad")
		s.put(t, "bad")
		b.until("document.getElementById('news').innerText.startsWith('2 new failures')")
		if got := eval[string](b, rows); got != "mailer-2,mailer-1" {
			t.Errorf("%d: the rows are %s", width, got)
		}
		if after := eval[float64](b, "(() => { const r = document.querySelector(`tr[data-key='mailer-1'] button`).getBoundingClientRect(); return r.y + r.height / 2 })()"); after != before {
			t.Errorf("%d: the button went from %v to %v", width, before, after)
		}
		b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 1, 1)) // nobody points there
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
	x, y := b.point(".cardhead button")
	b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, x, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	s.workers.Pause()
	// Several pictures of a queue that is paused come; none is shown under a finger.
	time.Sleep(500 * time.Millisecond)
	if label := eval[string](b, "document.querySelector('.cardhead button').innerText"); label[:5] != "Pause" {
		t.Errorf("the button has become %q under the finger", label)
	}
	b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, x, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	b.says("Paused")
	if !s.workers.Paused() {
		t.Error("the queue was resumed")
	}
	b.until("document.querySelector('.cardhead button').innerText.startsWith('Resume')")
	b.quiet(s.base)
}
