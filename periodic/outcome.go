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

// This file decides what the end of a run means for its job: how the run is counted,
// whether and when the job goes on, and which hooks and logs hear of it.

// outcomeOf returns the outcome of a run that returned err.
func (r *run) outcomeOf(err error) Outcome {
	if err == nil || errors.Is(err, ErrAgain) {
		return Succeeded
	}
	cause := context.Cause(r)
	var panicked *lifecycle.PanicError
	switch {
	case errors.As(err, &panicked):
		return Panicked
	case errors.Is(cause, ErrTimeout): // whatever error the function made of it
		return TimedOut
	case cause != nil:
		return Canceled
	default:
		return Failed
	}
}

// decideRetryLocked decides whether a failed run is retried. It returns an error if
// the job gives up.
func (j *Job) decideRetryLocked(r *run, result Run, now time.Time) error {
	if result.Outcome == Succeeded || result.Outcome == Canceled || j.state != active || j.retryAfterLocked(r, now) {
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

// planLocked sets what depends on the end of a run: the slot of After and the run
// that ErrAgain asks for.
func (j *Job) planLocked(r *run, now time.Time, again bool) {
	if again && !j.paused && !closed(r.session.quit) {
		// Before the slots that wait, because it is the rest of an older slot.
		next := request{slot: r.req.slot, due: now.UnixNano(), attempt: r.req.attempt, trigger: r.req.trigger, again: true}
		j.pending = append([]request{next}, j.pending...)
		return
	}
	d, fixed := j.schedule.(delay)
	if fixed && (!r.req.trigger || j.slot.IsZero()) {
		slot := d.Next(now)
		q := decideInput{schedule: d, jitter: j.jitter, seed: j.seed()}
		fire, _ := q.jittered(slot) // cannot fail, because no user schedule is called
		j.version++
		j.setScheduleLocked(d, decision{next: slot, fire: fire})
	}
}

// report logs the end of a run. gaveUpErr is not nil if the job gave up with it.
func (r *run) report(result Run, gaveUpErr error, delay time.Duration) {
	level, msg := slog.LevelDebug, "run ended"
	switch {
	case gaveUpErr != nil:
		level, msg = slog.LevelError, "job gave up"
	case result.Outcome != Succeeded && result.Outcome != Canceled:
		level, msg = slog.LevelWarn, "run failed"
	}
	if r.job.log.Load() == nil && r.job.scheduler.log.Load() == nil {
		return
	}
	args := []any{"slot", result.Slot, "attempt", result.Attempt, "outcome", result.Outcome, "duration", result.Duration,
		"lateness", result.Lateness, "error", result.Err}
	if delay > 0 { // zero after the last attempt
		args = append(args, "delay", delay)
	}
	var panicked *lifecycle.PanicError
	if errors.As(result.Err, &panicked) { // one line, so that a search for the panic or for the failure finds both
		if gaveUpErr == nil {
			level, msg = slog.LevelError, "run panicked"
		}
		args = append(args, "stack", string(panicked.Stack))
	}
	if level == slog.LevelWarn && lifecycle.IsLogged(result.Err) { // that the job gave up, nobody has said yet
		return
	}
	r.job.tell(level, msg, args...)
}

// call runs a hook of the user, without a lock held, and logs its panic.
func (j *Job) call(hook string, fn func()) {
	if err := guard.Call(func() error { fn(); return nil }); err != nil {
		j.tell(slog.LevelError, hook+" failed", "error", err)
	}
}
