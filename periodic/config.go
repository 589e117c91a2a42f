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

// Config configures a [Job]. Name and Schedule are required. The zero value of
// every other field is a working default. Durations must not be negative unless a
// field says so.
type Config struct {
	// Name is the name of the job in logs, errors and metrics. In a Scheduler it is
	// also the pprof label "job"; a job of its own has the labels of its service.
	// Name and the process seed the phase and the jitter, so that neither different
	// jobs nor the replicas of one job run together; see [Every].
	Name string

	// Schedule says when the job is due. The usual ones are Every, After, Cron and
	// DailyAt.
	Schedule Schedule

	// RunAtStart makes the start the first slot, delayed by Jitter like any other.
	// The grid of Every then begins there. With a LastRun store this applies only
	// to a job that has never run. A job that has run before runs at the start if
	// it missed a slot since, see Missed.
	//
	// Start does not wait for that run. To finish a first run before other services
	// start, register the function with hosted.Host.Task as well and set Phase to
	// OnePeriod.
	RunAtStart bool

	// Phase is the time from the start to the first slot of Every. It may be longer
	// than the period, and is at most 100 years. If zero, the slot is placed within
	// the first period, see [Every]. [OnePeriod], or any negative value, means one
	// period after the start. Phase has no effect with RunAtStart, after a slot
	// that LastRun remembers, and on other schedules.
	Phase time.Duration

	// Overlap decides about slots that are due while a run is running. If zero,
	// SkipOverlap is used.
	Overlap Overlap

	// Missed decides about slots that could not run when they were due. If zero,
	// Coalesce is used: one run.
	Missed Missed

	// MissedGrace is how late a slot may still run, under every policy of Missed.
	// If zero, there is no limit, except that SkipMissed uses a minute.
	MissedGrace time.Duration

	// Jitter delays each slot by up to this long, but never as far as the next
	// slot. The delay depends on the slot, on Name and on the process, as the phase
	// of [Every] does. If zero, there is no delay.
	Jitter time.Duration

	// Timeout bounds one run. When it expires, the context of the run is canceled
	// with cause ErrTimeout. A run that has not returned a second later is logged
	// and counted as overdue. It still counts as running, so it does not overlap
	// with runs that Overlap forbids. If zero, there is no timeout.
	Timeout time.Duration

	// Retry says how often and when a failed run is retried for the same slot. If
	// zero, the job waits for the next slot.
	Retry Retry

	// GiveUpAfter is the number of consecutive failed slots, with all their
	// attempts, after which the job gives up. Its error is then returned by Err and
	// Health, and only Trigger revives the job. If zero, the job never gives up.
	GiveUpAfter int

	// CancelOnStop cancels a running run, with cause ErrStopping, as soon as the
	// host is asked to stop or Stop is called. It is for work that others have to
	// finish, such as filling a queue. If false, the run has time, see [Job.Stop].
	CancelOnStop bool

	// OnRun is called after each run, on the goroutine of the run, without a lock
	// held. Stats includes the run by then. Overlap and Stop wait for OnRun;
	// Duration and Timeout do not include it. OnRun must not wait for a Stop. Under
	// [Parallel] the calls are concurrent. A panic is logged. OnRun may be nil.
	OnRun func(Run)

	// OnGiveUp is called each time the job gives up, on the goroutine of the run
	// that failed. Stop waits for it. err wraps ErrGaveUp and the error of that
	// run. ctx is never canceled. A panic is logged. OnGiveUp may be nil.
	OnGiveUp func(ctx context.Context, err error)

	// LastRun remembers the last slot across restarts. Slots missed while the
	// process was down then meet the policy Missed, and Every keeps its grid.
	// Package periodic/filestore has an implementation. If nil, every start is a
	// first start.
	LastRun LastRunStore

	// History is the number of past runs that Stats returns. If zero, 10 is used.
	// If negative, there are none. A job in a Scheduler keeps its history and
	// histograms from the first call of Stats on, which dashboards and metrics
	// make. A job of its own, or with a positive History, keeps them from the first
	// run on.
	History int

	// Clock is the time source. If nil, real time is used, which inside a
	// testing/synctest bubble is the time of the bubble. Since of a clock must not
	// be affected when its Now is set, as on the real one, and its timers must fire
	// by Since.
	Clock clock.Clock

	// Logger receives failures (Warn, with the delay before the next attempt if
	// there is one), panics and giving up (Error), pause, resume and the end of the
	// schedule (Info) and each run (Debug). A failure with an error marked by
	// lifecycle.Logged is not logged again. A handler that blocks can delay all
	// jobs of a scheduler. A record on which the handler panics is lost. If nil,
	// the logger of the scheduler is used or, for a job of its own, that of the
	// host; without one, records are discarded.
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

// extras are the settings that few jobs have. They are outside of Job because a
// program may have a hundred thousand jobs.
type extras struct {
	attempts     int
	retry        backoff.Policy
	giveUpAfter  int
	cancelOnStop bool
	onRun        func(Run)
	onGiveUp     func(ctx context.Context, err error)
	lastRun      LastRunStore
	history      int
	detailed     bool // History is positive
	clock        clock.Clock
}

const defaultHistory = 10

// The extras of all jobs with default settings, and of jobs that only disable the
// history. Never written.
var (
	usual     = extras{history: defaultHistory}
	noHistory extras
)

// extras returns the settings as extras. All jobs with the defaults share one
// value.
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
