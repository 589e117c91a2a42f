package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

func TestALoopThatBlocksDoesNotHoldTheStart(t *testing.T) {
	h := hosted.New(hosted.Config{})
	var wg sync.WaitGroup
	quit := make(chan struct{})
	wg.Add(1)
	h.Go("busy", func(context.Context) error {
		defer wg.Done()
		for !closed(quit) { // never blocks
		}
		return nil
	})
	var r record
	h.Add("next", traced(&r, "next"))
	starts(t, h)
	r.want(t, "start next")
	close(quit)
	wg.Wait()
	stops(t, h)
}

func TestATaskIsDoneBeforeWhatFollows(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{})
		h.Task("migrate", func(context.Context) error { time.Sleep(time.Second); r.addf("migrated"); return nil })
		h.Add("next", traced(&r, "next"))
		starts(t, h)
		wantState(t, h, "migrate", lifecycle.Completed)
		if took := status(t, h, "migrate").StartTook; took != time.Second {
			t.Errorf("the task took %v, want 1s", took)
		}
		stops(t, h)
		wantState(t, h, "migrate", lifecycle.Completed)
		r.want(t, "migrated", "start next", "stop next")
	})
}

func TestATaskThatFailsFailsTheStart(t *testing.T) {
	var r record
	h := hosted.New(hosted.Config{})
	h.Add("a", traced(&r, "a"))
	h.Task("migrate", failing(errBoom))
	h.Add("b", traced(&r, "b"))
	err := h.Run(t.Context())
	wantServiceError(t, err, "migrate", "start")
	wantIs(t, err, errBoom)
	r.want(t, "start a", "stop a")
}

func TestAFailedStartStopsWhatHadStartedAndNothingElse(t *testing.T) {
	var r record
	h := hosted.New(hosted.Config{})
	h.Add("first", traced(&r, "first"))
	second := traced(&r, "second")
	second.start = failing(errBoom)
	h.Add("second", second)
	h.Add("third", traced(&r, "third"))
	err := h.Start(t.Context())
	r.want(t, "start first", "stop first")
	if e := findServiceError(t, err, "second", "start"); e != err { //nolint:errorlint // a lone error comes as it is
		t.Errorf("%v came wrapped in more", err)
	}
	wantState(t, h, "first", lifecycle.Stopped)
	wantState(t, h, "second", lifecycle.Failed)
	wantState(t, h, "third", lifecycle.New)
	if closed(h.Lifetime().Started()) || !closed(h.Lifetime().Stopped()) {
		t.Error("a failed start must not look started, and must look stopped")
	}
	wantIs(t, h.Stop(t.Context()), errBoom)
	r.want(t, "start first", "stop first")
}

func TestTheErrorOfTheRollBackComesAfterThatOfTheStart(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Add("first", &fake{stop: failing(errOther)})
	h.Add("second", &fake{start: failing(errBoom)})
	err := h.Run(t.Context())
	wantList(t, "errors", calls(err), "start second", "stop first")
	wantIs(t, err, errBoom)
	wantIs(t, err, errOther)
}

func TestAFailingStartingHookPreventsEveryStart(t *testing.T) {
	var r record
	h := hosted.New(hosted.Config{})
	h.Add("a", traced(&r, "a"))
	h.Add("b", &hooked{starting: failing(errBoom)})
	err := h.Start(t.Context())
	wantServiceError(t, err, "b", "starting")
	r.want(t)
}

func TestAFailingStartedHookStopsEveryService(t *testing.T) {
	var r record
	h := hosted.New(hosted.Config{})
	b := tracedHooks(&r, "b")
	b.started = failing(errBoom)
	h.Add("a", traced(&r, "a"))
	h.Add("b", b)
	err := h.Start(t.Context())
	wantServiceError(t, err, "b", "started")
	r.want(t, "starting b", "start a", "start b", "stopping b", "stop b", "stop a", "stopped b")
	if closed(h.Lifetime().Started()) {
		t.Error("Started was closed")
	}
}

func TestAFailureBeforeOrAfterTheFirstPauseOfAStartIsTheSame(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var texts []string
		for _, fail := range []func(context.Context) error{failing(errBoom), after(time.Second, errBoom)} {
			h := hosted.New(hosted.Config{})
			h.Add("s", &fake{start: fail})
			texts = append(texts, h.Start(t.Context()).Error())
		}
		wantList(t, "errors", texts[1:], texts[0])
	})
}

