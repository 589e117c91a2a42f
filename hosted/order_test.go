package hosted_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
)

func TestServicesStartInOrderAndStopInReverse(t *testing.T) {
	var r record
	h := hosted.New(hosted.Config{})
	for _, name := range []string{"a", "b", "c"} {
		h.Add(name, traced(&r, name))
	}
	starts(t, h)
	stops(t, h)
	r.want(t, "start a", "start b", "start c", "stop c", "stop b", "stop a")
}

func TestTheNextServiceStartsOnlyWhenTheOneBeforeIsUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{})
		h.Add("slow", &fake{start: func(context.Context) error {
			time.Sleep(time.Minute)
			r.addf("slow is up")
			return nil
		}})
		h.Add("next", traced(&r, "next"))
		starts(t, h)
		r.want(t, "slow is up", "start next")
	})
}

// The whole life in its one order, whatever begins the stop and however many
// services start at once.
func TestTheOrderOfLifeIsTheSameWhateverBeginsTheStop(t *testing.T) {
	begin := map[string]func(h *hosted.Host, cancel func()){
		"Stop":          func(h *hosted.Host, _ func()) { _ = h.Stop(context.Background()) },
		"Lifetime.Stop": func(h *hosted.Host, _ func()) { h.Lifetime().Stop(errWhy) },
		"context":       func(_ *hosted.Host, cancel func()) { cancel() },
	}
	for name, stop := range begin {
		for _, concurrency := range []int{1, 4} {
			t.Run(fmt.Sprintf("%s/%d", name, concurrency), func(t *testing.T) {
				bubble(t, func(t *testing.T) { testOrderOfLife(t, concurrency, stop) })
			})
		}
	}
}

func testOrderOfLife(t *testing.T, concurrency int, stop func(*hosted.Host, func())) {
	var r record
	h := hosted.New(hosted.Config{StartConcurrency: concurrency, DrainDelay: time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := tracedHooks(&r, "s")
	moment := func(op string) func(context.Context) error {
		return func(context.Context) error {
			l := h.Lifetime()
			r.addf("%s: started %v stopping %v stopped %v", op, closed(l.Started()), closed(l.Stopping()), closed(l.Stopped()))
			return nil
		}
	}
	s.starting, s.start, s.started = moment("starting"), moment("start"), moment("started")
	s.stopping, s.stop, s.stopped = moment("stopping"), moment("stop"), moment("stopped")
	h.Add("s", s)
	result := runs(ctx, h)
	synctest.Wait()
	_ = moment("up")(ctx)
	began := time.Now()
	stop(h, cancel)
	wantNil(t, <-result)
	_ = moment("end")(ctx)
	if took := time.Since(began); took != time.Second {
		t.Errorf("the stop took %v, want the drain delay of 1s", took)
	}
	r.want(t,
		"starting: started false stopping false stopped false",
		"start: started false stopping false stopped false",
		"started: started false stopping false stopped false",
		"up: started true stopping false stopped false",
		"stopping: started true stopping true stopped false",
		"stop: started true stopping true stopped false",
		"stopped: started true stopping true stopped false",
		"end: started true stopping true stopped true")
}

func TestEachHookRunsForAllServicesBeforeTheNextBegins(t *testing.T) {
	for _, concurrency := range []int{1, 2} {
		bubble(t, func(t *testing.T) {
			var r record
			h := hosted.New(hosted.Config{StartConcurrency: concurrency})
			h.Add("a", tracedHooks(&r, "a"))
			h.Add("b", tracedHooks(&r, "b"), hosted.After("a"))
			starts(t, h)
			stops(t, h)
			r.want(t, "starting a", "starting b", "start a", "start b", "started a", "started b",
				"stopping b", "stopping a", "stop b", "stop a", "stopped b", "stopped a")
		})
	}
}
