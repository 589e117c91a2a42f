package hosted_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/steadgo/stead/coordinator"
	"github.com/steadgo/stead/hosted"
)

func TestSideBySideAServiceMayWaitForALaterOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{StartConcurrency: 4})
		h.Add("first", &fake{start: func(ctx context.Context) error { return hosted.Coordinator(ctx).Wait(ctx, "last") }})
		h.Add("last", &fake{start: after(time.Second, nil)})
		starts(t, h)
		stops(t, h)
	})
}

func TestSideBySideThoseWhoWaitLeaveTheirPlacesToThoseTheyWaitFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{StartConcurrency: 2})
		for _, name := range []string{"a", "b", "c"} {
			h.Add(name, &fake{start: func(ctx context.Context) error { return hosted.Coordinator(ctx).Wait(ctx, "y", "z") }})
		}
		for _, name := range []string{"x", "y", "z"} {
			h.Add(name, &fake{start: after(time.Second, nil)})
		}
		began := time.Now()
		starts(t, h)
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("took %v, want 2s: x and y, then z", took)
		}
		stops(t, h)
	})
}

func TestAPlaceIsGivenUpOnceHoweverOftenTheCoordinatorIsAskedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{StartConcurrency: 1 + 1})
		ask := func(ctx context.Context) error {
			for range 3 {
				hosted.Coordinator(ctx)
			}
			return after(time.Second, nil)(ctx)
		}
		h.Add("asks", &fake{start: ask, stop: func(ctx context.Context) error { hosted.Coordinator(ctx); return nil }})
		for i := range 4 {
			h.Add(fmt.Sprint(i), &fake{start: after(time.Second, nil)})
		}
		began := time.Now()
		starts(t, h)
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("took %v, want 2s: two at a time beside the one that asked", took)
		}
		stops(t, h)
	})
}

func TestSideBySideACircleOfWaitsAndAfterIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{StartConcurrency: 4})
		h.Add("first", &fake{start: func(ctx context.Context) error { return hosted.Coordinator(ctx).Wait(ctx, "last") }})
		h.Add("last", &fake{}, hosted.After("first"))
		wantIs(t, h.Start(t.Context()), coordinator.ErrCycle)
	})
}

func TestIndependentServicesStartAndStopSideBySide(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{StartConcurrency: 10})
		for i := range 10 {
			h.Add(fmt.Sprint(i), &fake{start: after(time.Second, nil), stop: after(time.Second, nil)})
		}
		began := time.Now()
		starts(t, h)
		stops(t, h)
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("took %v, want 1s and 1s", took)
		}
	})
}

func TestAtMostSoManyServicesAreStartingAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{StartConcurrency: 3})
		var mu sync.Mutex
		now, most := 0, 0
		for i := range 10 {
			h.Add(fmt.Sprint(i), &fake{start: func(context.Context) error {
				mu.Lock()
				now++
				most = max(most, now)
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				defer mu.Unlock()
				now--
				return nil
			}})
		}
		began := time.Now()
		starts(t, h)
		if took := time.Since(began); took != 4*time.Second || most != 3 {
			t.Errorf("took %v with %d at once, want 4s with 3", took, most)
		}
		stops(t, h)
	})
}

func TestSideBySideTheGraphIsKeptInBothDirections(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{StartConcurrency: 10})
		slow := func(name string) *fake {
			note := func(op string) func(context.Context) error {
				return func(context.Context) error { time.Sleep(time.Second); r.addf("%s %s", op, name); return nil }
			}
			return &fake{note("start"), note("stop")}
		}
		h.Add("db", slow("db"))
		h.Add("cache", slow("cache"), hosted.After("db"))
		h.Add("api", slow("api"), hosted.After("cache"))
		began := time.Now()
		starts(t, h)
		stops(t, h)
		if took := time.Since(began); took != 6*time.Second {
			t.Errorf("took %v, want 6s", took)
		}
		r.want(t, "start db", "start cache", "start api", "stop api", "stop cache", "stop db")
	})
}

func TestSideBySideAFailureCancelsTheOthersAndEveryOwnErrorIsKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{StartConcurrency: 10})
		h.Add("up", traced(&r, "up"))
		h.Add("fails", &fake{start: after(time.Second, errBoom)})
		h.Add("cancelled", &fake{start: idle})
		h.Add("fails too", &fake{start: func(ctx context.Context) error { <-ctx.Done(); return errOther }})
		h.Add("never", traced(&r, "never"), hosted.After("cancelled"))
		began := time.Now()
		err := h.Start(t.Context())
		if took := time.Since(began); took != time.Second {
			t.Errorf("took %v", took)
		}
		wantList(t, "errors", calls(err), "start fails", "start fails too")
		wantIs(t, err, errBoom)
		wantIs(t, err, errOther)
		wantNot(t, err, context.Canceled)
		r.want(t, "start up", "stop up")
	})
}

func TestSideBySideTheBudgetIsDividedAlongTheLongestChain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{StartConcurrency: 10, ShutdownTimeout: 10 * time.Second})
		for i := range 50 { // all of them have the whole budget, being beside each other
			h.Add(fmt.Sprint(i), &fake{stop: after(9*time.Second, nil)})
		}
		starts(t, h)
		stops(t, h)
	})
}
