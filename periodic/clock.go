package periodic

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/benbjohnson/clock"
)

// This file is the only one that reads a clock or makes a timer.

const (
	// Go's timers stand still while the machine is suspended and do not notice that the
	// wall clock was set, so no wait is longer than this.
	maxWait = 30 * time.Second

	// A wall clock that differs by more than this from the monotonic clock was set. It
	// must be longer than the two readings take, and small, because it is how wrong a
	// calendar slot may be.
	jumpTolerance = 10 * time.Millisecond
)

// timeline is the time by which jobs run. It reads like the wall clock, but
// advances with the monotonic clock. When the wall clock was set, read reports the
// difference once, so that whatever counts in elapsed time can be moved along.
//
// The monotonic reading is Since of one fixed instant. On the real clock Since is
// unaffected when the wall clock is set, and every other clock has it too.
type timeline struct {
	clk   clock.Clock
	base  time.Time
	wall  time.Time     // base without its monotonic reading
	zero  time.Duration // Since(base) at that moment; not zero on a clock whose Now was set before
	shift atomic.Int64  // sum of the jumps of the wall clock since base
}

func newTimeline(c clock.Clock) *timeline {
	if c == nil {
		c = clock.New()
	}
	base := c.Now()
	return &timeline{clk: c, base: base, wall: base.Round(0), zero: c.Since(base)}
}

// elapsed returns the monotonic time since the timeline began.
func (t *timeline) elapsed() time.Duration { return t.clk.Since(t.base) - t.zero }

// now returns the time without checking the wall clock.
func (t *timeline) now() time.Time { return t.at(t.elapsed()) }

// at returns what now returns at that monotonic time.
func (t *timeline) at(elapsed time.Duration) time.Time {
	return t.wall.Add(elapsed + time.Duration(t.shift.Load()))
}

// read checks the wall clock. It returns the time, and by how much the wall clock
// was set since the last call. Only one goroutine may call it.
func (t *timeline) read() (now time.Time, jump time.Duration) {
	// The goroutine may lose its processor between the two readings, which looks like a
	// jump but does not last.
	for try := range 4 {
		now = t.now()
		d := t.clk.Now().Round(0).Sub(now)
		if d.Abs() <= jumpTolerance {
			return now, 0
		}
		if try == 0 || d.Abs() < jump.Abs() {
			jump = d
		}
	}
	t.shift.Add(int64(jump))
	return t.now(), jump
}

// reusableTimer is a timer for one goroutine. It never resets a timer whose channel may
// hold a value, because on clock.Mock that deadlocks at the next firing. A wake-up
// is only a hint: the goroutine that is woken reads the clock.
type reusableTimer struct {
	clk   clock.Clock
	timer *clock.Timer
	armed bool
}

// set arms the timer and returns its channel. The caller calls rang after it has
// received from the channel.
func (a *reusableTimer) set(d time.Duration) <-chan time.Time {
	d = min(max(d, 1), maxWait)
	if a.timer != nil && (!a.armed || a.timer.Stop()) {
		a.timer.Reset(d)
	} else {
		a.timer = a.clk.Timer(d)
	}
	a.armed = true
	return a.timer.C
}

// rang says that the channel is empty again.
func (a *reusableTimer) rang() { a.armed = false }

// stop frees the timer.
func (a *reusableTimer) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}

// withTimeout bounds ctx on the real clock, so that ctx has the deadline that
// database drivers and HTTP clients look for. On another clock a deadline in real
// time would be wrong, so there only the loop ends the run.
func withTimeout(ctx context.Context, d time.Duration, real bool) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	if d <= 0 || !real {
		return ctx, cancel
	}
	ctx, release := context.WithTimeoutCause(ctx, d, ErrTimeout)
	return ctx, func(cause error) {
		cancel(cause)
		release()
	}
}

// withMoment bounds waits for what takes no time unless something is broken.
func withMoment() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 100*time.Millisecond)
}

// withSecond bounds waits that are not strictly necessary.
func withSecond() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Second)
}

// withReserve returns a context that ends a tenth of the remaining time before ctx
// does, at most a second. The reserve is for runs to return after they are
// canceled.
func withReserve(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	reserve := min(time.Until(deadline)/10, time.Second)
	return context.WithDeadline(ctx, deadline.Add(-max(reserve, 0)))
}
