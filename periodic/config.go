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
	// "job"; on its own a job has the labels of its service. It also seeds the
	// phase and the jitter, so replicas of one name run together and different
	// names apart.
	Name string

	// Schedule says when the job is due. Every, After, Cron and DailyAt are where
	// to look first.
	Schedule Schedule

	// RunAtStart makes a first run as soon as the job starts. The grid of Every
	// then begins at the start. Nothing waits for that run: what has to be done
	// before other services start is a hosted.Host.Task that calls the same
	// function, beside a job with Phase OnePeriod.
	RunAtStart bool

	// Phase is how long after the start the first slot of Every is due. Zero
	// spreads jobs over the period by a hash of Name, because jobs that all tick
	// together wait for each other. [OnePeriod], and any negative value: one period
	// after the start. It has no effect with RunAtStart and on other schedules.
	Phase time.Duration

	// Overlap decides on slots that are due while a run is on. Zero is SkipOverlap.
	Overlap Overlap

	// Missed decides on slots that nobody could fire. Zero is Coalesce: one run.
	Missed Missed

	// MissedGrace is how late a slot may still be run, under every policy of
	// Missed. Zero is no limit, except that SkipMissed takes a minute.
	MissedGrace time.Duration

	// Jitter delays each slot by up to this long, never as far as the next slot.
	// The delay depends on Name and the slot alone. Zero: none.
	Jitter time.Duration

	// Timeout bounds one run: its context ends then with cause ErrTimeout. A run
	// that is still on a second later, which is its time to return, is logged and
	// counted as stuck and keeps its place, so nothing overlaps it that may not.
	// Zero: none.
	Timeout time.Duration

	// Backoff replaces the schedule after a failed run by growing delays, until a
	// run succeeds; slots that pass meanwhile are skipped and counted. The zero
	// value keeps to the schedule.
	Backoff Backoff

	// GiveUpAfter is the number of failed runs in a row after which the job runs
	// no more: its error is then from Err, Health reports it, and only Trigger
	// revives it. Zero: never.
	GiveUpAfter int

	// HealthyAfter forgives: a run that fails after it went on for this long
	// begins a new streak of failures. Zero: only success ends a streak.
	HealthyAfter time.Duration

	// OnGiveUp is called each time that the job gives up, on the goroutine of the
	// run that failed; Stop waits for it. err wraps ErrGaveUp and the error of that
	// run; ctx does not end. A panic is logged. May be nil.
	OnGiveUp func(ctx context.Context, err error)

	// LastRun remembers the last slot over restarts, so that slots missed while
	// the process was down meet the policy Missed, and Every keeps its grid.
	// Package periodic/filestore has one. Nil: a start is always a first start.
	LastRun LastRunStore

	// History is how many past runs Stats shows. Zero: 10. Negative: none.
	History int

	// Clock is the time source; nil is real time, which inside a testing/synctest
	// bubble is the bubble's. For a clock of one's own, Since must not be
	// affected when Now is set, as on the real one; timers must fire by Since.
	Clock clock.Clock

	// Logger gets failures (Warn), panics and giving up (Error), pause, resume and the end
	// of the schedule (Info) and each run (Debug). A handler that blocks can hold
	// up all jobs of a scheduler; what it panics on is lost. Nil: that of the
	// scheduler or, for a job on its own, of the host; without one, it discards.
	Logger *slog.Logger
}

// OnePeriod is the [Config].Phase with which the first slot of [Every] is due one
// whole period after the start, as with a time.Ticker or .NET's PeriodicTimer.
const OnePeriod time.Duration = -1

// Backoff is how long a failing job waits: a random duration from zero to a
// bound that is Initial after the first failure and grows by Factor up to Max. The
// spread keeps what failed together from coming back together; AWS calls it full
// jitter.
type Backoff struct {
	Initial time.Duration // zero: no backoff
	Max     time.Duration // zero: an hour, or Initial if that is longer
	Factor  float64       // at least 1; zero: 2
}

func (b Backoff) policy() backoff.Policy {
	p := backoff.Policy{Initial: b.Initial, Max: b.Max, Factor: b.Factor}
	if p.Max == 0 {
		p.Max = max(time.Hour, b.Initial)
	}
	return p
}

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
		{"HealthyAfter", c.HealthyAfter},
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
	}
	if err := c.Backoff.policy().Validate(); err != nil {
		return fmt.Errorf("Backoff: %w", err)
	}
	return check(c.Schedule, false)
}

// extras are the settings few jobs have. They live outside of Job, of which a
// program may have a hundred thousand.
type extras struct {
	backoff      backoff.Policy
	giveUpAfter  int
	healthyAfter time.Duration
	onGiveUp     func(ctx context.Context, err error)
	lastRun      LastRunStore
	history      int
	clock        clock.Clock
}

const defaultHistory = 10

// noHistory is what all jobs share that want none and nothing else. Never written.
var noHistory extras

// extras is nil when all of them have their defaults.
func (c *Config) extras() *extras {
	if c.Backoff == (Backoff{}) && c.GiveUpAfter == 0 && c.HealthyAfter == 0 && c.OnGiveUp == nil &&
		c.LastRun == nil && c.Clock == nil {
		switch {
		case c.History == 0:
			return nil
		case c.History < 0:
			return &noHistory
		}
	}
	history := max(c.History, 0)
	if c.History == 0 {
		history = defaultHistory
	}
	return &extras{
		c.Backoff.policy(), c.GiveUpAfter, c.HealthyAfter, c.OnGiveUp, c.LastRun, history, c.Clock,
	}
}

// orDefault makes the nil value usable.
func (x *extras) orDefault() extras {
	if x == nil {
		return extras{history: defaultHistory}
	}
	return *x
}
