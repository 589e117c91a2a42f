package periodic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/steadgo/stead/internal/backoff"
)

// Config says what a job is called, when it runs, and what happens when things
// do not go to plan. Name and Schedule must be set; the zero value of every
// other field is a working default. Durations must not be negative unless a
// field says so.
type Config struct {
	// Name stands in logs, errors, metrics and, in a Scheduler, the pprof label
	// "job"; on its own a job has the labels of its service. With the process it also
	// seeds the phase and the jitter, so that neither different names nor the
	// replicas of one run together; see [Every].
	Name string

	// Schedule says when the job is due. Every, After, Cron and DailyAt are where
	// to look first.
	Schedule Schedule

	// RunAtStart makes the start the first slot, delayed by Jitter as any other. The
	// grid of Every then begins there. With a LastRun store it does so only for a
	// job that never ran: one that did runs at the start if a slot has passed since,
	// see Missed. Start does not wait for the run. To finish a first run before other
	// services start, register the function with hosted.Host.Task as well and set
	// Phase to OnePeriod.
	RunAtStart bool

	// Phase is how long after the start the first slot of Every is due, also if that
	// is longer than the period; at most 100 years. Zero chooses a place within the
	// period, see [Every]. [OnePeriod], and any negative value: one period after the
	// start. It has no effect with RunAtStart, after a slot that LastRun remembers,
	// and on other schedules.
	Phase time.Duration

	// Overlap decides on slots that are due while a run is on. Zero is SkipOverlap.
	Overlap Overlap

	// Missed decides on slots that nobody could fire. Zero is Coalesce: one run.
	Missed Missed

	// MissedGrace is how late a slot may still be run, under every policy of
	// Missed. Zero is no limit, except that SkipMissed takes a minute.
	MissedGrace time.Duration

	// Jitter delays each slot by up to this long, never as far as the next slot. The
	// delay depends on the slot, on Name and on the process, as the place of [Every]
	// does. Zero: none.
	Jitter time.Duration

	// Timeout bounds one run: its context ends then with cause ErrTimeout. A run
	// that is still on a second later, which is its time to return, is logged and
	// counted as stuck and keeps its place, so nothing overlaps it that may not.
	// Zero: none.
	Timeout time.Duration

	// Retry says how often and when a failed run is made again for the same slot.
	// The zero value waits for the next slot.
	Retry Retry

	// GiveUpAfter is the number of slots in a row that failed, with all their
	// attempts, after which the job runs no more: its error is then from Err, Health
	// reports it, and only Trigger revives it. Zero: never.
	GiveUpAfter int

	// CancelOnStop cancels the run that is on, with cause ErrStopping, as soon as a
	// stop is asked for: of the host, or with Stop. It is for work that others have
	// to finish, such as filling a queue. False gives the run time, see [Job.Stop].
	CancelOnStop bool

	// OnRun is called after each run, on its goroutine and with no lock held; Stats
	// has the run already. It belongs to the run for Overlap and Stop, which wait
	// for it, and not for Duration and Timeout; it must not wait for a Stop itself.
	// Under [Parallel] there are concurrent calls. A panic is logged. May be nil.
	OnRun func(Run)

	// OnGiveUp is called each time that the job gives up, on the goroutine of the
	// run that failed; Stop waits for it. err wraps ErrGaveUp and the error of that
	// run; ctx does not end. A panic is logged. May be nil.
	OnGiveUp func(ctx context.Context, err error)

	// LastRun remembers the last slot over restarts, so that slots missed while
	// the process was down meet the policy Missed, and Every keeps its grid.
	// Package periodic/filestore has one. Nil: a start is always a first start.
	LastRun LastRunStore

	// History is how many past runs Stats shows. Zero: 10. Negative: none. In a
	// Scheduler a job keeps them, and its histograms, from the first call of Stats
	// on, which dashboards and metrics make; with a positive History, and on its own,
	// from the first run on.
	History int

	// Clock is the time source; nil is real time, which inside a testing/synctest
	// bubble is the bubble's. For a clock of one's own, Since must not be
	// affected when Now is set, as on the real one; timers must fire by Since.
	Clock clock.Clock

	// Logger gets failures (Warn, with the delay before the next attempt if there is
	// one), panics and giving up (Error), pause, resume and the end of the schedule
	// (Info) and each run (Debug). A handler that blocks can hold up all jobs of a
	// scheduler; what it panics on is lost. Nil: that of the scheduler or, for a job
	// on its own, of the host; without one, it discards.
	Logger *slog.Logger
}

// OnePeriod is the [Config].Phase with which the first slot of [Every] is due one
// whole period after the start, as with a time.Ticker or .NET's PeriodicTimer.
const OnePeriod time.Duration = -1

// validate names the field that is wrong.
func (c *Config) validate() error {
	if c.Name == "" {
		return errors.New("Name is empty")
	}
	for _, f := range []struct {
		name  string
		value time.Duration
	}{
		{"MissedGrace", c.MissedGrace},
		{"Jitter", c.Jitter},
		{"Timeout", c.Timeout},
		{"GiveUpAfter", time.Duration(c.GiveUpAfter)},
	} {
		if f.value < 0 {
			return fmt.Errorf("%s is negative", f.name)
		}
	}
	switch {
	case c.Overlap == badOverlap || c.Overlap.waiting() > maxCount || c.Overlap.width() > maxCount:
		return fmt.Errorf("Overlap: the number is not from 1 to %d", maxCount)
	case c.Missed < SkipMissed || c.Missed > maxCatchUp:
		return fmt.Errorf("Missed: the limit is not from 1 to %d", maxCatchUp)
	case c.History > maxCount:
		return fmt.Errorf("the History of more than %d runs is too long", maxCount)
	case c.Phase > maxPeriod:
		return fmt.Errorf("Phase %v is more than 100 years", c.Phase)
	}
	if err := c.Retry.validate(); err != nil {
		return err
	}
	return check(c.Schedule, false)
}

// extras are the settings few jobs have. They live outside of Job, of which a
// program may have a hundred thousand.
type extras struct {
	attempts     int
	retry        backoff.Policy
	giveUpAfter  int
	cancelOnStop bool
	onRun        func(Run)
	onGiveUp     func(ctx context.Context, err error)
	lastRun      LastRunStore
	history      int
	detailed     bool // the history was asked for
	clock        clock.Clock
}

const defaultHistory = 10

// What all jobs share that ask for nothing, or for no history and nothing else.
// Never written.
var (
	usual     = extras{history: defaultHistory}
	noHistory extras
)

// extras is shared by all jobs that have the defaults.
func (c *Config) extras() *extras {
	if c.Retry == (Retry{}) && c.GiveUpAfter == 0 && !c.CancelOnStop && c.OnRun == nil && c.OnGiveUp == nil &&
		c.LastRun == nil && c.Clock == nil {
		switch {
		case c.History == 0:
			return &usual
		case c.History < 0:
			return &noHistory
		}
	}
	history := max(c.History, 0)
	if c.History == 0 {
		history = defaultHistory
	}
	return &extras{
		c.Retry.Attempts, c.Retry.policy(), c.GiveUpAfter, c.CancelOnStop, c.OnRun, c.OnGiveUp,
		c.LastRun, history, c.History > 0, c.Clock,
	}
}
