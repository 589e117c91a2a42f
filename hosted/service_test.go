package hosted_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// direct is what a Loop is to those who call it themselves.
type direct interface {
	hosted.Service
	Done() <-chan struct{}
	Err() error
}

func newDirect(t *testing.T, run func(context.Context) error) direct {
	t.Helper()
	d, ok := hosted.Loop(run).(direct)
	if !ok {
		t.Fatal("a Loop cannot say that it has ended")
	}
	return d
}

func TestALoopCanBeCalledDirectly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := newDirect(t, idle)
		wantNil(t, l.Stop(t.Context()))
		wantNil(t, l.Err())
		wantNil(t, l.Start(t.Context()))
		if l.Start(t.Context()) == nil {
			t.Error("a second start was accepted")
		}
		synctest.Wait()
		if closed(l.Done()) || l.Err() != nil {
			t.Error("it has ended")
		}
		wantNil(t, l.Stop(t.Context()))
		wantNil(t, l.Stop(t.Context()))
		if !closed(l.Done()) {
			t.Error("it has not ended")
		}
		wantNil(t, l.Err())
	})
}

func TestADirectLoopRefusesAContextThatIsDone(t *testing.T) {
	l := newDirect(t, func(context.Context) error { t.Error("it ran"); return nil })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantIs(t, l.Start(ctx), context.Canceled)
}

func TestADirectLoopSaysWhyItEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := newDirect(t, failing(errBoom))
		wantNil(t, l.Start(t.Context()))
		<-l.Done()
		wantIs(t, l.Err(), errBoom)
		wantIs(t, l.Stop(t.Context()), errBoom)
	})
}

func TestADirectLoopThatIgnoresItsContextIsLeftAtTheDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := newDirect(t, stuck(t))
		wantNil(t, l.Start(t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantIs(t, l.Stop(ctx), context.DeadlineExceeded)
	})
}

func TestAFreshServiceIsStoppedBeforeItsStartWithoutHarm(t *testing.T) {
	f := hosted.Fresh(func() (hosted.Service, error) { return &fake{}, nil })
	wantNil(t, f.Stop(t.Context()))
}

func TestAsFindsWhatIsBehindWrappersAndNothingElse(t *testing.T) {
	inner := newEnding()
	if e, found := hosted.As[*ending](wrapper{wrapper{inner}}); !found || e != inner {
		t.Errorf("found %v, %v", e, found)
	}
	if _, found := hosted.As[*ending](wrapper{&fake{}}); found {
		t.Error("found what is not there")
	}
	if _, found := hosted.As[*ending](nil); found {
		t.Error("found something behind nothing")
	}
}

// A loop is given up, ends with an error while others still stop, and that error
// is in the result.
func TestAnErrorThatComesAfterItsTurnAndBeforeTheEndIsInTheError(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Add("slow", &fake{stop: after(5*time.Second, nil)})
		h.Go("late", func(ctx context.Context) error { <-ctx.Done(); time.Sleep(2 * time.Second); return errBoom },
			hosted.StopTimeout(time.Second))
		starts(t, h)
		err := h.Stop(t.Context())
		wantIs(t, err, errBoom)
		wantList(t, "stragglers", stragglers(err))
	})
}

func TestErrIsNilUntilTheHostHasStopped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{Name: "shop"})
		if h.Name() != "shop" || hosted.New(hosted.Config{}).Name() != "host" {
			t.Error("the names are wrong")
		}
		h.Add("s", &fake{stop: failing(errBoom)})
		wantNil(t, h.Err())
		starts(t, h)
		wantNil(t, h.Err())
		if !h.Live() {
			t.Error("not live")
		}
		wantIs(t, h.Stop(t.Context()), errBoom)
		wantIs(t, h.Err(), errBoom)
		if !closed(h.Done()) || h.Live() {
			t.Error("done and live do not follow the stop")
		}
	})
}

