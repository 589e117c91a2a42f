//go:build extra

package browsertest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/sqlite"
	"github.com/steadgo/stead/hosted"
)

// mailJobs sends to nobody in vain, and is served on a page. While a test has the line,
// nothing is sent. key may be nil.
func mailJobs(t *testing.T, key func(to string) string) (mails *durable.Queue[string], line chan struct{}, base string) {
	t.Helper()
	store := must(sqlite.Open(filepath.Join(t.TempDir(), "jobs.db")))
	t.Cleanup(func() { _ = store.Close() })
	if err := durable.Migrate(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	jobs := must(durable.New(store, durable.Config{PollInterval: 50 * time.Millisecond}))
	line = make(chan struct{}, 1)
	line <- struct{}{}
	mails = must(durable.NewQueue(jobs, "mail", func(ctx context.Context, to string) error {
		select {
		case got := <-line:
			line <- got
		case <-ctx.Done():
			return ctx.Err()
		}
		if to == "nobody" {
			panic("550 no such mailbox as the one of a person with a very long name at a server with a very long name")
		}
		return nil
	}, durable.QueueConfig[string]{
		Concurrency: 1, Key: key, Retry: channelq.Retry{Attempts: 2, Initial: time.Millisecond},
	}))
	host := hosted.New(hosted.Config{Name: "shop"})
	host.Add("jobs", jobs)
	dash := dashboard.New(host, dashboard.Config{
		Authorize: allow, Interval: 200 * time.Millisecond,
		FormatItem: func(_ string, item any) string { return fmt.Sprint("to ", item) },
	})
	if err := host.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return mails, line, serve(t, host, dash).URL + "/"
}

func TestOneJobIsSeenAndActedOnAtBothWidths(t *testing.T) {
	b := browse(t)
	mails, line, base := mailJobs(t, nil)
	inState := func(id int64, state string, attempts int) {
		t.Helper()
		eventually(t, "the job is "+state, func() bool {
			job, err := mails.Job(t.Context(), id)
			return err == nil && job.State == state && job.Attempt == attempts
		})
	}
	for _, width := range []int64{1280, 390} {
		b.look(width, "light")
		failed := must(mails.EnqueueWith(t.Context(), "nobody", durable.Meta(map[string]string{"asked by": "ann"})))
		inState(failed.ID, "discarded", 2)
		b.open(base + "jobs?name=mail/discarded")
		b.click("tbody tr:first-child th a")
		b.shows("550 no such mailbox")
		b.shows("asked by")
		b.until("document.getElementById('connection').innerText === 'Live' && document.querySelectorAll('tr[data-key^=a-]').length === 2")
		b.click("tr[data-key='a-2'] summary")
		b.shows("job_test.go")
		if wide := eval[int64](b, "document.documentElement.scrollWidth"); wide > width {
			t.Errorf("at %d the page is %d pixels wide", width, wide)
		}
		if low := eval[int](b, "Math.min(...[...document.querySelectorAll('button')].filter(e => e.offsetParent).map(e => e.offsetHeight), 99)"); width == 390 && low < 40 {
			t.Errorf("a button is %d pixels high", low)
		}
		if folder := os.Getenv("STEAD_TEST_SCREENSHOTS"); folder != "" {
			b.screenshot(filepath.Join(folder, fmt.Sprintf("job-%d.png", width)))
		}
		<-line
		b.click("form[data-key=requeue] button")
		b.says(fmt.Sprintf("Requeued %d of mail.", failed.ID))
		b.until("document.querySelector('tr[data-key=a-3]').innerText.includes('running')")
		line <- struct{}{} // what comes of it is shown too, though the mouse still rests there
		inState(failed.ID, "discarded", 3)
		b.until("document.querySelector('tr[data-key=a-3]').innerText.includes('550') && document.querySelectorAll('tr[data-key^=a-]').length === 3")
		b.click("details[data-key=discards] summary")
		b.click("form[data-key=discard] button")
		b.shows("It is not in the store, or not any more")

		later := must(mails.EnqueueWith(t.Context(), "ada", durable.In(time.Hour)))
		b.open(fmt.Sprintf("%sjob?name=%d/jobs/mail", base, later.ID))
		b.click("details[data-key=time] summary")
		eval[bool](b, "document.querySelector('input[name=at]').value = '2090-01-02T03:04:05'; true")
		if folder := os.Getenv("STEAD_TEST_SCREENSHOTS"); folder != "" {
			b.screenshot(filepath.Join(folder, fmt.Sprintf("job-time-%d.png", width)))
		}
		if wide := eval[int64](b, "document.documentElement.scrollWidth"); wide > width {
			t.Errorf("at %d the form makes the page %d pixels wide", width, wide)
		}
		b.click("form[data-key=reschedule] button")
		b.says(fmt.Sprintf("%d of mail is due at 2090-01-02 03:04:05 UTC.", later.ID))
		if job := must(mails.Job(t.Context(), later.ID)); !job.DueAt.Equal(time.Date(2090, 1, 2, 3, 4, 5, 0, time.UTC)) {
			t.Errorf("it is due at %v", job.DueAt)
		}
		b.click("form[data-key=requeue] button") // Run now
		inState(later.ID, "completed", 1)
		b.until("document.querySelector('tr[data-key=\"a-1\"]')?.innerText.includes('completed')")
	}
	b.open(base + "services")
	b.shows("Works")
	b.quiet(base)
}
