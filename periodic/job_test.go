package periodic_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
	"github.com/steadgo/stead/periodic/calendar"
)

// log is what a job's runs leave behind. A bubble begins on 1 January 2000, so
// offsets from its start are short to write.
type log struct {
	mu    sync.Mutex
	zero  time.Time
	slots []time.Duration // slot of each run, from zero
	began []time.Duration // begin of each run, from zero
}

func newLog() *log { return &log{zero: time.Now()} }

func (l *log) note(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slots = append(l.slots, periodic.Scheduled(ctx).Sub(l.zero))
	l.began = append(l.began, time.Since(l.zero))
}

func (l *log) run(took time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		l.note(ctx)
		return sleep(ctx, took)
	}
}

// sleep returns early with the cause when ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *log) want(t *testing.T, slots ...time.Duration) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.slots, slots) {
		t.Errorf("slots %v, want %v", l.slots, slots)
	}
}

func (l *log) wantBegan(t *testing.T, began ...time.Duration) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.began, began) {
		t.Errorf("runs began at %v, want %v", l.began, began)
	}
}

func (l *log) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.slots)
}

// errorLog is what runs saw.
type errorLog struct {
	mu   sync.Mutex
	errs []error
}

func (e *errorLog) add(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.errs = append(e.errs, err)
}

func (e *errorLog) all() []error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.errs)
}

// gauge counts who is inside.
type gauge struct {
	mu       sync.Mutex
	now, max int
}

func (g *gauge) enter() (leave func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now++
	g.max = max(g.max, g.now)
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.now--
	}
}

func (g *gauge) most() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.max
}

// start makes a job named "j" that ticks without a phase, and starts it. It is
// stopped at the end of the test.
func start(t *testing.T, cfg periodic.Config, run func(context.Context) error) *periodic.Job {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "j"
	}
	if cfg.Phase == 0 {
		cfg.Phase = -1
	}
	j, err := periodic.New(cfg, run)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, j) })
	return j
}

// stop stops j with plenty of time.
func stop(t *testing.T, j interface{ Stop(context.Context) error }) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := j.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// pass lets d go by and everything that follows from it settle.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func seconds(n ...float64) []time.Duration {
	ds := make([]time.Duration, len(n))
	for i, s := range n {
		ds[i] = time.Duration(s * float64(time.Second))
	}
	return ds
}

func TestFixedRateDoesNotDriftWhenRunsStartLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		start(t, periodic.Config{Schedule: periodic.Every(time.Second)}, l.run(3*time.Millisecond))
		pass(10_000*time.Second + 100*time.Millisecond)
		if l.count() != 10_000 {
			t.Fatalf("%d runs", l.count())
		}
		for k, at := range l.began {
			if want := time.Duration(k+1) * time.Second; at != want || l.slots[k] != want {
				t.Fatalf("run %d began at %v for slot %v", k, at, l.slots[k])
			}
		}
	})
}

func TestShortPeriodsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		start(t, periodic.Config{Schedule: periodic.Every(250 * time.Millisecond)}, l.run(0))
		pass(2200 * time.Millisecond)
		if l.count() != 8 {
			t.Errorf("%d runs in 2.2 s", l.count())
		}
	})
}

func TestFixedDelayCountsFromTheEndOfTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		j := start(t, periodic.Config{Schedule: periodic.After(time.Second)}, l.run(10*time.Second))
		pass(35 * time.Second)
		l.want(t, seconds(1, 12, 23, 34)...)
		if next := j.Next(); !next.IsZero() {
			t.Errorf("Next is %v while the run is on", next)
		}
		pass(9500 * time.Millisecond)
		if next := j.Next().Sub(l.zero); next != 45*time.Second {
			t.Errorf("Next is %v", next)
		}
	})
}

func TestRunAtStartRunsAtOnceAndLaysTheGridThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		start(t, periodic.Config{Schedule: periodic.Every(time.Minute), RunAtStart: true, Phase: time.Second}, l.run(0))
		pass(150 * time.Second)
		l.want(t, seconds(0, 60, 120)...)
	})
}

func TestPhasesAreSpreadByNameAndStayTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := func(name string, phase time.Duration) time.Duration {
			zero := time.Now()
			j := start(t, periodic.Config{Name: name, Schedule: periodic.Every(time.Hour), Phase: phase}, newLog().run(0))
			defer stop(t, j)
			return j.Next().Sub(zero)
		}
		spread := func(name string) time.Duration {
			zero := time.Now()
			j, err := periodic.New(periodic.Config{Name: name, Schedule: periodic.Every(time.Hour)}, newLog().run(0))
			if err != nil || j.Start(t.Context()) != nil {
				t.Fatal("not started")
			}
			defer stop(t, j)
			return j.Next().Sub(zero)
		}
		if a, b := spread("job-1"), spread("job-2"); a == b || a != spread("job-1") || a <= 0 || a > time.Hour || (a-b).Abs() < time.Second {
			t.Errorf("phases %v and %v", a, b)
		}
		if d := first("x", 7*time.Minute); d != 7*time.Minute {
			t.Errorf("phase of 7 m gives %v", d)
		}
		if d := first("x", -1); d != time.Hour {
			t.Errorf("no phase gives %v", d)
		}
	})
}

func TestTheSlotIsHandedToTheRunAndLatenessIsReportedApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		j := start(t, periodic.Config{Schedule: periodic.Every(10 * time.Second), Overlap: periodic.QueueOne}, l.run(14*time.Second))
		pass(25 * time.Second)
		l.want(t, seconds(10, 20)...)
		l.wantBegan(t, seconds(10, 24)...)
		pass(14 * time.Second)
		if last := j.Stats().Last; last.Lateness != 4*time.Second || last.Duration != 14*time.Second || last.Slot.Sub(l.zero) != 20*time.Second {
			t.Errorf("last run %+v", last)
		}
		if !periodic.Scheduled(t.Context()).IsZero() {
			t.Error("a foreign context has a slot")
		}
	})
}

func TestJitterStaysBehindItsSlotAndBeforeTheNextAndIsDeterministic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		offsets := func(name string) []time.Duration {
			l := newLog()
			j := start(t, periodic.Config{Name: name, Schedule: periodic.Every(10 * time.Second), Jitter: time.Hour}, l.run(0))
			pass(1000*time.Second - time.Nanosecond)
			stop(t, j)
			if l.count() < 98 || l.count() > 99 {
				t.Fatalf("%d runs", l.count())
			}
			var ds []time.Duration
			for i, at := range l.began {
				if slot := time.Duration(i+1) * 10 * time.Second; l.slots[i] != slot || at < slot || at >= slot+10*time.Second {
					t.Fatalf("run %d for slot %v began at %v", i, l.slots[i], at)
				}
				ds = append(ds, at-l.slots[i])
			}
			if s := j.Stats(); s.Lateness.Sum != 0 {
				t.Errorf("jitter counts as lateness: %v", s.Lateness.Sum)
			}
			slices.Sort(ds)
			if ds[0] > 2*time.Second || ds[len(ds)-1] < 8*time.Second {
				t.Errorf("offsets from %v to %v", ds[0], ds[len(ds)-1])
			}
			return ds
		}
		offsets("a")
	})
	at := func(t *testing.T, name string) (began []time.Duration) {
		synctest.Test(t, func(t *testing.T) { // each bubble begins at the same instant
			l := newLog()
			start(t, periodic.Config{Name: name, Schedule: periodic.Every(time.Minute), Jitter: 30 * time.Second}, l.run(0))
			pass(10*time.Minute + 30*time.Second)
			began = l.began
		})
		return began
	}
	if a, again, b := at(t, "a"), at(t, "a"), at(t, "b"); !slices.Equal(a, again) || slices.Equal(a, b) || len(a) != 10 {
		t.Errorf("a %v, again %v, b %v", a, again, b)
	}
}

func TestTimeoutEndsTheRunWithItsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cause, failure error
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Minute), Timeout: 5 * time.Second}, func(ctx context.Context) error {
			if d, ok := ctx.Deadline(); !ok || time.Until(d) != 5*time.Second {
				t.Errorf("deadline %v %v", d, ok)
			}
			<-ctx.Done()
			cause, failure = context.Cause(ctx), ctx.Err()
			return failure
		})
		pass(time.Minute + 10*time.Second)
		if !errors.Is(cause, periodic.ErrTimeout) || !errors.Is(cause, context.DeadlineExceeded) || !errors.Is(failure, context.DeadlineExceeded) {
			t.Errorf("cause %v, error %v", cause, failure)
		}
		s := j.Stats()
		if s.Runs[periodic.TimedOut] != 1 || s.OverdueRuns != 0 || s.Last.Duration != 5*time.Second {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestARunThatIgnoresItsTimeoutIsReportedAsStuckAndNotOverlapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		j := start(t, periodic.Config{Schedule: periodic.Every(10 * time.Second), Timeout: time.Second}, func(ctx context.Context) error {
			l.note(ctx)
			time.Sleep(25 * time.Second)
			return nil
		})
		pass(11 * time.Second)
		if s := j.Stats(); s.Overdue != 0 {
			t.Error("stuck at the timeout already")
		}
		pass(4 * time.Second)
		if s := j.Stats(); s.Overdue != 1 || s.OverdueRuns != 1 || s.Running != 1 {
			t.Errorf("stats %+v", s)
		}
		pass(27 * time.Second) // 42 s
		l.want(t, seconds(10, 40)...)
		if s := j.Stats(); s.Skipped.Overlap != 2 || s.Runs[periodic.Succeeded] != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestTriggerRunsNowAndDoesNotMoveTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		j := start(t, periodic.Config{Schedule: periodic.Every(10 * time.Second)}, l.run(2*time.Second))
		pass(13 * time.Second)
		if err := j.Trigger(); err != nil {
			t.Error(err)
		}
		if err := j.Trigger(); !errors.Is(err, periodic.ErrOverlap) {
			t.Errorf("second trigger: %v", err)
		}
		pass(20 * time.Second)
		l.want(t, seconds(10, 13, 20, 30)...)
		if s := j.Stats(); !s.History[2].Trigger || s.History[1].Trigger {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestATriggerThatIsRefusedIsNoSkip(t *testing.T) {
	for _, overlap := range []periodic.Overlap{periodic.SkipOverlap, periodic.QueueOne, periodic.Parallel(2)} {
		synctest.Test(t, func(t *testing.T) {
			j := start(t, periodic.Config{Schedule: periodic.Every(time.Hour), Overlap: overlap}, newLog().run(time.Second))
			refused := 0
			for range 250 {
				if err := j.Trigger(); errors.Is(err, periodic.ErrOverlap) {
					refused++
				} else if err != nil {
					t.Error(err)
				}
			}
			pass(time.Minute)
			s := j.Stats()
			if refused < 248 || refused == 250 || s.Skipped.Total() != 0 || s.Runs[periodic.Succeeded] != uint64(250-refused) {
				t.Errorf("%v: %d refused; %+v", overlap, refused, s)
			}
		})
	}
}

func TestTriggerBelongsToARunningJobOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, err := periodic.New(periodic.Config{Name: "j", Schedule: periodic.Every(time.Second)}, newLog().run(0))
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Trigger(); !errors.Is(err, periodic.ErrNotRunning) || !strings.Contains(err.Error(), `trigger "j"`) {
			t.Errorf("before Start: %v", err)
		}
		if err := j.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop(t, j)
		if err := j.Trigger(); !errors.Is(err, periodic.ErrNotRunning) {
			t.Errorf("after Stop: %v", err)
		}
	})
}

func TestPauseThenResumeMakesUpForMissedSlotsByPolicy(t *testing.T) {
	for _, tc := range []struct {
		missed periodic.Missed
		slots  []time.Duration
		paused uint64
	}{
		{periodic.Coalesce, seconds(10, 40, 50), 2},
		{periodic.SkipMissed, seconds(10, 50), 3},
		{periodic.CatchUp(2), seconds(10, 30, 40, 50), 1},
	} {
		t.Run(tc.missed.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLog()
				j := start(t, periodic.Config{Schedule: periodic.Every(10 * time.Second), Missed: tc.missed}, l.run(time.Second))
				pass(15 * time.Second)
				j.Pause()
				if !j.Next().IsZero() || !j.Stats().Paused {
					t.Error("not paused")
				}
				pass(30 * time.Second)
				j.Resume()
				pass(10 * time.Second) // 55 s
				l.want(t, tc.slots...)
				if s := j.Stats(); s.Skipped != (periodic.Skips{Paused: tc.paused}) {
					t.Errorf("skips %+v", s.Skipped)
				}
			})
		})
	}
}

