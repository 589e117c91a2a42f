//go:build extra

package browsertest

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
)

// Of five jobs that wait for their time, three are for one person: these are found, canceled,
// found again and requeued.
func TestAllThatMatchAreActedOnAtBothWidths(t *testing.T) {
	b := browse(t)
	mails, _, base := mailJobs(t, func(to string) string { return to })
	for _, to := range []string{"ada", "bob", "ada", "bob", "ada"} {
		must(mails.EnqueueWith(t.Context(), to, durable.In(time.Hour)))
	}
	for _, act := range []struct {
		width                                   int64
		state, offer, says, under, done, became string
	}{
		{1280, "pending", "Cancel all 3 that match", "Began to cancel all jobs of mail that match.", "Canceled jobs", "3 of 3 done", "cancelled"},
		{390, "cancelled", "Requeue all 3 that match", "Began to requeue all jobs of mail that match.", "Requeued jobs", "3 of 3 done", "completed"},
	} {
		b.look(act.width, "light")
		b.open(base + "jobs?name=mail/" + act.state)
		b.click("form.filter input[name=key]")
		b.do(chromedp.KeyEvent("ada"))
		b.click("form.filter button")
		b.until("document.querySelectorAll('main tbody tr').length === 3")
		b.clickOn(clickable + "(`" + act.offer + "`)")
		if wide := eval[int64](b, "document.documentElement.scrollWidth"); wide > act.width {
			t.Errorf("at %d the page is %d pixels wide", act.width, wide)
		}
		b.click(".actions.all details[open] form button")
		b.says(act.says)
		b.shows(act.under)
		b.shows(act.done)
		b.shows("None.") // is left in that state
		eventually(t, "three jobs are "+act.became, func() bool {
			jobs, _, err := mails.FindJobs(t.Context(), channelq.JobFilter{States: []string{act.became}, Key: "ada"}, "")
			return err == nil && len(jobs) == 3
		})
	}
	b.click("nav a[href=audit]")
	b.until("[...document.querySelectorAll('main tbody tr')].map(r => r.cells[2].innerText + ', ' + r.cells[4].innerText).join() === 'requeue matching, 3 jobs,cancel matching, 3 jobs'")
	b.quiet(base)
}
