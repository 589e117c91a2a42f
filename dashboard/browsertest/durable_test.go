//go:build extra

package browsertest

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/sqlite"
	"github.com/steadgo/stead/hosted"
)

func TestJobsOfAStoreAreSeenAndActedOn(t *testing.T) {
	b := browse(t)
	store := must(sqlite.Open(filepath.Join(t.TempDir(), "jobs.db")))
	t.Cleanup(func() { _ = store.Close() })
	if err := durable.Migrate(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	jobs := must(durable.New(store, durable.Config{}))
	mails := must(durable.NewQueue(jobs, "mail", func(_ context.Context, to string) error {
		if to == "nobody" {
			return channelq.Permanent(errors.New("smtp: 550 no such mailbox"))
		}
		return nil
	}, durable.QueueConfig[string]{Concurrency: 1}))
	host := hosted.New(hosted.Config{Name: "shop"})
	host.Add("jobs", jobs)
	dash := dashboard.New(host, dashboard.Config{Authorize: allow, Interval: 200 * time.Millisecond})
	host.Add("dashboard", dash)
	if err := host.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	base := serve(t, host, dash).URL + "/"
	for _, to := range []string{"nobody", "nobody"} {
		if err := mails.Enqueue(t.Context(), to); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := mails.EnqueueWith(t.Context(), "later", durable.In(time.Hour)); err != nil {
		t.Fatal(err)
	}

	b.open(base + "queue?name=mail")
	b.shows("smtp: 550 no such mailbox")
	b.until("document.querySelector('a[href=\"jobs?name=mail/scheduled\"]')")
	b.open(base + "jobs?name=mail/scheduled")
	b.click("tbody tr:first-child .sure summary")
	b.click("form[data-key=cancel] button")
	b.says("Canceled ")
	eventually(t, "nothing is scheduled", func() bool { return mails.States()["scheduled"] == 0 })

	b.open(base + "jobs?name=mail/cancelled")
	b.until("document.querySelectorAll('tbody tr').length === 3")
	b.click("tbody tr:first-child summary")
	b.click("tbody tr:first-child form[data-key=discard] button")
	b.says("Discarded ")
	b.until("document.querySelectorAll('tbody tr').length === 2")

	b.open(base + "queue?name=mail")
	b.shows("smtp: 550")
	b.click(".cardhead form[data-key=pause] button")
	b.says("Paused ")
	eventually(t, "the queue is paused", mails.Paused)
	b.open(base + "services")
	b.shows("Processes")
	b.click("nav a[href=audit]")
	b.until("[...document.querySelectorAll('main tbody tr')].map(r => r.cells[2].innerText).join() === 'pause,discard,cancel'")
	b.open(base + "queue?name=mail")
	b.shows("gave up 2") // within some seconds
	b.shows("canceled 1")
	b.quiet(base)
}