func TestAPauseBetweenSlotsChangesNothing(t *testing.T) {
	for _, m := range []periodic.Missed{periodic.Coalesce, periodic.SkipMissed, periodic.CatchUp(2)} {
		synctest.Test(t, func(t *testing.T) {
			l := newLog()
			j := start(t, periodic.Config{Schedule: periodic.Every(10 * time.Second), Missed: m}, l.run(0))
			pass(12 * time.Second)
			j.Pause()
			pass(3 * time.Second)
			j.Resume()
			pass(20 * time.Second)
			l.want(t, seconds(10, 20, 30)...)
		})
	}
}

func TestTriggerWorksWhilePaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		j := start(t, periodic.Config{Schedule: periodic.Every(10 * time.Second), Overlap: periodic.Parallel(3)}, l.run(0))
		j.Pause()
		pass(3 * time.Second)
		if err := j.Trigger(); err != nil {
			t.Error(err)
		}
		pass(time.Minute)
		if err := j.Trigger(); err != nil { // slots have passed, which are not its business
			t.Error(err)
		}
		pass(time.Minute)
		l.want(t, seconds(3, 63)...)
	})
}

func TestStatsInTheMiddleOfARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		j := start(t, periodic.Config{Schedule: periodic.Every(10 * time.Second)}, l.run(5*time.Second))
		pass(12 * time.Second)
		s := j.Stats()
		if s.Running != 1 || s.LastStarted.Sub(l.zero) != 10*time.Second || s.Next.Sub(l.zero) != 20*time.Second || !s.LastSuccess.IsZero() || !s.Active {
			t.Errorf("stats %+v", s)
		}
		pass(5 * time.Second)
		s = j.Stats()
		if s.Running != 0 || s.LastSuccess.Sub(l.zero) != 15*time.Second || s.Runs[periodic.Succeeded] != 1 || len(s.History) != 1 {
			t.Errorf("stats %+v", s)
		}
		if len(s.Runs) != 5 {
			t.Errorf("outcomes %v", s.Runs)
		}
		if d := s.Duration; d.Count != 1 || d.Sum != 5*time.Second || d.Bounds[6] != 5*time.Second || d.Cumulative[5] != 0 || d.Cumulative[6] != 1 || d.Cumulative[11] != 1 {
			t.Errorf("durations %+v", d)
		}
	})
}

func TestHistoryKeepsTheLastRuns(t *testing.T) {
	for keep, want := range map[int]int{0: 10, -1: 0, 1: 1, 7: 7, 50: 23} {
		synctest.Test(t, func(t *testing.T) {
			l := newLog()
			j := start(t, periodic.Config{Schedule: periodic.Every(time.Second), History: keep}, l.run(0))
			pass(23 * time.Second)
			h := j.Stats().History
			if len(h) != want {
				t.Errorf("History %d keeps %d", keep, len(h))
			}
			for i, run := range h {
				if slot := run.Slot.Sub(l.zero); slot != time.Duration(23-i)*time.Second {
					t.Errorf("History %d: run %d is of %v", keep, i, slot)
				}
			}
		})
	}
}

func TestAJobPausedBeforeItStartsDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		j, err := periodic.New(periodic.Config{Name: "j", Schedule: periodic.Every(10 * time.Second), RunAtStart: true}, l.run(0))
		if err != nil {
			t.Fatal(err)
		}
		j.Pause()
		if err := j.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer stop(t, j)
		pass(5 * time.Second)
		j.Resume()
		pass(10 * time.Second)
		l.want(t, 10*time.Second)
	})
}

func TestTwoSlotsAtOneInstantAreOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		start(t, periodic.Config{Schedule: periodic.Union(cron(t, "*/10 * * * * *", nil), cron(t, "*/15 * * * * *", nil), periodic.At(l.zero.Add(30*time.Second)))}, l.run(0))
		pass(time.Minute)
		l.want(t, seconds(10, 15, 20, 30, 40, 45, 50, 60)...)
	})
}

func TestTheJobLaysTheGridOfEveryInsideOtherSchedules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(1234 * time.Millisecond)
		l := newLog()
		at := func(s float64) time.Time { return l.zero.Add(seconds(s)[0]) }
		s := periodic.Except(periodic.Bounded(periodic.Union(periodic.Every(10*time.Second), periodic.At(at(33))), at(15), at(75)), calendar.Between(at(40), at(60)))
		j := start(t, periodic.Config{Schedule: s, RunAtStart: true}, l.run(0))
		pass(2 * time.Minute)
		l.want(t, seconds(0, 20, 30, 33, 60, 70)...)
		<-j.Done()
	})
}
