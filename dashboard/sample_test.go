package dashboard_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
)

// asked is a queue that counts who asks it for what. It is asked by one goroutine
// at a time here.
type asked struct {
	hosted.Service
	counts, failures, backlogs int
}

func (a *asked) Name() string { return "asked" }
func (a *asked) Stats() channelq.Stats {
	a.counts++
	return channelq.Stats{Name: "asked", Depth: a.counts, Capacity: 1000}
}
func (a *asked) Failures() []channelq.Failure { a.failures++; return nil }
func (a *asked) Backlog() int                 { a.backlogs++; return 0 }

// Samples are taken as long as the program runs, and in fake time as fast as the
// machine can, so they ask for what a chart shows and for nothing else.
func TestASampleAsksForTheCountsOfQueuesAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &asked{Service: hosted.Once(func(context.Context) error { return nil })}
		host := hosted.New(hosted.Config{})
		d := dashboard.New(host, dashboard.Config{})
		host.Add("queue", a)
		host.Add("dashboard", d)
		if err := host.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = host.Stop(context.Background()) }()
		time.Sleep(time.Minute + time.Second/2)
		synctest.Wait()
		if a.counts != 61 || a.failures != 0 || a.backlogs != 0 {
			t.Errorf("in a minute that nobody looked it was asked for %d counts, %d lists of failures, %d backlogs", a.counts, a.failures, a.backlogs)
		}
		wantText(t, get(t, d, "/api/v1/state?history=1"), `"depth":1,`, `"depth":61,`)
		if a.failures != 1 || a.backlogs != 1 {
			t.Errorf("a look asked %d times for failures, %d times for the backlog", a.failures, a.backlogs)
		}
	})
}
