package periodic_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/lifecycle"
	"github.com/steadgo/stead/periodic"
)

// nilPointerError is the error that a function returns by mistake when it returns a
// nil pointer of its own type.
type nilPointerError struct{ cause error }

func (e *nilPointerError) Error() string { return e.cause.Error() }
func (e *nilPointerError) Unwrap() error { return e.cause }

func TestAnErrorThatPanicsWhenAskedIsAPanicOfItsRun(t *testing.T) {
	for name, run := range map[string]func(context.Context) error{
		"returned": func(context.Context) error { return (*nilPointerError)(nil) },
		"panicked": func(context.Context) error { panic((*nilPointerError)(nil)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := start(t, periodic.Config{Schedule: periodic.Every(10 * time.Second)}, run)
				pass(25 * time.Second)
				if n := j.Stats().Panics; n != 2 {
					t.Errorf("%d runs panicked, want 2", n)
				}
			})
		})
	}
}

func TestAPanicOrGoexitEndsOneRunOnly(t *testing.T) {
	for name, fail := range map[string]func(){
		"panic":      func() { panic("boom") },
		"panic(nil)": func() { panic(nil) },
		"error":      func() { panic(io.EOF) },
		"Goexit":     runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLog()
				j := start(t, periodic.Config{Schedule: periodic.Every(10 * time.Second), Overlap: periodic.QueueOne}, func(ctx context.Context) error {
					l.note(ctx)
					time.Sleep(12 * time.Second)
					if l.count() < 3 {
						fail()
					}
					return nil
				})
				pass(50 * time.Second)
				l.wantBegan(t, seconds(10, 22, 34, 46)...)
				s := j.Stats()
				var caught *lifecycle.PanicError
				if s.Panics != 2 || s.Runs[periodic.Panicked] != 2 || s.Runs[periodic.Succeeded] != 1 || s.Streak != 0 {
					t.Errorf("stats %+v", s)
				}
				if !errors.As(s.History[2].Err, &caught) || !strings.Contains(string(caught.Stack), "failure_test.go") {
					t.Errorf("first error %v", s.History[2].Err)
				}
				if name == "error" && !errors.Is(caught, io.EOF) {
					t.Error("the error that was panicked with is lost")
				}
			})
		})
	}
}

func TestGiveUpAfterAStreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		var fixed atomic.Bool
		var gaveUp []error // written once, long before it is read
		j := start(t, periodic.Config{
			Schedule: periodic.Every(10 * time.Second), GiveUpAfter: 3,
			OnGiveUp: func(ctx context.Context, err error) {
				if ctx.Err() != nil || periodic.Scheduled(ctx).IsZero() {
					t.Error("OnGiveUp has no usable context")
				}
				gaveUp = append(gaveUp, err)
				panic("the callback's own")
			},
		}, func(ctx context.Context) error {
			l.note(ctx)
			if !fixed.Load() && l.count() != 2 { // the second one breaks the streak
				return io.ErrUnexpectedEOF
			}
			return nil
		})
		pass(65 * time.Second)
		l.want(t, seconds(10, 20, 30, 40, 50)...)
		<-j.Done()
		err := j.Err()
		if !errors.Is(err, periodic.ErrGaveUp) || !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), `"j"`) {
			t.Errorf("Err %v", err)
		}
		if len(gaveUp) != 1 || !errors.Is(gaveUp[0], periodic.ErrGaveUp) {
			t.Errorf("OnGiveUp got %v", gaveUp)
		}
		if s := j.Stats(); !s.GaveUp || s.Active || !s.Next.IsZero() || s.Streak != 3 || !errors.Is(j.Health(t.Context()), periodic.ErrGaveUp) {
			t.Errorf("stats %+v, health %v", s, j.Health(t.Context()))
		}

		if err := j.Trigger(); err != nil { // still broken: a streak of one
			t.Error(err)
		}
		synctest.Wait()
		if err := j.Health(t.Context()); err != nil {
			t.Errorf("health after Trigger: %v", err)
		}
		fixed.Store(true)
		pass(20 * time.Second)
		l.want(t, seconds(10, 20, 30, 40, 50, 65, 70, 80)...)
		if len(gaveUp) != 1 {
			t.Errorf("OnGiveUp got %v", gaveUp)
		}
	})
}

func TestGivingUpEndsTheRunsBesideIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var causes errorLog
		var runs atomic.Int64
		j := start(t, periodic.Config{Schedule: periodic.Every(10 * time.Second), Overlap: periodic.Parallel(3), GiveUpAfter: 1}, func(ctx context.Context) error {
			if runs.Add(1) == 3 {
				return io.EOF
			}
			<-ctx.Done()
			causes.add(context.Cause(ctx))
			return ctx.Err()
		})
		pass(time.Minute)
		if got := causes.all(); len(got) != 2 || !errors.Is(got[0], periodic.ErrGaveUp) || !errors.Is(got[1], io.EOF) {
			t.Errorf("causes %v", got)
		}
		if s := j.Stats(); runs.Load() != 3 || s.Runs[periodic.Canceled] != 2 {
			t.Errorf("%d runs, stats %+v", runs.Load(), s)
		}
	})
}

func TestStopWhileAnAttemptWaitsReturnsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Hour), RunAtStart: true, Retry: periodic.Retry{Attempts: 9, Initial: time.Minute}},
			func(context.Context) error { return io.EOF })
		pass(time.Millisecond)
		before := time.Now()
		stop(t, j)
		if d := time.Since(before); d != 0 {
			t.Errorf("stopped after %v", d)
		}
	})
}

// bad schedules are somebody else's code.
type badSchedule struct{ next func(time.Time) time.Time }

func (b badSchedule) Next(after time.Time) time.Time { return b.next(after) }

func TestABadScheduleEndsItsJobWithAnError(t *testing.T) {
	for name, then := range map[string]func(time.Time) time.Time{
		"backwards": func(after time.Time) time.Time { return after.Add(-time.Second) },
		"stuck":     func(after time.Time) time.Time { return after },
		"panics":    func(time.Time) time.Time { panic("boom") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLog()
				calls := 0
				j := start(t, periodic.Config{Schedule: badSchedule{func(after time.Time) time.Time {
					if calls++; calls < 3 {
						return after.Add(10 * time.Second)
					}
					return then(after)
				}}}, l.run(0))
				pass(time.Minute)
				<-j.Done()
				if err := j.Err(); err == nil || !strings.Contains(err.Error(), `stead/periodic: run "j": `) {
					t.Errorf("Err %v", err)
				}
				l.want(t, 10*time.Second)

				bad, err := periodic.New(periodic.Config{Name: "b", Schedule: badSchedule{then}}, nothing)
				if err != nil {
					t.Fatal(err)
				}
				if err := bad.Start(t.Context()); err == nil || !strings.Contains(err.Error(), `start "b"`) {
					t.Errorf("Start: %v", err)
				}
				stop(t, bad)
			})
		})
	}
}

// newRecorder is a logger and what it wrote, without the times and stacks.
func newRecorder() (*slog.Logger, *strings.Builder) {
	var b strings.Builder
	return slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "stack" {
			return slog.Attr{}
		}
		return a
	}})), &b
}

func TestWhatIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, lines := newRecorder()
		n := 0
		j := start(t, periodic.Config{Name: "noisy", Schedule: periodic.Every(10 * time.Second), GiveUpAfter: 2, Logger: logger}, func(context.Context) error {
			if n++; n == 1 {
				return nil
			}
			return io.EOF
		})
		j.Pause()
		j.Pause()
		j.Resume()
		pass(31 * time.Second)
		want := []string{"level=INFO msg=\"job paused\" job=noisy", "level=INFO msg=\"job resumed\" job=noisy",
			"level=DEBUG msg=\"run ended\" job=noisy", "level=WARN msg=\"run failed\" job=noisy", "level=ERROR msg=\"job gave up\" job=noisy"}
		got := strings.Split(strings.TrimSpace(lines.String()), "\n")
		if len(got) != len(want) {
			t.Fatalf("log:\n%s", lines)
		}
		for i, w := range want {
			if !strings.HasPrefix(got[i], w) {
				t.Errorf("line %d is %s, want %s", i, got[i], w)
			}
		}
	})
}

func TestAFailedRunSaysWhenItIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, lines := newRecorder()
		retry := periodic.Retry{Attempts: 3, Initial: time.Second, Max: time.Second}
		start(t, periodic.Config{Name: "nightly", Schedule: periodic.Every(time.Hour), Retry: retry, Logger: logger}, func(context.Context) error {
			return io.EOF
		})
		pass(time.Hour + time.Minute)
		got := strings.Split(strings.TrimSpace(lines.String()), "\n")
		if len(got) != 3 {
			t.Fatalf("log:\n%s", lines)
		}
		for i, line := range got {
			if last := i == 2; strings.Contains(line, " delay=") == last {
				t.Errorf("line %d is %s; all but the last attempt have a delay", i, line)
			}
		}
	})
}

func TestAFailureThatWasLoggedIsCountedAndNotLoggedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, lines := newRecorder()
		j := start(t, periodic.Config{Name: "noisy", Schedule: periodic.Every(10 * time.Second), GiveUpAfter: 3, Logger: logger}, func(context.Context) error {
			return fmt.Errorf("ping: %w", lifecycle.Logged(io.EOF))
		})
		pass(31 * time.Second)
		if s := j.Stats(); s.Runs[periodic.Failed] != 3 || !s.GaveUp || !errors.Is(s.Last.Err, io.EOF) {
			t.Errorf("%v, gave up: %v, last %v", s.Runs, s.GaveUp, s.Last.Err)
		}
		if text := lines.String(); !strings.HasPrefix(text, `level=ERROR msg="job gave up" job=noisy`) || strings.Count(text, "\n") != 1 {
			t.Errorf("log:\n%s", text)
		}
	})
}

func TestAPanicIsOneErrorLineWithItsStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines strings.Builder
		logger := slog.New(slog.NewTextHandler(&lines, nil))
		start(t, periodic.Config{Name: "shaky", Schedule: periodic.Every(10 * time.Second), GiveUpAfter: 2, Logger: logger}, byTurns(periodic.Panicked))
		pass(21 * time.Second)
		got := strings.Split(strings.TrimSpace(lines.String()), "\n")
		if len(got) != 2 {
			t.Fatalf("log:\n%s", lines.String())
		}
		for i, begin := range []string{`level=ERROR msg="run panicked" job=shaky`, `level=ERROR msg="job gave up" job=shaky`} {
			if !strings.Contains(got[i], begin) || !strings.Contains(got[i], "error=") || !strings.Contains(got[i], "out of ink") ||
				!strings.Contains(got[i], "stack=") || !strings.Contains(got[i], "byTurns") {
				t.Errorf("line %d is %s", i, got[i])
			}
		}
	})
}

func TestGivingUpForgetsTheSlotsThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := start(t, periodic.Config{Schedule: periodic.Every(time.Second), Overlap: periodic.Queue(5), GiveUpAfter: 1}, func(context.Context) error {
			time.Sleep(3500 * time.Millisecond)
			return io.EOF
		})
		pass(time.Minute)
		if s := j.Stats(); !s.GaveUp || s.Waiting != 0 || s.Skipped != (periodic.Skips{Stopped: 3}) || s.Duration.Count != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

// hook is a log handler that does something.
type hook struct {
	slog.Handler
	do func(slog.Record)
}

func (h hook) Handle(_ context.Context, r slog.Record) error {
	h.do(r)
	return nil
}

func TestATriggerFromTheLogHandlerOfTheLoopIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		var self atomic.Pointer[periodic.Job]
		logger := slog.New(hook{slog.Default().Handler(), func(r slog.Record) {
			if strings.Contains(r.Message, "timeout") {
				if err := self.Load().Trigger(); err != nil {
					t.Error(err)
				}
			}
		}})
		j := start(t, periodic.Config{
			Schedule: periodic.Every(time.Hour), Timeout: time.Second, Overlap: periodic.Parallel(2), Logger: logger,
		}, func(ctx context.Context) error {
			l.note(ctx)
			if l.count() == 1 {
				time.Sleep(time.Minute)
			}
			return nil
		})
		self.Store(j)
		pass(time.Hour + 10*time.Second)
		l.wantBegan(t, time.Hour, time.Hour+2*time.Second)
		pass(time.Minute)
	})
}
