package periodic

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"sync"
	"time"

	"github.com/benbjohnson/clock"
)

// Tick is one tick of a [Ticker].
type Tick struct {
	Scheduled time.Time // when the tick was due, by the wall clock
	Missed    int       // ticks that were due before this one and were not delivered
}

// Ticker delivers ticks to one consumer that waits for them, like .NET's
// PeriodicTimer. The caller writes the loop, so its body never overlaps with
// itself. Use [NewTicker] to create it; the zero value is not usable. A Ticker has
// no goroutine, holds no timer while nobody waits, and needs no Stop to be freed.
//
// The ticks lie on a fixed grid on the monotonic clock, the first one period after
// NewTicker. Ticks that fall due while nobody waits become one tick, and the grid
// goes on. A policy of type [Missed] given to NewTicker changes that.
//
// A Ticker is safe for concurrent use, but only one goroutine at a time may wait.
type Ticker struct {
	missed Missed
	time   *timeline

	mu      sync.Mutex
	period  time.Duration
	due     time.Duration // the next tick, on the monotonic clock, or forever
	skipped int           // ticks skipped since the last one delivered
	waiting bool
	stopped bool
	change  chan struct{} // closed and replaced by Reset and Stop
}

// forever is the period of a ticker that does not tick until it is reset.
const forever time.Duration = math.MaxInt64

// TickerOption is an option of [NewTicker]: a policy of type [Missed], or
// [TickerClock].
type TickerOption interface{ applyTicker(t *tickerOptions) }

type tickerOptions struct {
	missed Missed
	clock  clock.Clock
}

// tickerClock is the option TickerClock.
type tickerClock struct{ clock.Clock }

func (m Missed) applyTicker(o *tickerOptions)      { o.missed = m }
func (c tickerClock) applyTicker(o *tickerOptions) { o.clock = c.Clock }

// TickerClock returns an option that sets the time source, see [Config.Clock]. If c
// is nil, real time is used.
func TickerClock(c clock.Clock) TickerOption { return tickerClock{c} }

// NewTicker creates a ticker. The first tick is due one period from now. period
// must be from one millisecond to a hundred years, or math.MaxInt64 nanoseconds,
// with which the ticker does not tick until Reset. NewTicker returns an error for
// any other period and for a nil option.
//
// A policy decides about ticks that fell due while nobody waited. [Coalesce], the
// default, makes them one tick, delivered at once. [CatchUp] delivers each of the
// latest ones. [SkipMissed] delivers none of them and waits for the next tick on
// the grid. Under all of them [Tick].Missed counts the ticks that were not
// delivered.
func NewTicker(period time.Duration, opts ...TickerOption) (*Ticker, error) {
	if err := checkTicker(period); err != nil {
		return nil, fmt.Errorf("stead/periodic: new ticker: %w", err)
	}
	var o tickerOptions
	for i, opt := range opts {
		if opt == nil {
			return nil, fmt.Errorf("stead/periodic: new ticker: option %d of %d is nil", i+1, len(opts))
		}
		opt.applyTicker(&o)
	}
	if o.missed < SkipMissed || o.missed > maxCatchUp {
		return nil, fmt.Errorf("stead/periodic: new ticker: Missed: the limit is not from 1 to %d", maxCatchUp)
	}
	t := &Ticker{missed: o.missed, time: newTimeline(o.clock), period: period, change: make(chan struct{})}
	t.due = t.after(t.time.elapsed())
	return t, nil
}

func checkTicker(period time.Duration) error {
	if period == forever {
		return nil
	}
	return checkPeriod(period)
}

// after returns when the tick after due comes, which may be forever.
func (t *Ticker) after(due time.Duration) time.Duration {
	if t.period == forever {
		return forever
	}
	return due + t.period
}

// Wait returns the next tick. It blocks until one is due. It returns ErrNotRunning
// after Stop, an error while another goroutine waits, and an error that wraps
// ctx.Err and the cause of ctx if ctx is done, even if a tick is due. A failed Wait
// takes no tick.
func (t *Ticker) Wait(ctx context.Context) (Tick, error) {
	tick, err := t.wait(ctx)
	if err != nil {
		return Tick{}, fmt.Errorf("stead/periodic: wait for tick: %w", err)
	}
	return tick, nil
}

