package hosted_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
)

// The order of the stop goes through whatever has nothing to stop: tasks, any
// number of them, and what a task task waits for.
func TestTheOrderOfTheStopGoesThroughWhatHasNothingToStop(t *testing.T) {
	for name, cfg := range map[string]hosted.Config{
		"in order":            {},
		"side by side":        {StartConcurrency: 4},
		"two at a time":       {StopConcurrency: 2},
		"only the start is":   {StartConcurrency: 4, StopConcurrency: 1},
		"only the stop is":    {StopConcurrency: 9},
		"without being asked": {StartConcurrency: 2, StopConcurrency: 3},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var r record
				h := hosted.New(cfg)
				slow := func(name string) *fake {
					return &fake{stop: func(context.Context) error {
						r.addf("%s drains", name)
						time.Sleep(time.Second)
						r.addf("%s stops", name)
						return nil
					}}
				}
				h.Add("web", slow("web"), hosted.After("seed"))
				h.Task("seed", failing(nil), hosted.After("migrate"))
				h.Task("migrate", failing(nil), hosted.After("db"))
				h.Add("db", slow("db"))
				starts(t, h)
				stops(t, h)
				r.want(t, "web drains", "web stops", "db drains", "db stops")
			})
		})
	}
}

func TestATaskOfRunTaskNeedsOnlySomeAndTheyStopSideBySide(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{StartConcurrency: 4})
		h.Add("db", &fake{stop: after(time.Second, nil)})
		h.Task("migrate", failing(nil), hosted.After("db"))
		h.Add("web", &fake{}, hosted.After("migrate"))
		wantNil(t, h.RunTask(t.Context(), failing(nil), "migrate"))
	})
}

func TestStopConcurrencyIsTheStopsOwn(t *testing.T) {
	for _, c := range []struct {
		start, stop int
		most        int32
		took        time.Duration
	}{
		{1, 0, 1, 6 * time.Second},
		{4, 0, 6, time.Second},
		{4, 1, 1, 6 * time.Second},
		{0, 2, 2, 3 * time.Second},
		{0, 4, 4, 2 * time.Second},
		{2, 6, 6, time.Second},
	} {
		t.Run(fmt.Sprint(c.start, " ", c.stop), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := hosted.New(hosted.Config{StartConcurrency: c.start, StopConcurrency: c.stop})
				var stopping, most atomic.Int32
				for i := range 6 {
					h.Add(fmt.Sprint(i), &fake{stop: func(context.Context) error {
						n := stopping.Add(1)
						most.Store(max(most.Load(), n))
						time.Sleep(time.Second)
						stopping.Add(-1)
						return nil
					}})
				}
				starts(t, h)
				began := time.Now()
				stops(t, h)
				if took := time.Since(began); took != c.took || most.Load() != c.most {
					t.Errorf("took %v with %d at once, want %v and %d", took, most.Load(), c.took, c.most)
				}
			})
		})
	}
}

// With few places and all of them stuck, those that wait for one have their share.
func TestWithFewPlacesEachThatWaitsForOneHasItsShare(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const n, budget = 20, 10 * time.Second
		h := hosted.New(hosted.Config{ShutdownTimeout: budget, StopConcurrency: 3})
		had := make(chan time.Duration, n)
		for i := range n {
			h.Add(fmt.Sprint(i), &fake{stop: func(ctx context.Context) error {
				deadline, _ := ctx.Deadline()
				had <- time.Until(deadline)
				<-t.Context().Done()
				return nil
			}})
		}
		starts(t, h)
		began := time.Now()
		err := h.Stop(context.Background())
		within(t, began, budget)
		least := budget
		for range n {
			least = min(least, <-had)
		}
		if len(stragglers(err)) != n || least < budget/4/n {
			t.Errorf("%d stragglers; the least that one had is %v", len(stragglers(err)), least)
		}
	})
}
