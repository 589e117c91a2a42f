//go:build extra

package browsertest

import (
	"context"
	"errors"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
)

// What would hold up a stop is one click away, before there is one.
func TestWhatWouldHoldUpAStopIsOneClickAway(t *testing.T) {
	for _, width := range []int64{1280, 390} {
		b := browse(t)
		host := hosted.New(hosted.Config{Name: "shop", ShutdownTimeout: 30 * time.Second})
		admin := hosted.HTTP(&http.Server{Addr: "127.0.0.1:0", ReadHeaderTimeout: patience, Handler: dashboard.New(host, dashboard.Config{Interval: 100 * time.Millisecond})})
		host.Add("admin", admin)
		q := must(channelq.New(channelq.Config[int]{Name: "letters", Capacity: 1000}))
		hold := make(chan struct{})
		w := must(channelq.NewWorkers(q, func(ctx context.Context, _ int) error {
			select {
			case <-hold:
			case <-time.After(200 * time.Millisecond):
			}
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 1, OnLeftover: func(context.Context, []int) error { return nil }}))
		host.Add("letters", w)
		if err := host.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 600 {
			_ = q.TryEnqueue(1)
		}
		b.look(width, "light")
		b.open("http://" + admin.Addr().String() + "/")
		b.click("nav li:nth-child(6) a")
		b.shows("If it stopped now")
		b.shows("would be cut: it needs about")
		b.shows("admin 1 request, about")
		if wide := eval[int64](b, "document.documentElement.scrollWidth"); wide > width {
			t.Errorf("at %d the page is %d wide", width, wide)
		}
		if folder := os.Getenv("STEAD_TEST_SCREENSHOTS"); folder != "" {
			b.screenshot(folder + "/stop-plan-" + map[int64]string{1280: "1280", 390: "390"}[width] + ".png")
		}
		host.Lifetime().Stop(errors.New("deploy"))
		b.shows("What is left")
		b.shows("Reason: deploy")
		close(hold)
		<-host.Done()
	}
}
