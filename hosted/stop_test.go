package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
)

func TestCancellingRunIsACleanStopWithTheCauseKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{})
		h.Add("a", traced(&r, "a"))
		ctx, cancel := context.WithCancelCause(t.Context())
		result := runs(ctx, h)
		synctest.Wait()
		cancel(errWhy)
		wantNil(t, <-result)
		wantIs(t, h.Lifetime().Cause(), errWhy)
		wantIs(t, h.Report().Cause, errWhy)
		r.want(t, "start a", "stop a")
	})
}

func TestAServiceStopsOnlyWhenTheOnesAfterItHaveStopped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{})
		loop := func(name string) func(context.Context) error {
			return func(ctx context.Context) error {
				<-ctx.Done()
				r.addf("%s told", name)
				time.Sleep(time.Second)
				r.addf("%s ended", name)
				return ctx.Err()
			}
		}
		h.Go("a", loop("a"))
		h.Add("b", &fake{stop: func(context.Context) error {
			r.addf("b told")
			time.Sleep(time.Second)
			r.addf("b ended")
			return nil
		}})
		h.Go("c", loop("c"))
		starts(t, h)
		stops(t, h)
		r.want(t, "c told", "c ended", "b told", "b ended", "a told", "a ended")
	})
}

func TestALoopsContextLivesUntilItsTurnAndItsCauseSaysWhy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{DrainDelay: 5 * time.Second})
		began := time.Now()
		h.Go("loop", func(ctx context.Context) error {
			<-ctx.Done()
			r.addf("loop after %v: %v", time.Since(began), context.Cause(ctx))
			return context.Cause(ctx)
		})
		h.Add("later", &fake{stop: after(3*time.Second, nil)})
		starts(t, h)
		h.Lifetime().Stop(errWhy)
		stops(t, h)
		r.want(t, "loop after 8s: "+errWhy.Error())
	})
}

func TestALoopThatIsStoppedRightAfterItsStartEnds(t *testing.T) {
	for range 200 {
		h := hosted.New(hosted.Config{})
		var r record
		h.Go("loop", func(ctx context.Context) error { <-ctx.Done(); r.addf("saw the end"); return nil })
		starts(t, h)
		stops(t, h)
		r.want(t, "saw the end")
	}
}

// The failure is there before the service's turn begins, however close.
func TestAServiceThatEndsWithAnErrorRightBeforeItsTurnIsInTheError(t *testing.T) {
	for range 200 {
		h := hosted.New(hosted.Config{})
		a := newEnding()
		h.Add("a", a)
		h.Add("b", &fake{stop: func(context.Context) error { a.end(errBoom); return nil }})
		starts(t, h)
		if err := h.Stop(t.Context()); !errors.Is(err, errBoom) {
			t.Fatalf("got error %v, want %v", err, errBoom)
		}
	}
}

func TestStopOfAManyServiceHostIsInExactReverse(t *testing.T) {
	var r record
	h := hosted.New(hosted.Config{})
	var want []string
	const n = 2000
	for i := range n {
		h.Add(fmt.Sprint(i), &fake{stop: func(context.Context) error { r.addf("%d", i); return nil }})
		want = append(want, fmt.Sprint(n-1-i))
	}
	starts(t, h)
	stops(t, h)
	r.want(t, want...)
}

func TestAddAfterStartIsLoggedNotStartedAndInTheError(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		h.Add("a", traced(&r, "a"))
		starts(t, h)
		h.Add("late", traced(&r, "late"))
		if len(log.matching("service=late")) != 1 {
			t.Errorf("logged %q", log.all())
		}
		err := h.Stop(t.Context())
		wantServiceError(t, err, "late", "add")
		r.want(t, "start a", "stop a")
	})
}
