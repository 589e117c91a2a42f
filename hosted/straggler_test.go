package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
	"github.com/steadgo/stead/periodic"
)

// within fails unless the time since began is at most budget and 50 ms.
func within(t testing.TB, began time.Time, budget time.Duration) {
	t.Helper()
	if took := time.Since(began); took > budget+50*time.Millisecond {
		t.Errorf("took %v, want at most %v and 50ms", took, budget)
	}
}

func TestWhateverIgnoresItsContextAtTheStopIsNamedAndLeftBehind(t *testing.T) {
	cases := map[string]func(h *hosted.Host, stuck func(context.Context) error){
		"stop":     func(h *hosted.Host, stuck func(context.Context) error) { h.Add("s", &fake{stop: stuck}) },
		"stopping": func(h *hosted.Host, stuck func(context.Context) error) { h.Add("s", &hooked{stopping: stuck}) },
		"stopped":  func(h *hosted.Host, stuck func(context.Context) error) { h.Add("s", &hooked{stopped: stuck}) },
		"loop":     func(h *hosted.Host, stuck func(context.Context) error) { h.Go("s", stuck) },
	}
	for op, add := range cases {
		for _, concurrency := range []int{1, 4} {
			t.Run(fmt.Sprintf("%s/%d", op, concurrency), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					var r record
					h := hosted.New(hosted.Config{ShutdownTimeout: 10 * time.Second, StartConcurrency: concurrency})
					h.Add("before", traced(&r, "before"))
					add(h, stuck(t))
					h.Add("behind", traced(&r, "behind"))
					starts(t, h)
					began := time.Now()
					err := h.Stop(context.Background())
					within(t, began, 10*time.Second)
					want := op
					if op == "loop" {
						want = "stop"
					}
					wantList(t, "stragglers", stragglers(err), want+" s")
					wantIs(t, err, context.DeadlineExceeded)
					wantText(t, err.Error(), `"s"`, want)
					if r.count("stop before") != 1 || r.count("stop behind") != 1 {
						t.Errorf("the others were not stopped: %v", r.all())
					}
					wantState(t, h, "s", lifecycle.Failed)
					if !closed(h.Lifetime().Stopped()) {
						t.Error("Stopped is open")
					}
				})
			})
		}
	}
}

func TestAStragglerHasTheStacksOfItsOwnGoroutinesOnly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: time.Second})
		h.Go("mail", func(context.Context) error { go holdMailChild(t); holdMail(t); return nil })
		h.Add("index", &fake{stop: func(context.Context) error { holdIndex(t); return nil }})
		h.Go("fine", idle)
		starts(t, h)
		err := h.Stop(context.Background())
		var timeout *hosted.TimeoutError
		if !errors.As(err, &timeout) || len(timeout.Stragglers) != 2 {
			t.Fatalf("got error %v, want two stragglers", err)
		}
		index, mail := timeout.Stragglers[0], timeout.Stragglers[1]
		wantText(t, index.Stacks, "holdIndex", "straggler_test.go:")
		wantText(t, mail.Stacks, "holdMail", "holdMailChild")
		if strings.Contains(index.Stacks, "holdMail") || strings.Contains(mail.Stacks, "holdIndex") {
			t.Errorf("stacks of others:\n%s\n%s", index.Stacks, mail.Stacks)
		}
		if strings.Contains(mail.Stacks+index.Stacks, "testing.tRunner") {
			t.Error("the stack of the test is in it")
		}
		if strings.Contains(err.Error(), "\n\t") {
			t.Errorf("the stacks are in the message %q", err)
		}
		r := h.Report()
		if len(r.Stragglers) != 2 || r.Stragglers[1].Stacks != mail.Stacks {
			t.Error("the report does not have the stacks")
		}
		wantText(t, r.String(), "mail did not return from stop within", "holdMail")
	})
}

func holdMail(t testing.TB)      { <-t.Context().Done() }
func holdMailChild(t testing.TB) { <-t.Context().Done() }
func holdIndex(t testing.TB)     { <-t.Context().Done() }

func TestTwoHostsWithTheSameNamesHaveTheirOwnStacks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		one := hosted.New(hosted.Config{ShutdownTimeout: time.Second})
		two := hosted.New(hosted.Config{ShutdownTimeout: time.Second})
		one.Go("s", func(context.Context) error { holdMail(t); return nil })
		two.Go("s", func(context.Context) error { holdIndex(t); return nil })
		starts(t, one)
		starts(t, two)
		var timeout *hosted.TimeoutError
		if err := one.Stop(context.Background()); !errors.As(err, &timeout) {
			t.Fatalf("got error %v", err)
		}
		if stacks := timeout.Stragglers[0].Stacks; strings.Contains(stacks, "holdIndex") {
			t.Errorf("the other host's stacks:\n%s", stacks)
		}
		if n := one.Goroutines()["s"]; n != 1 {
			t.Errorf("%d goroutines, want 1", n)
		}
	})
}