func TestARestartHasTheTimeoutsOfTheService(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := 0
		h := hosted.New(hosted.Config{})
		h.Add("s", hosted.Fresh(func() (hosted.Service, error) {
			s := newInstance()
			n++
			if n == 1 {
				s.end(errBoom)
				s.stop = after(100*time.Millisecond, nil)
			} else {
				s.start = idle
			}
			return s, nil
		}), hosted.StartTimeout(time.Second), hosted.StopTimeout(200*time.Millisecond),
			hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: time.Second, Max: time.Second, Limit: 2})))
		began := time.Now()
		err := h.Run(t.Context())
		wantServiceError(t, err, "s", "run")
		wantIs(t, err, context.DeadlineExceeded)
		wantText(t, err.Error(), "StartTimeout of 1s", "after 2 restarts")
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("took %v, want two backoffs of at most 1s, a stop of 0.1s and two starts of 1s", took)
		}
	})
}

func TestAStopDuringTheStopOfAnOldInstanceStopsNothingTwice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		first := newInstance()
		first.stop = after(400*time.Millisecond, nil)
		h := hosted.New(hosted.Config{})
		h.Add("s", hosted.Fresh(func() (hosted.Service, error) { return first, nil }),
			hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: time.Second, Max: time.Second})))
		starts(t, h)
		first.end(errBoom)
		for first.stops.Load() == 0 { // until the backoff is over
			time.Sleep(10 * time.Millisecond)
		}
		stops(t, h)
		if n := first.stops.Load(); n != 1 {
			t.Errorf("stopped %d times, want once", n)
		}
	})
}

// announcing has the hooks around a reload.
type announcing struct {
	reloading
	before, after func(ctx context.Context) error
}

func (a *announcing) Reloading(ctx context.Context) error { return call(ctx, a.before) }
func (a *announcing) Reloaded(ctx context.Context) error  { return call(ctx, a.after) }

func TestTheHooksOfAReloadAreCalledAroundItAndCannotFailIt(t *testing.T) {
	var r record
	note := func(what string, err error) func(context.Context) error {
		return func(context.Context) error { r.addf("%s", what); return err }
	}
	log, logger := newLog()
	h := hosted.New(hosted.Config{Logger: logger})
	h.Add("a", tracedReload(&r, "a", nil))
	h.Add("b", &announcing{reloading{reload: note("reload b", nil)}, note("before", errBoom), note("after", nil)})
	starts(t, h)
	wantNil(t, h.Reload(t.Context()))
	stops(t, h)
	r.want(t, "before", "reload a", "reload b", "after")
	if len(log.matching("service=b")) == 0 {
		t.Error("the failure of a hook was not logged")
	}
}

func TestEveryEndOfAContextSaysWhy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		why := func(what string) func(context.Context) error {
			return func(ctx context.Context) error {
				<-ctx.Done()
				r.addf("%s: %v", what, context.Cause(ctx))
				return ctx.Err()
			}
		}
		h := hosted.New(hosted.Config{ShutdownTimeout: 4 * time.Second})
		h.Go("loop", why("loop"))
		h.Go("fails", after(time.Second, errBoom))
		h.Add("starts", &fake{start: why("start")})
		err := h.Run(t.Context())
		wantIs(t, err, errBoom)
		r.want(t, `start: stead/hosted: run "fails": boom`, `loop: stead/hosted: run "fails": boom`)

		r = record{}
		h = hosted.New(hosted.Config{StartTimeout: time.Second})
		h.Go("loop", why("loop"))
		h.Add("starts", &fake{start: why("start")})
		wantIs(t, h.Run(t.Context()), context.DeadlineExceeded)
		if lines := r.all(); len(lines) != 2 {
			t.Errorf("got %q", lines)
		} else {
			wantText(t, lines[0], "start: StartTimeout of 1s has expired")
			wantText(t, lines[1], `loop: stead/hosted: start "starts"`)
		}
	})
}

func TestAFailureBetweenTheStartsOfTwoServicesStopsTheStart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Task("ask", func(context.Context) error { h.Lifetime().Stop(errWhy); return nil })
		h.Add("hook", &hooked{started: func(context.Context) error { t.Error("the hook ran"); return nil }})
		err := h.Start(t.Context())
		wantIs(t, err, errWhy)
		wantIs(t, err, context.Canceled)
		wantState(t, h, "hook", lifecycle.New)
		var service *hosted.ServiceError
		if errors.As(err, &service) {
			t.Errorf("a service is blamed in %v", err)
		}
	})
}
