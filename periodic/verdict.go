package periodic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

// What an ended run means for its job: how it is counted, whether the job goes on
// and when, who is told.

func (r *run) outcomeOf(err error) Outcome {
	if err == nil || errors.Is(err, ErrAgain) {
		return Succeeded
	}
	cause := context.Cause(r)
	var panicked *lifecycle.PanicError
	switch {
	case errors.As(err, &panicked):
		return Panicked
	case errors.Is(cause, ErrTimeout): // whatever the function made of it
		return TimedOut
	case cause != nil:
		return Cancelled
	default:
		return Failed
	}
}

// judgeLocked decides whether a failed run is made again. The error is not nil if
// the job gives up.
func (j *Job) judgeLocked(r *run, result Run, now time.Time) error {
	if result.Outcome == Succeeded || result.Outcome == Cancelled || j.state != active || j.retryAfterLocked(r, now) {
		return nil
	}
	past := j.trouble()
	past.lost++
	if limit := j.extra.giveUpAfter; limit == 0 || past.lost < limit {
		return nil
	}
	j.err = opError("run", j.name, fmt.Errorf("%w after %d failed runs: %w", ErrGaveUp, past.streak, result.Err))
	j.state = gaveUp
	for other := j.runs; other != nil; other = other.older {
		other.cancel(j.err)
	}
	j.dropLocked()
	j.closeLocked()
	return j.err
}

// planLocked sets what depends on the end of a run: the slot of After and the
// run that ErrAgain asks for.
func (j *Job) planLocked(r *run, now time.Time, again bool) {
	if again && !j.paused && !closed(r.life.quit) {
		// Before the slots that wait: it is the rest of an older one.
		next := request{slot: r.req.slot, due: now.UnixNano(), attempt: r.req.attempt, trigger: r.req.trigger, again: true}
		j.pending = append([]request{next}, j.pending...)
		return
	}
	d, fixed := j.schedule.(delay)
	if fixed && (!r.req.trigger || j.slot.IsZero()) {
		slot := d.Next(now)
		q := question{schedule: d, jitter: j.jitter, seed: j.seed()}
		fire, _ := q.jittered(slot) // cannot fail: no user schedule is asked
		j.gen++
		j.setScheduleLocked(d, answer{next: slot, fire: fire})
	}
}

func (r *run) report(result Run, gone error, delay time.Duration) {
	level, msg := slog.LevelDebug, "run ended"
	switch {
	case gone != nil:
		level, msg = slog.LevelError, "job gave up"
	case result.Outcome != Succeeded && result.Outcome != Cancelled:
		level, msg = slog.LevelWarn, "run failed"
	}
	if r.job.log.Load() == nil && r.job.home.log.Load() == nil {
		return
	}
	args := []any{"slot", result.Slot, "attempt", result.Attempt, "outcome", result.Outcome, "duration", result.Duration,
		"lateness", result.Lateness, "error", result.Err}
	if delay > 0 { // or this was the last attempt
		args = append(args, "delay", delay)
	}
	var panicked *lifecycle.PanicError
	if errors.As(result.Err, &panicked) { // in one line, which a search for either finds whole
		if gone == nil {
			level, msg = slog.LevelError, "run panicked"
		}
		args = append(args, "stack", string(panicked.Stack))
	}
	r.job.tell(level, msg, args...)
}

// call runs a hook of the user's, with no lock held. What it panics with is logged.
func (j *Job) call(hook string, fn func()) {
	if err := guard.Call(func() error { fn(); return nil }); err != nil {
		j.tell(slog.LevelError, hook+" failed", "error", err)
	}
}