// With N stuck services each has its slice and the first to stop has the rest.
func TestThirtyStuckServicesAllHaveTheirSlice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const n, budget = 30, 10 * time.Second
		slice := budget / (2 * n)
		h := hosted.New(hosted.Config{ShutdownTimeout: budget})
		var had [n]time.Duration // each written by its own service, read after it was waited for
		var names []string
		for i := range n {
			name := fmt.Sprint(i)
			names = append([]string{"stop " + name}, names...)
			h.Add(name, &fake{stop: func(ctx context.Context) error {
				deadline, _ := ctx.Deadline()
				had[i] = time.Until(deadline)
				<-t.Context().Done()
				return nil
			}})
		}
		starts(t, h)
		began := time.Now()
		err := h.Stop(context.Background())
		within(t, began, budget)
		wantList(t, "stragglers", stragglers(err), names...)
		synctest.Wait()
		for i, d := range had {
			want := slice
			if i == n-1 {
				want = budget - (n-1)*slice
			}
			if d != want {
				t.Errorf("service %d had %v, want %v", i, d, want)
			}
		}
	})
}

func TestASliceIsHalfASecondAtMost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: time.Minute})
		var had time.Duration
		h.Add("first", &fake{stop: func(ctx context.Context) error {
			deadline, _ := ctx.Deadline()
			had = time.Until(deadline)
			return nil
		}})
		h.Add("stuck", &fake{stop: stuck(t)})
		starts(t, h)
		err := h.Stop(context.Background())
		wantList(t, "stragglers", stragglers(err), "stop stuck")
		if had != 500*time.Millisecond {
			t.Errorf("had %v, want 500ms", had)
		}
	})
}

func TestTimeThatOneServiceDoesNotUseGoesToTheNext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: 10 * time.Second})
		h.Add("last", &fake{stop: after(8*time.Second, nil)})
		h.Add("quick", &fake{stop: after(time.Second, nil)})
		starts(t, h)
		stops(t, h)
	})
}

func TestAStopTimeoutShortensItsOwnTurnOnly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: 20 * time.Second})
		h.Add("a", &fake{stop: after(15*time.Second, nil)})
		h.Add("b", &fake{stop: stuck(t)}, hosted.StopTimeout(2*time.Second))
		h.Go("c", stuck(t), hosted.StopTimeout(time.Second))
		starts(t, h)
		began := time.Now()
		err := h.Stop(context.Background())
		wantList(t, "stragglers", stragglers(err), "stop c", "stop b")
		if took := time.Since(began); took < 18*time.Second || took > 18*time.Second+50*time.Millisecond {
			t.Errorf("took %v, want 1s + 2s + 15s", took)
		}
	})
}

func TestErrorsBeforeTheDeadlineStandNextToIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: time.Second})
		h.Add("a", &fake{stop: failing(errOther)})
		h.Go("stuck", stuck(t))
		h.Add("b", &fake{stop: failing(errBoom)})
		starts(t, h)
		err := h.Stop(context.Background())
		wantIs(t, err, errBoom)
		wantIs(t, err, errOther)
		wantIs(t, err, context.DeadlineExceeded)
		wantList(t, "stragglers", stragglers(err), "stop stuck")
	})
}

// A Stop that gives up when its context ends is told apart from one that does
// not, however close the two moments are.
func TestAStopThatReturnsAtItsDeadlineIsNoStraggler(t *testing.T) {
	for range 200 {
		bubble(t, func(t *testing.T) {
			h := hosted.New(hosted.Config{ShutdownTimeout: time.Second})
			h.Add("a", &fake{stop: idle})
			h.Add("b", &fake{stop: idle})
			starts(t, h)
			began := time.Now()
			err := h.Stop(context.Background())
			within(t, began, time.Second)
			wantList(t, "stragglers", stragglers(err))
			wantList(t, "errors", calls(err), "stop b", "stop a")
			wantIs(t, err, context.DeadlineExceeded)
		})
	}
}

func TestALoopThatReturnsAfterItsTurnIsNoStragglerAndNotClean(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: 10 * time.Second})
		h.Add("a", &fake{stop: after(100*time.Millisecond, nil)})
		h.Go("slow", func(ctx context.Context) error { <-ctx.Done(); time.Sleep(time.Second); return nil },
			hosted.StopTimeout(950*time.Millisecond))
		starts(t, h)
		err := h.Stop(context.Background())
		wantList(t, "stragglers", stragglers(err))
		wantServiceError(t, err, "slow", "stop")
		wantIs(t, err, context.DeadlineExceeded)
	})
}

