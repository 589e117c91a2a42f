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
	Scheduled time.Time // when it was due, by the wall clock
	Missed    int       // ticks that were due before it and were not delivered
}

// Ticker delivers ticks to one consumer that asks for them, in the manner of
// .NET's PeriodicTimer: the loop is the caller's, so its body never overlaps with
// itself. Make it with [NewTicker]; the zero value is not usable. It has no
// goroutine, holds no timer while nobody waits, and needs no Stop to be freed.
//
// The ticks lie on a fixed grid on the monotonic clock, the first one period
// after NewTicker. Ticks that fall due while nobody waits become one, and the
// grid goes on; a policy of type [Missed] given to NewTicker chooses another way.
//
// All methods may be called from any goroutine, but only one at a time may wait.
type Ticker struct {
	missed Missed
	time   *timeline

	mu      sync.Mutex
	period  time.Duration
	due     time.Duration // the next tick, on the monotonic clock; forever: none
	skipped int           // ticks passed over since the last one delivered
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

// TickerClock sets the time source, see [Config.Clock]. nil is real time.
func TickerClock(c clock.Clock) TickerOption { return tickerClock{c} }

// NewTicker makes a ticker with a period from one millisecond to a hundred years,
// or of math.MaxInt64 nanoseconds, with which it does not tick until Reset; any
// other is an error. The first tick is due one period from now.
//
// A policy says what becomes of ticks that fell due while nobody waited: [Coalesce],
// the default, makes them one tick, delivered at once; [CatchUp] delivers each of
// the latest ones; [SkipMissed] delivers none of them, but waits for the next on
// the grid. Under all of them [Tick].Missed counts those not delivered.
func NewTicker(period time.Duration, opts ...TickerOption) (*Ticker, error) {
	if err := checkTicker(period); err != nil {
		return nil, fmt.Errorf("stead/periodic: new ticker: %w", err)
	}
	var o tickerOptions
	for _, opt := range opts {
		if opt != nil {
			opt.applyTicker(&o)
		}
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

// after is when the tick after one at due comes; that may be forever.
func (t *Ticker) after(due time.Duration) time.Duration {
	if t.period == forever {
		return forever
	}
	return due + t.period
}

// Wait returns the next tick, at once if one is due, else when it is. It fails with
// ErrNotRunning after Stop, with another error while another goroutine waits, and
// with one that wraps ctx.Err and the cause of ctx when ctx ends; a ctx that has
// ended already wins over a tick that is due. A failed Wait takes no tick.
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
	bell := &alarm{clk: t.time.clk}
	defer bell.stop()
	for first := true; ; first = false {
		if err := ctx.Err(); err != nil { // before anything is taken
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
			ring = bell.set(left)
		}
		select {
		case <-ctx.Done():
		case <-change:
		case <-ring:
			bell.rang()
		}
	}
}

// take takes the tick that is due, or says how long until there is one and what
// is closed when that changes.
func (t *Ticker) take() (tick Tick, left time.Duration, change <-chan struct{}, err error) {
	t.time.read() // follow a wall clock that was set, for Tick.Scheduled
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

// skip passes over the ticks that were due before this wait. One that is due at
// this very instant is not late.
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

// takeLocked takes the tick that is due.
func (t *Ticker) takeLocked(now time.Duration) Tick {
	late := int((now - t.due) / t.period) // ticks that are due beside this one
	missed := max(late-max(int(t.missed), 1)+1, 0)
	at := t.due + time.Duration(missed)*t.period
	t.due = t.after(at)
	tick := Tick{Scheduled: t.time.at(at), Missed: missed + t.skipped}
	t.skipped = 0
	return tick
}

// Ticks returns the ticks as a sequence that ends when ctx does or when the
// ticker is stopped:
//
//	for tick := range t.Ticks(ctx) {
//		poll(ctx, tick.Scheduled)
//	}
//
// Leaving the loop does not stop the ticker. Ranging while another goroutine
// waits is a mistake in the program and panics; Wait is there for those who
// cannot rule it out.
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

// Reset changes the period; see [NewTicker] for what it may be. The next tick is
// one new period from now, also for a Wait that is on; a tick that is due already
// stays. A wrong period and, with ErrNotRunning, a stopped ticker are errors and
// change nothing.
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

// Stop ends the ticker: a Wait that is on and all later ones return ErrNotRunning,
// and a tick that is due is void. It may be called more than once.
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
