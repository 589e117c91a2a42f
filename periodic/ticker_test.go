package periodic_test

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/steadgo/stead/periodic"
)

func ticker(t *testing.T, period time.Duration, opts ...periodic.TickerOption) *periodic.Ticker {
	t.Helper()
	tk, err := periodic.NewTicker(period, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tk.Stop)
	return tk
}

func TestTickerPeriodMustBeSensible(t *testing.T) {
	for _, d := range []time.Duration{0, -time.Second, 1, 291 * 365 * 24 * time.Hour} {
		if _, err := periodic.NewTicker(d); err == nil {
			t.Errorf("period %v was accepted", d)
		}
	}
	if _, err := periodic.NewTicker(time.Second, periodic.CatchUp(0)); err == nil {
		t.Error("CatchUp(0) was accepted")
	}
}

func TestTicksComeOnTheGridAndLateOnesAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zero := time.Now()
		tk := ticker(t, time.Second)
		var at, due []time.Duration
		var missed []int
		ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
		defer cancel()
		for tick := range tk.Ticks(ctx) {
			at = append(at, time.Since(zero))
			due = append(due, tick.Scheduled.Sub(zero))
			missed = append(missed, tick.Missed)
			if len(at) == 2 {
				time.Sleep(3300 * time.Millisecond)
			}
		}
		if !slices.Equal(at, seconds(1, 2, 5.3, 6, 7, 8, 9)) || !slices.Equal(due, seconds(1, 2, 5, 6, 7, 8, 9)) {
			t.Errorf("ticks at %v for %v", at, due)
		}
		if !slices.Equal(missed, []int{0, 0, 2, 0, 0, 0, 0}) {
			t.Errorf("missed %v", missed)
		}
	})
}

func TestLateFirstWaitTicksAtOnce(t *testing.T) {
	for _, tc := range []struct {
		missed periodic.Missed
		due    []time.Duration
		counts []int
	}{
		{periodic.Coalesce, seconds(10, 11), []int{9, 0}},
		{periodic.CatchUp(3), seconds(8, 9, 10, 11), []int{7, 0, 0, 0}},
		{periodic.CatchUp(100), seconds(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), make([]int, 11)},
		{periodic.SkipMissed, seconds(11), []int{10}},
	} {
		t.Run(tc.missed.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				zero := time.Now()
				tk := ticker(t, time.Second, tc.missed)
				time.Sleep(10500 * time.Millisecond)
				var due []time.Duration
				var counts []int
				for time.Since(zero) < 11*time.Second {
					tick, err := tk.Wait(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					due, counts = append(due, tick.Scheduled.Sub(zero)), append(counts, tick.Missed)
				}
				if !slices.Equal(due, tc.due) || !slices.Equal(counts, tc.counts) {
					t.Errorf("ticks for %v missed %v", due, counts)
				}
			})
		})
	}
}

func TestSecondConcurrentWaitIsRefusedAndTheFirstUnharmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tk := ticker(t, time.Second)
		first := make(chan error, 1)
		go func() {
			_, err := tk.Wait(t.Context())
			first <- err
		}()
		synctest.Wait()
		if _, err := tk.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "another goroutine waits") {
			t.Errorf("second wait: %v", err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("a second loop did not panic")
				}
			}()
			for range tk.Ticks(t.Context()) {
				break
			}
		}()
		if err := <-first; err != nil {
			t.Errorf("first wait: %v", err)
		}
	})
}

func TestCancelledWaitLeavesTheTickerRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tk := ticker(t, time.Second)
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(100*time.Millisecond, func() { cancel(io.EOF) })
		_, err := tk.Wait(ctx)
		if !errors.Is(err, context.Canceled) || !errors.Is(err, io.EOF) {
			t.Errorf("cancelled wait: %v", err)
		}
		time.Sleep(2 * time.Second)
		if _, err := tk.Wait(ctx); !errors.Is(err, io.EOF) {
			t.Errorf("an ended context lost against a due tick: %v", err)
		}
		if tick, err := tk.Wait(t.Context()); err != nil || tick.Missed != 1 {
			t.Errorf("next wait: %+v %v", tick, err)
		}
	})
}

func TestTickerStopEndsWaitsAndVoidsADueTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tk := ticker(t, time.Second)
		time.AfterFunc(100*time.Millisecond, tk.Stop)
		if _, err := tk.Wait(t.Context()); !errors.Is(err, periodic.ErrNotRunning) {
			t.Errorf("wait: %v", err)
		}
		time.Sleep(2 * time.Second)
		tk.Stop()
		for range tk.Ticks(t.Context()) {
			t.Error("a tick after Stop")
		}
		if err := tk.Reset(time.Minute); !errors.Is(err, periodic.ErrNotRunning) || tk.Period() != time.Second {
			t.Errorf("reset: %v, period %v", err, tk.Period())
		}
	})
}

func TestResetAppliesToAWaitThatIsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zero := time.Now()
		tk := ticker(t, math.MaxInt64)
		time.AfterFunc(time.Hour, func() {
			if err := tk.Reset(0); err == nil {
				t.Error("period 0 was accepted")
			}
			if err := tk.Reset(time.Minute); err != nil {
				t.Error(err)
			}
		})
		if tick, err := tk.Wait(t.Context()); err != nil || tick.Scheduled.Sub(zero) != 61*time.Minute {
			t.Errorf("%+v %v", tick, err)
		}
		time.Sleep(90 * time.Second)
		if err := tk.Reset(math.MaxInt64); err != nil { // the tick of 62 min is due already
			t.Error(err)
		}
		if tick, err := tk.Wait(t.Context()); err != nil || tick.Scheduled.Sub(zero) != 62*time.Minute {
			t.Errorf("%+v %v", tick, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 1000*time.Hour)
		defer cancel()
		if tick, err := tk.Wait(ctx); err == nil {
			t.Errorf("a ticker of period Forever ticked: %+v", tick)
		}
	})
}

func TestTickerOnAMockClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mock := clock.NewMock()
		tk := ticker(t, time.Second, periodic.TickerClock(mock))
		n := 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range tk.Ticks(t.Context()) {
				n++
			}
		}()
		synctest.Wait()
		mock.Add(5 * time.Second)
		synctest.Wait()
		tk.Stop()
		<-done
		if n != 5 {
			t.Errorf("%d ticks in 5 s", n)
		}
	})
}
