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

func TestServicesStartInOrderAndStopInReverse(t *testing.T) {
	var r record
	h := hosted.New(hosted.Config{})
	for _, name := range []string{"a", "b", "c"} {
		h.Add(name, traced(&r, name))
	}
	starts(t, h)
	stops(t, h)
	r.want(t, "start a", "start b", "start c", "stop c", "stop b", "stop a")
}

func TestTheNextServiceStartsOnlyWhenTheOneBeforeIsUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{})
		h.Add("slow", &fake{start: func(context.Context) error {
			time.Sleep(time.Minute)
			r.addf("slow is up")
			return nil
		}})
		h.Add("next", traced(&r, "next"))
		starts(t, h)
		r.want(t, "slow is up", "start next")
	})
}

// The whole life in its one order, whatever begins the stop and however many
// services start at once.
func TestTheOrderOfLifeIsTheSameWhateverBeginsTheStop(t *testing.T) {
	begin := map[string]func(h *hosted.Host, cancel func()){
		"Stop":          func(h *hosted.Host, _ func()) { _ = h.Stop(context.Background()) },
		"Lifetime.Stop": func(h *hosted.Host, _ func()) { h.Lifetime().Stop(errWhy) },
		"context":       func(_ *hosted.Host, cancel func()) { cancel() },
	}
	for name, stop := range begin {
		for _, concurrency := range []int{1, 4} {
			t.Run(fmt.Sprintf("%s/%d", name, concurrency), func(t *testing.T) {
				bubble(t, func(t *testing.T) { testOrderOfLife(t, concurrency, stop) })
			})
		}
	}
}

func testOrderOfLife(t *testing.T, concurrency int, stop func(*hosted.Host, func())) {
	var r record
	h := hosted.New(hosted.Config{StartConcurrency: concurrency, DrainDelay: time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := tracedHooks(&r, "s")
	moment := func(op string) func(context.Context) error {
		return func(context.Context) error {
			l := h.Lifetime()
			r.addf("%s: started %v stopping %v stopped %v", op, closed(l.Started()), closed(l.Stopping()), closed(l.Stopped()))
			return nil
		}
	}
	s.starting, s.start, s.started = moment("starting"), moment("start"), moment("started")
	s.stopping, s.stop, s.stopped = moment("stopping"), moment("stop"), moment("stopped")
	h.Add("s", s)
	result := runs(ctx, h)
	synctest.Wait()
	_ = moment("up")(ctx)
	began := time.Now()
	stop(h, cancel)
	wantNil(t, <-result)
	_ = moment("end")(ctx)
	if took := time.Since(began); took != time.Second {
		t.Errorf("the stop took %v, want the drain delay of 1s", took)
	}
	r.want(t,
		"starting: started false stopping false stopped false",
		"start: started false stopping false stopped false",
		"started: started false stopping false stopped false",
		"up: started true stopping false stopped false",
		"stopping: started true stopping true stopped false",
		"stop: started true stopping true stopped false",
		"stopped: started true stopping true stopped false",
		"end: started true stopping true stopped true")
}

func TestEachHookRunsForAllServicesBeforeTheNextBegins(t *testing.T) {
	for _, concurrency := range []int{1, 2} {
		bubble(t, func(t *testing.T) {
			var r record
			h := hosted.New(hosted.Config{StartConcurrency: concurrency})
			h.Add("a", tracedHooks(&r, "a"))
			h.Add("b", tracedHooks(&r, "b"), hosted.After("a"))
			starts(t, h)
			stops(t, h)
			r.want(t, "starting a", "starting b", "start a", "start b", "started a", "started b",
				"stopping b", "stopping a", "stop b", "stop a", "stopped b", "stopped a")
		})
	}
}

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
