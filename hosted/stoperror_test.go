package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

func TestAFailingStopDoesNotKeepTheOthersFromStopping(t *testing.T) {
	for name, blow := range map[string]func(context.Context) error{
		"error":  failing(errBoom),
		"panic":  func(context.Context) error { panic(errBoom) },
		"goexit": func(context.Context) error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			var r record
			h := hosted.New(hosted.Config{})
			h.Add("a", traced(&r, "a"))
			h.Add("b", &fake{stop: blow})
			h.Add("c", traced(&r, "c"))
			starts(t, h)
			err := h.Stop(t.Context())
			r.want(t, "start a", "start c", "stop c", "stop a")
			if e := findServiceError(t, err, "b", "stop"); e != err { //nolint:errorlint // a lone error comes as it is
				t.Errorf("%v came wrapped in more", err)
			}
			if name == "goexit" {
				wantIs(t, err, lifecycle.ErrGoexit)
			} else {
				wantIs(t, err, errBoom)
			}
			wantState(t, h, "b", lifecycle.Failed)
		})
	}
}

func TestEveryFailureOfOneStopIsInTheErrorInOrder(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Add("s", &hooked{fake: fake{stop: failing(errBoom)}, stopping: failing(errOther), stopped: failing(errWhy)})
	starts(t, h)
	err := h.Stop(t.Context())
	wantList(t, "errors", calls(err), "stopping s", "stop s", "stopped s")
	for _, want := range []error{errBoom, errOther, errWhy} {
		wantIs(t, err, want)
	}
}

func TestErrorsOfSeveralLoopsAndStopsAreAllInTheError(t *testing.T) {
	h := hosted.New(hosted.Config{})
	fail := func(err error) func(context.Context) error {
		return func(ctx context.Context) error { <-ctx.Done(); return err }
	}
	h.Go("a", fail(errBoom))
	h.Add("b", &fake{stop: failing(errOther)})
	h.Go("c", fail(errWhy))
	starts(t, h)
	err := h.Stop(t.Context())
	wantList(t, "errors", calls(err), "run c", "stop b", "run a")
	wantState(t, h, "a", lifecycle.Failed)
}

func TestReturningTheEndOfTheContextAtTheStopIsClean(t *testing.T) {
	for name, end := range map[string]func(ctx context.Context) error{
		"error":         func(ctx context.Context) error { return ctx.Err() },
		"cause":         context.Cause,
		"wrapped":       func(ctx context.Context) error { return fmt.Errorf("poll: %w", ctx.Err()) },
		"wrapped cause": func(ctx context.Context) error { return fmt.Errorf("poll: %w", context.Cause(ctx)) },
		"both":          func(ctx context.Context) error { return fmt.Errorf("poll: %w: %w", ctx.Err(), context.Cause(ctx)) },
	} {
		t.Run(name, func(t *testing.T) {
			log, logger := newLog()
			h := hosted.New(hosted.Config{Logger: logger})
			h.Go("loop", func(ctx context.Context) error { <-ctx.Done(); return end(ctx) })
			starts(t, h)
			stops(t, h)
			wantState(t, h, "loop", lifecycle.Stopped)
			wantList(t, "errors in the log", log.matching("ERROR "))
		})
	}
}

func TestAnErrorJoinedWithTheEndOfTheContextIsNotLost(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Go("loop", func(ctx context.Context) error {
		<-ctx.Done()
		return errors.Join(ctx.Err(), errBoom)
	})
	starts(t, h)
	err := h.Stop(t.Context())
	wantServiceError(t, err, "loop", "run")
	wantIs(t, err, errBoom)
}

func TestAPanicWithTheContextsErrorIsStillAPanic(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Go("loop", func(ctx context.Context) error { <-ctx.Done(); panic(ctx.Err()) })
	starts(t, h)
	err := h.Stop(t.Context())
	var caught *hosted.PanicError
	if !errors.As(err, &caught) {
		t.Errorf("got error %v, want the panic", err)
	}
}
