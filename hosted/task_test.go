package hosted_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
)

func TestRunTaskStartsOnlyWhatTheTaskNeeds(t *testing.T) {
	var r record
	h := hosted.New(hosted.Config{DrainDelay: time.Hour, ShutdownTimeout: 2 * time.Hour})
	h.Add("db", traced(&r, "db"))
	h.Add("cache", traced(&r, "cache"), hosted.After("db"))
	h.Add("workers", tracedHooks(&r, "workers"), hosted.After("cache"))
	err := h.RunTask(t.Context(), func(context.Context) error { r.addf("migrate"); return nil }, "cache")
	wantNil(t, err)
	r.want(t, "start db", "start cache", "migrate", "stop cache", "stop db")
}

func TestATaskThatIsDoneAtOnceIsASuccess(t *testing.T) {
	for range 500 {
		var r record
		h := hosted.New(hosted.Config{})
		h.Add("db", tracedHooks(&r, "db"))
		wantNil(t, h.RunTask(t.Context(), failing(nil), "db"))
		if r.count("stopped db") != 1 {
			t.Fatalf("got %q", r.all())
		}
	}
}

func TestRunTaskReturnsTheErrorOfTheTask(t *testing.T) {
	for name, run := range map[string]func(context.Context) error{
		"error": failing(errBoom),
		"panic": func(context.Context) error { panic(errBoom) },
	} {
		t.Run(name, func(t *testing.T) {
			var r record
			h := hosted.New(hosted.Config{})
			h.Add("db", traced(&r, "db"))
			err := h.RunTask(t.Context(), run, "db")
			wantIs(t, err, errBoom)
			r.want(t, "start db", "stop db")
		})
	}
}

func TestATaskIsCancelledByTheFailureOfWhatItNeeds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("db", after(time.Second, errBoom))
		var cause error
		err := h.RunTask(t.Context(), func(ctx context.Context) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return ctx.Err()
		}, "db")
		wantIs(t, err, errBoom)
		wantIs(t, cause, errBoom)
	})
}

func TestATaskIsCancelledByItsCallerWhichIsItsError(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() { time.Sleep(time.Second); cancel(errWhy) }()
		err := h.RunTask(ctx, func(ctx context.Context) error {
			<-ctx.Done()
			wantIs(t, context.Cause(ctx), errWhy)
			return ctx.Err()
		})
		wantIs(t, err, context.Canceled)
	})
}

func TestATaskThatIgnoresItsContextIsLeftBehind(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err := h.RunTask(ctx, stuck(t))
		within(t, began, 2*time.Second)
		if len(stragglers(err)) != 1 {
			t.Errorf("got error %v, want a straggler", err)
		}
	})
}

func TestATaskThatEndsBeforeItsCallerIsToldIsASuccess(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("loop", idle)
		wantNil(t, h.RunTask(t.Context(), after(time.Hour, nil), "loop"))
	})
}

func TestAFailedStopAfterATaskIsInItsError(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Add("db", &fake{stop: failing(errOther)})
	wantIs(t, h.RunTask(t.Context(), failing(nil), "db"), errOther)
}

func TestRunTaskRefusesWhatItCannotDo(t *testing.T) {
	h := hosted.New(hosted.Config{})
	if h.RunTask(t.Context(), nil) == nil {
		t.Error("no function was accepted")
	}
	h = hosted.New(hosted.Config{})
	if err := h.RunTask(t.Context(), failing(nil), "ghost"); err == nil {
		t.Error("an unknown need was accepted")
	} else {
		wantText(t, err.Error(), "ghost")
	}
	h = hosted.New(hosted.Config{})
	starts(t, h)
	if h.RunTask(t.Context(), failing(nil)) == nil {
		t.Error("a host that runs was accepted")
	}
	_ = h.Stop(t.Context())
	h = hosted.New(hosted.Config{})
	wantNil(t, h.RunTask(t.Context(), failing(nil)))
	if h.RunTask(t.Context(), failing(nil)) == nil {
		t.Error("a second task was accepted")
	}
}

func TestATaskCanWaitForAndUseItsNeeds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("db", idle)
		h.Go("other", idle)
		err := h.RunTask(t.Context(), func(ctx context.Context) error {
			if err := hosted.Coordinator(ctx).Wait(ctx, "db"); err != nil {
				return err
			}
			if hosted.Coordinator(ctx).Wait(ctx, "other") == nil {
				return errors.New("waited for a service that does not run")
			}
			return nil
		}, "db")
		wantNil(t, err)
	})
}
