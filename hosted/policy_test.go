package hosted_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// nilPointerError is the error that a function returns by mistake when it returns a
// nil pointer of its own type.
type nilPointerError struct{ cause error }

func (e *nilPointerError) Error() string { return e.cause.Error() }
func (e *nilPointerError) Unwrap() error { return e.cause }

// textlessError is the same of an error that wraps nothing.
type textlessError struct{ text string }

func (e *textlessError) Error() string { return e.text }

func TestAFailedLoopStopsTheHostAndIsItsError(t *testing.T) {
	for name, blow := range map[string]func(context.Context) error{
		"error":             failing(errBoom),
		"panic":             func(context.Context) error { panic(errBoom) },
		"goexit":            func(context.Context) error { runtime.Goexit(); return nil },
		"foreign cancel":    failing(context.Canceled),
		"foreign deadline":  failing(context.DeadlineExceeded),
		"nil panic":         func(context.Context) error { panic(nil) },
		"odd panic":         func(context.Context) error { panic(struct{ f []int }{}) },
		"nil pointer":       func(context.Context) error { return (*nilPointerError)(nil) },
		"nil without text":  func(context.Context) error { return (*textlessError)(nil) },
		"nil pointer panic": func(context.Context) error { panic((*nilPointerError)(nil)) },
		"goroutine's Fatal": func(context.Context) error { (&testing.T{}).SkipNow(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			var r record
			log, logger := newLog()
			h := hosted.New(hosted.Config{Logger: logger})
			h.Add("other", traced(&r, "other"))
			h.Go("loop", blow)
			err := h.Run(t.Context())
			wantServiceError(t, err, "loop", "run")
			wantList(t, "errors", calls(err), "run loop")
			r.want(t, "start other", "stop other")
			wantState(t, h, "loop", lifecycle.Failed)
			if h.Stop(t.Context()) == nil {
				t.Error("a later Stop does not return the error")
			}
			if text, fault := json.Marshal(h.Report()); fault != nil || err.Error() == "" {
				t.Errorf("%v, report %s: %v", err, text, fault)
			}
			if n := len(log.matching("ERROR service failed")); n != 1 {
				t.Errorf("logged %d times: %q", n, log.all())
			}
			if cause := h.Lifetime().Cause(); cause == nil || !errors.Is(err, cause) {
				t.Errorf("the cause of the stop is %v, want the failure", cause)
			}
		})
	}
}

func TestAPanicIsLoggedAndReturnedWithItsStack(t *testing.T) {
	log, logger := newLog()
	h := hosted.New(hosted.Config{Logger: logger})
	h.Go("loop", func(context.Context) error { explode(); return nil })
	err := h.Run(t.Context())
	var caught *hosted.PanicError
	if !errors.As(err, &caught) {
		t.Fatalf("got error %v, want a panic", err)
	}
	wantIs(t, err, io.ErrUnexpectedEOF)
	wantText(t, string(caught.Stack), "hosted_test.explode")
	wantText(t, fmt.Sprint(log.matching("service failed")), "stack=", "explode")
	if n := status(t, h, "loop").Panics; n != 1 {
		t.Errorf("%d panics counted, want 1", n)
	}
}

func explode() { panic(io.ErrUnexpectedEOF) }

func TestTheFirstFailureIsTheCauseAndComesFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("victim", func(ctx context.Context) error {
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), errBoom) {
				t.Errorf("the cause is %v", context.Cause(ctx))
			}
			return errOther
		})
		h.Go("culprit", after(time.Second, errBoom))
		h.Go("victim too", func(ctx context.Context) error { <-ctx.Done(); return errWhy })
		err := h.Run(t.Context())
		wantList(t, "errors", calls(err), "run culprit", "run victim too", "run victim")
	})
}

func TestALoopThatReturnsNilIsCompletedAndTheHostGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		h.Go("short", after(time.Second, nil))
		h.Go("long", idle)
		starts(t, h)
		pass(time.Hour)
		wantState(t, h, "short", lifecycle.Completed)
		wantState(t, h, "long", lifecycle.Running)
		stops(t, h)
		wantState(t, h, "short", lifecycle.Completed)
		wantState(t, h, "long", lifecycle.Stopped)
		if len(log.matching("INFO service completed")) != 1 {
			t.Errorf("logged %q", log.all())
		}
	})
}

func TestIgnoreGoesOnWithoutTheLoopAndWithoutAnError(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		h.Go("optional", after(time.Second, errBoom), hosted.OnFailure(hosted.Ignore()))
		h.Go("other", idle)
		starts(t, h)
		pass(time.Hour)
		wantState(t, h, "optional", lifecycle.Failed)
		wantIs(t, status(t, h, "optional").Err, errBoom)
		wantState(t, h, "other", lifecycle.Running)
		stops(t, h)
		if n := len(log.matching("ERROR ")); n != 1 {
			t.Errorf("logged %d errors: %q", n, log.all())
		}
		if r := h.Report(); r.Err != nil || !errors.Is(r.Services[1].Err, errBoom) {
			t.Errorf("the report is\n%v", r)
		}
	})
}

func TestEachServiceHasItsOwnPolicy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("optional", after(time.Second, errOther), hosted.OnFailure(hosted.Ignore()))
		h.Go("vital", after(2*time.Second, errBoom))
		began := time.Now()
		err := h.Run(t.Context())
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("ran %v, want 2s", took)
		}
		wantList(t, "errors", calls(err), "run vital")
		wantNot(t, err, errOther)
	})
}

func TestAPolicyDoesNotApplyToTheStart(t *testing.T) {
	for name, p := range map[string]hosted.Policy{"ignore": hosted.Ignore(), "restart": hosted.Restart(hosted.RestartConfig{})} {
		t.Run(name, func(t *testing.T) {
			h := hosted.New(hosted.Config{})
			h.Go("loop", failing(errBoom), hosted.WaitReady(), hosted.OnFailure(p))
			err := h.Start(t.Context())
			wantServiceError(t, err, "loop", "start")
			wantIs(t, err, errBoom)
		})
	}
}

// moody panics in the methods that only tell something.
type moody struct {
	fake
	done, err, leftover bool
}

func (m *moody) Done() <-chan struct{} {
	if m.done {
		panic(errBoom)
	}
	ch := make(chan struct{})
	if m.err {
		close(ch)
	}
	return ch
}

func (m *moody) Err() error { panic(errBoom) }

func (m *moody) Leftover() int {
	if m.leftover {
		panic(errBoom)
	}
	return 0
}

func TestAPanicInAnOptionalMethodDoesNotTakeTheProcessDown(t *testing.T) {
	for name, m := range map[string]*moody{"Done": {done: true}, "Err": {err: true}} {
		t.Run(name, func(t *testing.T) {
			h := hosted.New(hosted.Config{})
			h.Add("moody", m)
			err := h.Run(t.Context())
			wantServiceError(t, err, "moody", "run")
			wantIs(t, err, errBoom)
		})
	}
	t.Run("Leftover", func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Add("moody", &moody{leftover: true})
		starts(t, h)
		stops(t, h)
	})
}
