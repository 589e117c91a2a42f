package ticking

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

// Mode is how the slots of the jobs lie to each other.
type Mode uint8

// The modes.
const (
	Spread Mode = iota // evenly over the period
	Burst              // all at once
)

// Load is the jobs that a contender has to run, and the record of what it ran.
type Load struct {
	N      int
	Period time.Duration
	Mode   Mode

	// phase is where the slots of each job lie: phase plus any number of periods,
	// in Unix nanoseconds. A contender that chooses its slots itself writes here
	// what it chose, before Start returns or in align.
	phase []int64

	align func() // set by Start if its slots need a second step; may be nil

	deadline time.Time
	from     atomic.Int64 // the first instant that counts; zero means none yet
	ticks    int          // slots of each job that count
	late     []atomic.Int64
}

// early is how far before its slot a run may begin and still be for it: timers
// keep to another clock than the slots do.
const early = 2 * time.Millisecond

// NewLoad makes a load of n jobs whose first slots are about lead from now and
// that counts the given number of slots of each.
func NewLoad(n int, period time.Duration, mode Mode, lead time.Duration, ticks int) *Load {
	l := &Load{
		N: n, Period: period, Mode: mode, ticks: ticks,
		phase: make([]int64, n), late: make([]atomic.Int64, n*ticks),
		deadline: time.Now().Add(setUpLimit),
	}
	l.place(time.Now().Add(lead))
	return l
}

// place lays the slots of all jobs so that one of the first is at the anchor.
func (l *Load) place(anchor time.Time) {
	for i := range l.phase {
		l.phase[i] = anchor.Add(l.offset(i)).UnixNano()
	}
}

// offset is how long after those of the first job a job's slots are.
func (l *Load) offset(i int) time.Duration {
	if l.Mode == Burst {
		return 0
	}
	return time.Duration(int64(l.Period) * int64(i) / int64(l.N))
}

// grid is the slots of a job as a schedule. It fits the interfaces of several
// libraries.
type grid struct{ phase, period int64 }

func (l *Load) grid(i int) grid { return grid{l.phase[i], int64(l.Period)} }

// Next returns the first slot after t.
func (g grid) Next(t time.Time) time.Time { return time.Unix(0, g.after(t.UnixNano())) }

func (g grid) after(t int64) int64 {
	passed := t - g.phase
	slots := passed / g.period
	if passed < 0 && slots*g.period != passed {
		slots--
	}
	return g.phase + (slots+1)*g.period
}

// ran is what every job does.
func (l *Load) ran(i int) {
	from := l.from.Load()
	if from == 0 {
		return
	}
	now := time.Now().UnixNano()
	slot := l.grid(i).after(now+int64(early)) - int64(l.Period)
	if slot < from {
		return
	}
	if k := int((slot - from) / int64(l.Period)); k < l.ticks {
		// A zero is a slot that was not run.
		l.late[i*l.ticks+k].CompareAndSwap(0, max(now-slot, 0)+1)
	}
}

// open begins to count at the next instant, at least after wait, that lies between
// two bursts, and sleeps until then.
func (l *Load) open(wait time.Duration) {
	const before = 50 * time.Millisecond // of a burst; from the last one it is the rest of the period
	from := time.Unix(0, grid{l.phase[0], int64(l.Period)}.after(time.Now().Add(wait+before).UnixNano())).Add(-before)
	l.from.Store(from.UnixNano())
	time.Sleep(time.Until(from))
}

// result is the share of slots that were run, and the lateness of those.
func (l *Load) result() (share float64, late []time.Duration) {
	for i := range l.late {
		if d := l.late[i].Load(); d > 0 {
			late = append(late, time.Duration(d-1))
		}
	}
	slices.Sort(late)
	return float64(len(late)) / float64(len(l.late)), late
}

// setUpLimit is how long a contender may take to get ready. What takes longer is
// not waited for.
const setUpLimit = 10 * time.Second

// ErrTooSlow is the error of a set-up that takes longer than ten seconds.
var ErrTooSlow = errors.New("set-up takes more than 10 s")

// each calls f for every job, unless that takes too long.
func (l *Load) each(f func(i int) error) error {
	for i := range l.N {
		if i%64 == 0 && time.Now().After(l.deadline) {
			return ErrTooSlow
		}
		if err := f(i); err != nil {
			return err
		}
	}
	return nil
}

// settle waits until the goroutines of a contender that was stopped have ended.
func settle(ctx context.Context, idle int) error {
	for runtime.NumGoroutine() > idle {
		select {
		case <-ctx.Done():
			return errors.New("goroutines are left after the stop")
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}