func TestPanicsAndGoexitsOfAStartAreErrorsThatNameTheService(t *testing.T) {
	for name, blow := range map[string]func(context.Context) error{
		"string": func(context.Context) error { panic("ouch") },
		"error":  func(context.Context) error { panic(errBoom) },
		"nil":    func(context.Context) error { panic(nil) },
		"goexit": func(context.Context) error { runtime.Goexit(); return nil },
	} {
		for kind, s := range map[string]hosted.Service{
			"start":    &fake{start: blow},
			"starting": &hooked{starting: blow},
			"started":  &hooked{started: blow},
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				h := hosted.New(hosted.Config{})
				h.Add("s", s)
				err := h.Start(t.Context())
				wantServiceError(t, err, "s", kind)
				var caught *hosted.PanicError
				if !errors.As(err, &caught) {
					t.Fatalf("%v is no PanicError", err)
				}
				wantText(t, string(caught.Stack), "start_test.go")
				if name == "error" {
					wantIs(t, err, errBoom)
				}
				if name == "goexit" {
					wantIs(t, err, lifecycle.ErrGoexit)
				}
			})
		}
	}
}

func TestAHostStartsOnce(t *testing.T) {
	h := hosted.New(hosted.Config{Name: "shop"})
	var r record
	h.Add("a", traced(&r, "a"))
	starts(t, h)
	again := h.Start(t.Context())
	if again == nil {
		t.Fatal("a second start was not refused")
	}
	wantText(t, again.Error(), `"shop"`, "started before")
	if h.Run(t.Context()) == nil {
		t.Error("Run after Start was not refused")
	}
	stops(t, h)
	if h.Start(t.Context()) == nil {
		t.Error("a start after the stop was not refused")
	}
	r.want(t, "start a", "stop a")
}

func TestOfManyStartsAtOnceOneWins(t *testing.T) {
	for range 50 {
		h := hosted.New(hosted.Config{})
		var r record
		h.Add("a", traced(&r, "a"))
		var wg sync.WaitGroup
		results := make(chan error, 10)
		for range cap(results) {
			wg.Go(func() { results <- h.Start(t.Context()) })
		}
		wg.Wait()
		close(results)
		won := 0
		for err := range results {
			if err == nil {
				won++
			}
		}
		if won != 1 {
			t.Fatalf("%d starts won, want 1", won)
		}
		stops(t, h)
		r.want(t, "start a", "stop a")
	}
}

func TestValuesOfTheStartReachEveryCallAndItsEndDoesNot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		type key struct{}
		var r record
		look := func(op string) func(context.Context) error {
			return func(ctx context.Context) error { r.addf("%s %v %v", op, ctx.Value(key{}), ctx.Err()); return nil }
		}
		h := hosted.New(hosted.Config{})
		h.Add("s", &hooked{fake{look("start"), look("stop")}, look("starting"), look("started"), look("stopping"), look("stopped")})
		h.Go("loop", func(ctx context.Context) error {
			time.Sleep(time.Second)
			if _, ok := ctx.Deadline(); ok {
				t.Error("the loop has a deadline")
			}
			_ = look("loop")(ctx)
			return idle(ctx)
		})
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "v"), time.Minute)
		if err := h.Start(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		time.Sleep(time.Hour)
		if closed(h.Lifetime().Stopping()) {
			t.Error("the end of Start's context stopped the host")
		}
		stops(t, h)
		r.want(t, "starting v <nil>", "start v <nil>", "started v <nil>", "loop v <nil>",
			"stopping v <nil>", "stop v <nil>", "stopped v <nil>")
	})
}

func TestAHostWithoutServicesRunsUntilItIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		result := runs(ctx, h)
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(result) > 0 {
			t.Error("Run did not wait")
		}
		cancel()
		wantNil(t, <-result)
	})
}

func TestAHostThatIsNeverStartedHasNoGoroutine(t *testing.T) {
	bubble(t, func(*testing.T) { // which fails if one is left
		h := hosted.New(hosted.Config{})
		h.Go("loop", idle)
		h.Add("web", h.Probes("127.0.0.1:0"))
		_ = h.Services()
		_ = h.Report()
	})
}

func TestABackgroundLoopIsOneGoroutine(t *testing.T) {
	h := hosted.New(hosted.Config{})
	for i := range 100 {
		h.Go(fmt.Sprint(i), idle)
	}
	before := runtime.NumGoroutine()
	starts(t, h)
	if more := runtime.NumGoroutine() - before; more > 100 { // one of another test may just have ended
		t.Errorf("100 loops are %d goroutines", more)
	}
	for name, n := range h.Goroutines() {
		if n != 1 {
			t.Errorf("%s has %d goroutines", name, n)
		}
	}
	stops(t, h)
}
