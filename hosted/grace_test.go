package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

func TestSideBySideAStartThatWasCutShortIsNoSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{StartConcurrency: 2})
		h.Task("a", func(context.Context) error { time.Sleep(2 * time.Second); return nil })
		h.Task("b", func(context.Context) error { return nil }, hosted.After("a"))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(1500*time.Millisecond, cancel)
		if err := h.Start(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Start = %v although b was not started", err)
		}
		if s := h.Services()[1]; s.State != lifecycle.New {
			t.Errorf("b is %v", s.State)
		}
	})
}

func TestAStopDuringTheGraceOfAStartKeepsItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Task("deaf", func(context.Context) error { time.Sleep(5 * time.Second); return nil }, hosted.StartTimeout(time.Second))
		started := make(chan error, 1)
		go func() { started <- h.Start(t.Context()) }()
		time.Sleep(1050 * time.Millisecond)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := h.Stop(ctx)
		if took := time.Since(began); took > 150*time.Millisecond {
			t.Errorf("Stop took %v of 100 ms", took)
		}
		var timeout *hosted.TimeoutError
		if !errors.As(err, &timeout) || timeout.Stragglers[0].Service != "deaf" {
			t.Errorf("Stop = %v, want the straggler deaf", err)
		}
		<-started
		time.Sleep(5 * time.Second) // until it has come back
	})
}

func TestAStartThatIgnoresItsContextIsLeftBehindAfterAGrace(t *testing.T) {
	cases := map[string]func(h *hosted.Host, stuck func(context.Context) error){
		"start":    func(h *hosted.Host, stuck func(context.Context) error) { h.Add("s", &fake{start: stuck}) },
		"starting": func(h *hosted.Host, stuck func(context.Context) error) { h.Add("s", &hooked{starting: stuck}) },
		"started":  func(h *hosted.Host, stuck func(context.Context) error) { h.Add("s", &hooked{started: stuck}) },
		"task":     func(h *hosted.Host, stuck func(context.Context) error) { h.Task("s", stuck) },
		"loop":     func(h *hosted.Host, stuck func(context.Context) error) { h.Go("s", stuck, hosted.WaitReady()) },
	}
	for op, add := range cases {
		for _, concurrency := range []int{1, 4} {
			t.Run(fmt.Sprintf("%s/%d", op, concurrency), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					var r record
					h := hosted.New(hosted.Config{StartTimeout: 5 * time.Second, StartConcurrency: concurrency, ShutdownTimeout: 2 * time.Second})
					h.Add("before", traced(&r, "before"))
					add(h, stuck(t))
					began := time.Now()
					err := h.Start(t.Context())
					took := time.Since(began)
					if op == "started" { // s itself is up and is stopped
						within(t, began, 5*time.Second+500*time.Millisecond)
					} else if took < 5500*time.Millisecond || took > 5550*time.Millisecond {
						t.Errorf("took %v, want 5s and a grace of 500ms", took)
					}
					want := op
					if op == "loop" || op == "task" {
						want = "start"
					}
					wantList(t, "stragglers", stragglers(err), want+" s")
					wantServiceError(t, err, "s", want)
					wantIs(t, err, context.DeadlineExceeded)
					if op != "starting" && r.count("stop before") != 1 {
						t.Errorf("got %v, want the service before stopped", r.all())
					}
				})
			})
		}
	}
}

func TestTheGraceOfAStartIsASecondAtMost(t *testing.T) {
	for _, budget := range []time.Duration{0, time.Minute, -1} {
		bubble(t, func(t *testing.T) {
			h := hosted.New(hosted.Config{StartTimeout: 5 * time.Second, ShutdownTimeout: budget})
			h.Add("s", &fake{start: stuck(t)})
			began := time.Now()
			_ = h.Start(t.Context())
			if took := time.Since(began); took < 6*time.Second || took > 6050*time.Millisecond {
				t.Errorf("took %v, want 6s", took)
			}
		})
	}
}

func TestAStopWithAShortDeadlineIsKeptAlsoWhenAStartIsStuck(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{})
		h.Add("before", traced(&r, "before"))
		h.Add("s", &fake{start: stuck(t)})
		result := runs(t.Context(), h)
		synctest.Wait()
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		err := h.Stop(ctx)
		within(t, began, 200*time.Millisecond)
		wantList(t, "stragglers", stragglers(err), "start s")
		wantIs(t, <-result, err)
		r.want(t, "start before", "stop before")
	})
}

// The rest of a time that is up: every service is still told.
func TestAStopWithoutAnyTimeStillTellsEveryService(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{})
		for i := range 100 {
			name := fmt.Sprint(i)
			h.Add(name, &fake{stop: func(context.Context) error { r.addf("told"); <-t.Context().Done(); return nil }})
		}
		starts(t, h)
		ctx, cancel := context.WithDeadline(t.Context(), time.Now())
		defer cancel()
		began := time.Now()
		err := h.Stop(ctx)
		within(t, began, 0)
		synctest.Wait()
		if n := r.count("told"); n != 100 {
			t.Errorf("%d services were told, want 100", n)
		}
		if n := len(stragglers(err)); n != 100 {
			t.Errorf("%d stragglers, want 100", n)
		}
	})
}

func TestAStartThatComesUpAfterItWasLeftBehindIsStopped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{StartTimeout: time.Second})
		s := traced(&r, "late")
		s.start = after(time.Minute, nil)
		h.Add("late", s)
		err := h.Start(t.Context())
		wantList(t, "stragglers", stragglers(err), "start late")
		r.want(t)
		time.Sleep(time.Hour)
		r.want(t, "stop late")
		wantState(t, h, "late", lifecycle.Failed)
	})
}
