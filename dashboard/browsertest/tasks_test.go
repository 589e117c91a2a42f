//go:build extra

package browsertest

import (
	"testing"

	"github.com/steadgo/stead/dashboard"
)

// A task as a new user does it: from the overview, by what can be seen, and with no more
// clicks than docs/dashboard.md states.
func TestTheFiveTasksTakeSoManyClicks(t *testing.T) {
	b := browse(t)
	s := open(t, "", dashboard.Config{Authorize: allow})
	task := func(name string, clicks int, do func(click func(label string))) {
		b.open(s.base)
		b.until("document.getElementById('connection').innerText === 'Live'")
		done := 0
		do(func(label string) {
			done++
			eval[bool](b, "window.left = true")
			if b.clickOn(clickable+"(`"+label+"`)") == "A" { // it leads to another page
				b.until("!window.left && document.getElementById('connection')?.innerText === 'Live'")
			}
		})
		if done != clicks {
			t.Errorf("%s: %d clicks, and the page of the docs says %d", name, done, clicks)
		}
	}
	task("failed", 0, func(func(string)) {
		b.shows("550 no such mailbox")
		b.shows("permission denied")
		b.shows("451 try later")
		b.shows("tried again")
	})
	task("requeue", 3, func(click func(string)) {
		click("Failures")
		click("Requeue 2")
		click("Requeue them")
		b.says("Requeued 2 failures of emails.")
	})
	task("stop", 1, func(click func(string)) {
		click("Stop")
		b.shows("If it stopped now")
		b.shows("mailer 1 item")
	})
	s.job.Pause()
	task("late", 1, func(click func(string)) {
		click("report")
		b.shows("It is paused: nothing runs until somebody resumes it.")
	})
	task("pause", 3, func(click func(string)) {
		click("emails")
		click("Pause")
		b.says("Paused queue emails.")
		click("Resume")
		b.says("Resumed queue emails.")
		eventually(t, "the queue is resumed", func() bool { return !s.workers.Paused() })
	})
	b.quiet(s.base)
}

// clickable is a function that finds what can be seen and clicked by its label.
const clickable = `(label => [...document.querySelectorAll('main a, nav a, button, summary')].find(e => {
  const text = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.nodeValue).join('').trim();
  return text === label && e.checkVisibility();
}))`
