package dashboard_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
)

func TestAQueueShowsItsSkippedAndCoalescedItemsAndTheirNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, err := channelq.New(channelq.Config[string]{Name: "pages", Capacity: 10, Coalesce: func(item string) string { return item }})
		if err != nil {
			t.Fatal(err)
		}
		w, err := channelq.NewWorkers(q, func(_ context.Context, item string) error {
			if item == "gone" {
				return channelq.Permanent(errors.New("404"))
			}
			return errors.New("503")
		}, channelq.WorkerConfig[string]{
			Concurrency: 1, Retry: channelq.Retry{Attempts: 2, Initial: time.Hour, Max: time.Hour},
			Skip:     func(item string) bool { return item == "canceled" },
			Describe: func(item string) string { return "page " + item },
		})
		if err != nil {
			t.Fatal(err)
		}
		host := hosted.New(hosted.Config{})
		host.Add("fetchers", w)
		if _, err := q.EnqueueAll(t.Context(), []string{"gone", "canceled", "gone", "gone", "slow"}); err != nil {
			t.Fatal(err)
		}
		if err := host.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		d := dashboard.New(host, dashboard.Config{})
		got := d.State().Queues[0]
		if got.Skipped != 1 || got.Coalesced != 2 || got.GaveUp != 1 || got.Accepted != 5 || got.Here() != 1 {
			t.Errorf("%+v", got)
		}
		if len(got.Failures) != 1 || got.Failures[0].Item != "page gone" || len(got.Retrying) != 1 || got.Retrying[0].Item != "page slow" {
			t.Errorf("failures %+v, retrying %+v", got.Failures, got.Retrying)
		}
		wantText(t, get(t, d, "/queue?name=pages"), "<dt>Skipped</dt><dd>1</dd>", "<dt>Coalesced</dt><dd>2</dd>", "page gone", "page slow")

		// FormatItem may hide what Describe names.
		d = dashboard.New(host, dashboard.Config{FormatItem: func(_ string, item any) string {
			if item == "gone" {
				return ""
			}
			return "formatted"
		}})
		if got := d.State().Queues[0]; got.Failures[0].Item != "" || got.Retrying[0].Item != "formatted" {
			t.Errorf("failures %+v, retrying %+v", got.Failures, got.Retrying)
		}
		stopping, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = host.Stop(stopping)
	})
}
