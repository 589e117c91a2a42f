package hosted_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

func TestAContextThatIsDoneStartsNothing(t *testing.T) {
	for _, concurrency := range []int{1, 4} {
		var r record
		h := hosted.New(hosted.Config{StartConcurrency: concurrency})
		h.Add("a", tracedHooks(&r, "a"))
		h.Go("loop", func(context.Context) error { r.addf("loop"); return nil })
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errWhy)
		err := h.Run(ctx)
		wantIs(t, err, context.Canceled)
		wantIs(t, err, errWhy)
		r.want(t)
		wantState(t, h, "loop", lifecycle.New)
	}
}

func TestCancellingTheStartEndsItAndStartsNoLaterService(t *testing.T) {
	for _, concurrency := range []int{1, 4} {
		bubble(t, func(t *testing.T) {
			var r record
			h := hosted.New(hosted.Config{StartConcurrency: concurrency})
			h.Add("a", traced(&r, "a"))
			h.Add("b", &fake{start: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}, hosted.After("a"))
			h.Add("c", traced(&r, "c"), hosted.After("b"))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := h.Start(ctx)
			wantServiceError(t, err, "b", "start")
			wantIs(t, err, context.DeadlineExceeded)
			r.want(t, "start a", "stop a")
		})
	}
}

func TestAStopDuringTheStartCancelsTheOneInProgressAndStopsTheOthers(t *testing.T) {
	for _, concurrency := range []int{1, 4} {
		bubble(t, func(t *testing.T) {
			var r record
			log, logger := newLog()
			h := hosted.New(hosted.Config{StartConcurrency: concurrency, Logger: logger})
			h.Add("a", traced(&r, "a"))
			h.Add("b", &fake{start: func(ctx context.Context) error {
				<-ctx.Done()
				r.addf("cause %v", context.Cause(ctx))
				time.Sleep(100 * time.Millisecond)
				r.addf("b gave up")
				return ctx.Err()
			}}, hosted.After("a"))
			h.Add("c", traced(&r, "c"), hosted.After("b"))
			go func() { time.Sleep(time.Second); h.Lifetime().Stop(errWhy) }()
			err := h.Run(t.Context())
			wantIs(t, err, errWhy)
			wantIs(t, err, context.Canceled)
			r.want(t, "start a", "cause "+errWhy.Error(), "b gave up", "stop a")
			if closed(h.Lifetime().Started()) {
				t.Error("Started was closed")
			}
			wantList(t, "errors in the log", log.matching("ERROR "))
		})
	}
}

func TestAStartThatSucceedsAlthoughToldToEndIsStopped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{})
		s := traced(&r, "late")
		s.start = after(1200*time.Millisecond, nil)
		h.Add("late", s)
		h.Add("next", traced(&r, "next"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := h.Start(ctx)
		wantIs(t, err, context.DeadlineExceeded)
		wantList(t, "stragglers", stragglers(err))
		r.want(t, "stop late")
	})
}

func TestALoopThatFailsDuringTheStartIsTheErrorAndTheCause(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{})
		h.Go("loop", after(time.Second, errBoom))
		h.Add("slow", &fake{start: func(ctx context.Context) error {
			<-ctx.Done()
			r.addf("cause is boom: %v", errors.Is(context.Cause(ctx), errBoom))
			return ctx.Err()
		}})
		h.Add("next", traced(&r, "next"))
		err := h.Run(t.Context())
		wantList(t, "errors", calls(err), "run loop")
		wantIs(t, err, errBoom)
		wantNot(t, err, context.Canceled)
		wantIs(t, h.Lifetime().Cause(), errBoom)
		r.want(t, "cause is boom: true")
	})
}

func TestAStartTimeoutNamesTheServiceAndTheTimeout(t *testing.T) {
	obedient := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, concurrency := range []int{1, 4} {
		for op, s := range map[string]hosted.Service{
			"starting": &hooked{starting: obedient},
			"start":    &fake{start: obedient},
			"started":  &hooked{started: obedient},
		} {
			bubble(t, func(t *testing.T) {
				var r record
				h := hosted.New(hosted.Config{StartTimeout: 3 * time.Second, StartConcurrency: concurrency})
				h.Add("first", traced(&r, "first"))
				h.Add("s", s, hosted.After("first"))
				began := time.Now()
				err := h.Start(t.Context())
				if took := time.Since(began); took != 3*time.Second {
					t.Errorf("%s: gave up after %v, want 3s", op, took)
				}
				e := findServiceError(t, err, "s", op)
				wantIs(t, e, context.DeadlineExceeded)
				wantText(t, e.Error(), "StartTimeout of 3s")
				if op != "starting" {
					r.want(t, "start first", "stop first")
				}
			})
		}
	}
}

func TestAServiceCanHaveAStartTimeoutOfItsOwn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Add("patient", &fake{start: after(time.Minute, nil)})
		h.Add("s", &fake{start: idle}, hosted.StartTimeout(time.Second))
		began := time.Now()
		err := h.Start(t.Context())
		e := findServiceError(t, err, "s", "start")
		wantIs(t, e, context.DeadlineExceeded)
		wantText(t, e.Error(), "StartTimeout of 1s")
		if took := time.Since(began); took != 61*time.Second {
			t.Errorf("took %v, want 61s", took)
		}
	})
}

func TestTheRollBackOfATimedOutStartHasABudgetOfItsOwn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{StartTimeout: time.Second, ShutdownTimeout: 10 * time.Second})
		var left time.Duration
		h.Add("a", &fake{stop: func(ctx context.Context) error {
			wantNil(t, ctx.Err())
			deadline, _ := ctx.Deadline()
			left = time.Until(deadline)
			time.Sleep(5 * time.Second)
			return nil
		}})
		h.Add("b", &fake{start: idle})
		err := h.Start(t.Context())
		wantList(t, "errors", calls(err), "start b")
		if left != 10*time.Second {
			t.Errorf("the stop had %v, want 10s", left)
		}
	})
}

func TestAnOwnErrorOfATimedOutStartComesBeforeTheDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{StartTimeout: time.Second})
		h.Add("s", &fake{start: func(ctx context.Context) error { <-ctx.Done(); return errBoom }})
		err := h.Start(t.Context())
		wantIs(t, err, errBoom)
		wantIs(t, err, context.DeadlineExceeded)
		all := flat(err)
		for _, e := range all {
			if e == errBoom { //nolint:errorlint // looks for the first of the two
				return
			}
			if e == context.DeadlineExceeded { //nolint:errorlint // looks for the first of the two
				t.Fatalf("the deadline comes first in %v", err)
			}
		}
	})
}