func (t *Ticker) wait(ctx context.Context) (Tick, error) {
	t.mu.Lock()
	if t.waiting {
		t.mu.Unlock()
		return Tick{}, errWaiting
	}
	t.waiting = true
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		t.waiting = false
		t.mu.Unlock()
	}()
	timer := &reusableTimer{clk: t.time.clk}
	defer timer.stop()
	for first := true; ; first = false {
		if err := ctx.Err(); err != nil { // before a tick is taken
			if cause := context.Cause(ctx); !errors.Is(cause, err) {
				err = fmt.Errorf("%w: %w", err, cause)
			}
			return Tick{}, err
		}
		if first && t.missed == SkipMissed {
			t.skip()
		}
		tick, left, change, err := t.take()
		if err != nil || left <= 0 {
			return tick, err
		}
		var ring <-chan time.Time
		if left != forever {
			ring = timer.set(left)
		}
		select {
		case <-ctx.Done():
		case <-change:
		case <-ring:
			timer.rang()
		}
	}
}

// take takes the due tick. Otherwise it returns how long until the next one, and a
// channel that is closed when that changes.
func (t *Ticker) take() (tick Tick, left time.Duration, change <-chan struct{}, err error) {
	t.time.read() // so that Tick.Scheduled follows the wall clock if it was set
	now := t.time.elapsed()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.stopped:
		return tick, 0, nil, ErrNotRunning
	case t.due == forever:
		return tick, forever, t.change, nil
	case t.due > now:
		return tick, t.due - now, t.change, nil
	default:
		return t.takeLocked(now), 0, nil, nil
	}
}

// skip skips the ticks that were due before this wait. A tick that is due at this
// instant is not late.
func (t *Ticker) skip() {
	now := t.time.elapsed()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.due >= now:
	case t.period == forever:
		t.due = forever
		t.skipped++
	default:
		n := int((now - t.due + t.period - 1) / t.period)
		t.due += time.Duration(n) * t.period
		t.skipped += n
	}
}

// takeLocked takes the due tick.
func (t *Ticker) takeLocked(now time.Duration) Tick {
	late := int((now - t.due) / t.period) // further ticks that are due
	missed := max(late-max(int(t.missed), 1)+1, 0)
	at := t.due + time.Duration(missed)*t.period
	t.due = t.after(at)
	tick := Tick{Scheduled: t.time.at(at), Missed: missed + t.skipped}
	t.skipped = 0
	return tick
}

// Ticks returns the ticks as a sequence. It ends when ctx is done or the ticker is
// stopped:
//
//	for tick := range t.Ticks(ctx) {
//		poll(ctx, tick.Scheduled)
//	}
//
// Leaving the loop does not stop the ticker. Ranging while another goroutine waits
// is a mistake in the program and panics. Use Wait where that cannot be ruled out.
func (t *Ticker) Ticks(ctx context.Context) iter.Seq[Tick] {
	return func(yield func(Tick) bool) {
		for {
			tick, err := t.wait(ctx)
			if errors.Is(err, errWaiting) {
				panic("stead/periodic: two loops range over one Ticker")
			}
			if err != nil || !yield(tick) {
				return
			}
		}
	}
}

// Reset changes the period; see [NewTicker] for its bounds. The next tick is one
// new period from now, also for a goroutine that waits. A tick that is already due
// stays. Reset returns an error for an invalid period, and ErrNotRunning for a
// stopped ticker; nothing changes then.
func (t *Ticker) Reset(period time.Duration) error {
	err := checkTicker(period)
	now := t.time.elapsed()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err != nil:
	case t.stopped:
		err = ErrNotRunning
	default:
		t.period = period
		if t.due > now {
			t.due = t.after(now)
		}
		t.signalLocked()
	}
	if err != nil {
		return fmt.Errorf("stead/periodic: reset ticker: %w", err)
	}
	return nil
}

// Period returns the period.
func (t *Ticker) Period() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.period
}

// Stop stops the ticker. A waiting Wait and all later ones return ErrNotRunning. A
// tick that is due is discarded. Stop may be called more than once.
func (t *Ticker) Stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.stopped {
		t.stopped = true
		t.signalLocked()
	}
}

func (t *Ticker) signalLocked() {
	close(t.change)
	t.change = make(chan struct{})
}