func TestAStragglerThatReturnsAtLastTouchesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: time.Second})
		release := make(chan struct{})
		late := func(context.Context) error { <-release; return errBoom }
		s := newEnding()
		s.stop = late
		h.Add("service", s)
		h.Go("loop", late, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})))
		h.Add("hook", &hooked{stopped: late})
		starts(t, h)
		err := h.Stop(context.Background())
		wantList(t, "stragglers", stragglers(err), "stop loop", "stop service", "stopped hook")
		report := h.Report().String()
		close(release)
		time.Sleep(time.Hour)
		if after := h.Report().String(); after != report {
			t.Errorf("the report became\n%s", after)
		}
		wantIs(t, h.Stop(t.Context()), err)
		if n := h.Goroutines(); len(n) > 0 {
			t.Errorf("goroutines are left: %v", n)
		}
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

// counting is a service whose optional methods need a lock that its Stop holds.
type counting struct {
	fake
	held chan struct{}
}

func (c *counting) LeftOver() int { <-c.held; return 1 }
func (c *counting) Backlog() int  { <-c.held; return 1 }

func TestWhatAStuckServiceLeftOverIsNotWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: 5 * time.Second})
		c := &counting{held: make(chan struct{})}
		t.Cleanup(func() { close(c.held) })
		c.stop = func(context.Context) error { <-c.held; return nil }
		h.Add("s", c)
		starts(t, h)
		began := time.Now()
		err := h.Stop(context.Background())
		within(t, began, 5*time.Second)
		wantList(t, "stragglers", stragglers(err), "stop s")
	})
}

func TestALeftOverThatBlocksDoesNotHoldTheStop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: 5 * time.Second})
		c := &counting{held: make(chan struct{})}
		t.Cleanup(func() { close(c.held) })
		h.Add("s", c)
		starts(t, h)
		began := time.Now()
		_ = h.Stop(context.Background())
		within(t, began, 5*time.Second)
	})
}

func TestManyStuckLoopsEndWithTheBudgetAndEachIsNamed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: 2 * time.Second})
		for i := range 1000 {
			h.Go(fmt.Sprint(i), stuck(t))
		}
		starts(t, h)
		began := time.Now()
		err := h.Stop(context.Background())
		within(t, began, 2*time.Second)
		if n := len(stragglers(err)); n != 1000 {
			t.Errorf("%d stragglers, want 1000", n)
		}
	})
}

// stuckService stops in time only because it leaves a goroutine behind.
type stuckService struct {
	release chan struct{}
	left    int
}

func (s *stuckService) Start(context.Context) error {
	go func() { <-s.release }()
	return nil
}

func (s *stuckService) Stop(context.Context) error { return nil }

func (s *stuckService) Stuck() int { return s.left }

func TestAServiceThatLeftCallsBehindIsAStragglerWithTheirStacks(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	h := hosted.New(hosted.Config{})
	h.Add("good", &stuckService{release: release})
	h.Add("bad", &stuckService{release: release, left: 2})
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := h.Stop(t.Context())
	var timeout *hosted.TimeoutError
	if !errors.As(err, &timeout) || len(timeout.Stragglers) != 1 || timeout.Stragglers[0].Service != "bad" {
		t.Fatalf("error %v, want one straggler, bad", err)
	}
	if !strings.Contains(timeout.Stragglers[0].Stacks, "stuckService") {
		t.Errorf("the stacks do not show what was left behind: %q", timeout.Stragglers[0].Stacks)
	}
}

func TestAHandlerThatIgnoresItsContextIsAStragglerAlsoWhenItsItemIsTakenCareOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, err := channelq.New(channelq.Config[int]{Name: "mails", Capacity: 1})
		if err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		w, err := channelq.NewWorkers(q, func(context.Context, int) error { <-release; return nil }, channelq.WorkerConfig[int]{
			Concurrency: 1,
			OnLeftover:  func(context.Context, []int) error { return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		h := hosted.New(hosted.Config{})
		h.Add("mails", w)
		if err := errors.Join(h.Start(t.Context()), q.Enqueue(t.Context(), 1)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		err = h.Stop(t.Context())
		var timeout *hosted.TimeoutError
		if !errors.As(err, &timeout) || timeout.Stragglers[0].Service != "mails" || timeout.Stragglers[0].Waited < 20*time.Second {
			t.Fatalf("error %v, want the straggler mails", err)
		}
		if r := h.Report(); r.Services[0].LeftOver != 1 || r.Services[0].State != lifecycle.Failed {
			t.Errorf("report %+v", r)
		}
		close(release)
		synctest.Wait()
	})
}

func TestARunOfAJobThatIgnoresItsContextIsAStraggler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		job, err := periodic.New(periodic.Config{Name: "report", Schedule: periodic.Every(time.Hour), RunAtStart: true},
			func(context.Context) error { <-release; return nil })
		if err != nil {
			t.Fatal(err)
		}
		h := hosted.New(hosted.Config{})
		h.Add("report", job)
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		err = h.Stop(t.Context())
		var timeout *hosted.TimeoutError
		if !errors.As(err, &timeout) || len(timeout.Stragglers) != 1 || timeout.Stragglers[0].Service != "report" {
			t.Fatalf("error %v, want the straggler report", err)
		}
		close(release)
		synctest.Wait()
	})
}
