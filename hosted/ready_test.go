package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/coordinator"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

func TestTheStartWaitsUntilALoopSaysThatItIsReady(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{})
		h.Go("loop", func(ctx context.Context) error {
			time.Sleep(3 * time.Second)
			r.addf("ready")
			hosted.Ready(ctx)
			hosted.Ready(ctx) // harmless
			return idle(ctx)
		}, hosted.WaitReady())
		h.Add("next", traced(&r, "next"))
		go func() {
			time.Sleep(time.Second)
			wantState(t, h, "loop", lifecycle.Starting)
		}()
		starts(t, h)
		wantState(t, h, "loop", lifecycle.Running)
		if took := status(t, h, "loop").StartTook; took != 3*time.Second {
			t.Errorf("the start took %v, want 3s", took)
		}
		stops(t, h)
		r.want(t, "ready", "start next", "stop next")
	})
}

func TestALoopThatDiesBeforeItIsReadyFailsTheStartAtOnce(t *testing.T) {
	for name, end := range map[string]func(context.Context) error{
		"error": failing(errBoom),
		"panic": func(context.Context) error { panic(errBoom) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var r record
				h := hosted.New(hosted.Config{StartTimeout: time.Hour})
				h.Add("first", traced(&r, "first"))
				h.Go("loop", end, hosted.WaitReady())
				h.Add("next", traced(&r, "next"))
				began := time.Now()
				err := h.Start(t.Context())
				if took := time.Since(began); took != 0 {
					t.Errorf("took %v", took)
				}
				wantList(t, "errors", calls(err), "start loop")
				wantIs(t, err, errBoom)
				r.want(t, "start first", "stop first")
				wantState(t, h, "loop", lifecycle.Failed)
			})
		})
	}
}

func TestALoopThatCompletesWithoutSayingReadyIsUp(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Go("loop", failing(nil), hosted.WaitReady())
	starts(t, h)
	wantState(t, h, "loop", lifecycle.Completed)
	stops(t, h)
	wantState(t, h, "loop", lifecycle.Completed)
}

func TestALoopThatNeverGetsReadyEndsWithTheStartsContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("loop", func(ctx context.Context) error {
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
				t.Errorf("the cause is %v", context.Cause(ctx))
			}
			return ctx.Err()
		}, hosted.WaitReady(), hosted.StartTimeout(time.Second))
		err := h.Start(t.Context())
		wantServiceError(t, err, "loop", "start")
		wantIs(t, err, context.DeadlineExceeded)
		wantList(t, "stragglers", stragglers(err))
	})
}

func TestAStopWhileALoopIsNotReadyEndsTheStart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("loop", idle, hosted.WaitReady())
		result := runs(t.Context(), h)
		synctest.Wait()
		h.Lifetime().Stop(errWhy)
		wantIs(t, <-result, errWhy)
	})
}

func TestARestartedLoopIsReadyOnlyWhenItSaysSoAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		n := 0
		h.Go("loop", func(ctx context.Context) error {
			n++
			if n > 1 {
				time.Sleep(time.Minute)
			}
			hosted.Ready(ctx)
			if n == 1 {
				return errBoom
			}
			return idle(ctx)
		}, hosted.WaitReady(), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: time.Second, Max: time.Second})))
		starts(t, h)
		pass(30 * time.Second)
		wantState(t, h, "loop", lifecycle.Restarting)
		if ok(h.ReadyHandler()) || !ok(h.LiveHandler()) {
			t.Error("a restarting loop must be live and not ready")
		}
		pass(time.Minute)
		wantState(t, h, "loop", lifecycle.Running)
		if !ok(h.ReadyHandler()) {
			t.Error("not ready again")
		}
		stops(t, h)
	})
}

func TestReadyDoesNothingForOtherServices(t *testing.T) {
	h := hosted.New(hosted.Config{})
	say := func(ctx context.Context) error { hosted.Ready(ctx); return nil }
	h.Add("s", &hooked{fake: fake{start: say, stop: say}, started: say})
	h.Go("loop", func(ctx context.Context) error { hosted.Ready(ctx); return idle(ctx) })
	starts(t, h)
	stops(t, h)
	wantState(t, h, "loop", lifecycle.Stopped)
}

func TestReadyAndCoordinatorPanicOutsideAService(t *testing.T) {
	for name, misuse := range map[string]func(){
		"Ready":       func() { hosted.Ready(t.Context()) },
		"Coordinator": func() { hosted.Coordinator(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				wantText(t, fmt.Sprint(recover()), "stead/hosted: "+name)
			}()
			misuse()
		})
	}
}

func TestServicesWaitForEachOtherByName(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{})
		h.Go("waits", func(ctx context.Context) error {
			if err := hosted.Coordinator(ctx).Wait(ctx, "slow", "loop"); err != nil {
				return err
			}
			r.addf("waited")
			return idle(ctx)
		})
		h.Add("slow", &fake{start: func(context.Context) error { time.Sleep(time.Second); r.addf("slow"); return nil }})
		h.Go("loop", func(ctx context.Context) error {
			time.Sleep(time.Second)
			r.addf("ready")
			hosted.Ready(ctx)
			return idle(ctx)
		}, hosted.WaitReady())
		starts(t, h)
		synctest.Wait()
		r.want(t, "slow", "ready", "waited")
		stops(t, h)
	})
}

func TestWaitingForAnUnknownServiceIsAnError(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Go("loop", func(ctx context.Context) error { return hosted.Coordinator(ctx).Wait(ctx, "ghost") })
	wantIs(t, h.Run(t.Context()), coordinator.ErrUnknown)
}

func TestAServiceThatFailsWakesThoseWhoWaitForIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		got := make(chan error, 1)
		h.Go("waits", func(ctx context.Context) error {
			got <- hosted.Coordinator(ctx).Wait(ctx, "fails")
			return idle(ctx)
		})
		h.Task("fails", after(time.Second, errBoom))
		wantIs(t, h.Run(t.Context()), errBoom)
		wantIs(t, <-got, errBoom)
	})
}

func TestInASequentialStartWaitingForALaterServiceIsRefusedWithThePath(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Add("first", &fake{start: func(ctx context.Context) error { return hosted.Coordinator(ctx).Wait(ctx, "last") }})
		h.Add("middle", &fake{})
		h.Add("last", &fake{})
		err := h.Start(t.Context())
		wantServiceError(t, err, "first", "start")
		wantIs(t, err, coordinator.ErrCycle)
		wantText(t, err.Error(), "first -> last -> first")
	})
}

func TestAWaitThatTakesTooLongSaysWhoWasNotReady(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{StartConcurrency: 4})
		h.Go("slow", idle, hosted.WaitReady())
		h.Go("quick", idle)
		h.Task("waits", func(ctx context.Context) error {
			return hosted.Coordinator(ctx).Wait(ctx, "quick", "slow")
		}, hosted.StartTimeout(time.Second))
		err := h.Start(t.Context())
		e := findServiceError(t, err, "waits", "start")
		wantIs(t, e, context.DeadlineExceeded)
		wantText(t, e.Error(), "not ready: slow:")
	})
}
