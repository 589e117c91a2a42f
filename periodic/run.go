package periodic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/pprof"
	"time"

	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

// run is one run while it is on. It is also its own context, which saves a layer
// of context.WithValue on each run.
type run struct {
	context.Context
	cancel context.CancelCauseFunc

	job   *Job
	home  *Scheduler
	life  *life
	req   request
	begun time.Duration // on the monotonic clock
	start time.Time     // the same as it was read then: the wall clock may be set meanwhile

	next, prev *run // guarded by the life's lock
	behind     *run // in a line: the loop's, then guarded by the crew's lock

	// Guarded by the job's lock.
	older, newer *run
	deadline     int64 // when the loop has to look at it, in Unix nanoseconds
	expired      bool  // the timeout is over
	stuck        bool  // and the run ignored that
}

// runKey finds the run in its context.
type runKey struct{}

// Value returns the run for runKey, and the values of the context given to Start.
func (r *run) Value(key any) any {
	if key == (runKey{}) {
		return r
	}
	return r.Context.Value(key)
}

// Scheduled returns the slot that the run with this context is for: the time by
// the schedule, not the time when the run began. Of a run asked for by Trigger it
// is the time of the call, of the one by RunAtStart the time of the start. It is
// the zero time if ctx does not come from a run.
func Scheduled(ctx context.Context) time.Time {
	if r, ok := ctx.Value(runKey{}).(*run); ok {
		return r.req.slot
	}
	return time.Time{}
}

// stuckAfter is how long a run may take to return after its timeout before it
// counts as stuck.
const stuckAfter = time.Second

// startLocked starts a run. It is called on the loop's goroutine only: whatever a
// goroutine is started from, a Trigger in a request handler for instance, it
// inherits the pprof labels of that.
func (j *Job) startLocked(req request, now time.Time) {
	past := j.record()
	if past.base == nil {
		past.base = j.life.base
		if !j.own { // a job of its own has the labels of its service
			past.base = pprof.WithLabels(past.base, pprof.Labels("job", j.name))
		}
	}
	r := &run{job: j, home: j.home, life: j.life, req: req, older: j.runs, deadline: never}
	r.Context, r.cancel = withTimeout(past.base, j.timeout, j.home.clk == nil)
	if j.timeout > 0 {
		r.deadline = now.Add(j.timeout).UnixNano()
	}
	if j.runs != nil {
		j.runs.newer = r
	}
	j.runs = r
	j.running++
	past.lastStarted = now
	j.life.add(r)
	j.home.due.push(r)
}

// unlinkLocked takes an ended run out of the job's list.
func (r *run) unlinkLocked() {
	if r.newer != nil {
		r.newer.older = r.older
	} else {
		r.job.runs = r.older
	}
	if r.older != nil {
		r.older.newer = r.newer
	}
	r.job.running--
}

// execute is the run, on a goroutine of the crew.
func (r *run) execute() {
	if !r.job.own {
		pprof.SetGoroutineLabels(r.Context)
	}
	r.begun = r.home.time.elapsed()
	r.start = r.home.time.at(r.begun)
	if r.Err() != nil { // removed, replaced or stopped before it could begin
		r.withdraw()
		return
	}
	// Here and not in end: deeper down the stack of most runs would have to grow
	// for it. It comes also after a Goexit.
	defer r.cancel(nil)
	guard.Run(func() error { return r.job.fn(r) }, r.end)
}

// withdraw ends a run that did not begin. It was a slot, so it is counted.
func (r *run) withdraw() {
	j := r.job
	j.mu.Lock()
	r.unlinkLocked()
	if errors.Is(context.Cause(r), ErrReplaced) {
		j.record().skips.Overlap++
	} else {
		j.record().skips.Stopped++
	}
	j.mu.Unlock()
	r.cancel(nil)
	r.home.poke(j)
	r.life.remove(r)
}

// end files the run with its outcome and says what comes next. It runs on the
// run's goroutine, which after a Goexit is a dying one.
func (r *run) end(err error) {
	j := r.job
	over := r.home.time.elapsed()
	now := r.home.time.at(over)
	result := Run{
		Slot: r.req.slot, Started: r.start, Lateness: max(r.start.Sub(time.Unix(0, r.req.due)), 0), Duration: over - r.begun,
		Outcome: r.outcomeOf(err), Err: err, Trigger: r.req.trigger,
	}
	again := errors.Is(err, ErrAgain)
	if again {
		result.Err = nil
	}
	// Before the job may run again, or two saves could be swapped. A cancelled run
	// is not remembered, so that the next start makes up for it.
	if result.Outcome != Cancelled && !r.req.trigger {
		j.save(r.life.base, r.req.slot)
	}
	j.mu.Lock()
	r.unlinkLocked()
	j.record().remember(result, j.extra.orDefault().history)
	gone := j.judgeLocked(result, now)
	if j.state == active {
		j.planLocked(r, now, again)
	}
	// Most often there is nothing to decide, and the loop is left asleep.
	_, fixed := j.schedule.(delay)
	waits := fixed || j.exhausted || len(j.pending) > 0 || !j.rec.retryAt.IsZero()
	j.mu.Unlock()
	r.report(result, gone)
	if gone != nil {
		r.giveUp(gone)
	}
	if waits {
		r.home.poke(j)
	}
	r.life.remove(r) // last: a Stop that waits returns now
}

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

// judgeLocked keeps the streak of failures. The error is not nil if the job gives
// up.
func (j *Job) judgeLocked(result Run, now time.Time) error {
	past, x := j.record(), j.extra.orDefault()
	past.lastEnd = now.UnixNano()
	switch result.Outcome {
	case Succeeded:
		past.streak, past.lastSuccess, past.retryAt = 0, now, time.Time{}
		return nil
	case Cancelled:
		return nil
	}
	past.streak++
	if x.healthyAfter > 0 && result.Duration >= x.healthyAfter {
		past.streak = 1
	}
	if j.state != active {
		return nil
	}
	if x.giveUpAfter == 0 || past.streak < x.giveUpAfter {
		if x.backoff.Initial > 0 {
			past.retryAt, past.retrySlot = now.Add(x.backoff.Delay(past.streak)), result.Slot
		}
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
	if again && !j.paused {
		// Before the slots that wait: it is the rest of an older one.
		next := request{slot: r.req.slot, due: now.UnixNano(), trigger: r.req.trigger}
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

func (r *run) report(result Run, gone error) {
	level, msg := slog.LevelDebug, "run ended"
	switch {
	case gone != nil:
		level, msg = slog.LevelError, "job gave up"
	case result.Outcome != Succeeded && result.Outcome != Cancelled:
		level, msg = slog.LevelWarn, "run failed"
	}
	if r.job.log == nil && r.home.log == nil {
		return
	}
	var panicked *lifecycle.PanicError
	if errors.As(result.Err, &panicked) {
		r.job.tell(level, "run panicked", "stack", string(panicked.Stack))
	}
	r.job.tell(level, msg, "slot", result.Slot, "outcome", result.Outcome, "duration", result.Duration,
		"lateness", result.Lateness, "error", result.Err)
}

// giveUp calls the user, whose panic must not pass for one of the run.
func (r *run) giveUp(err error) {
	call := r.job.extra.orDefault().onGiveUp // no lock is held: it may call the job
	if call == nil {
		return
	}
	failed := guard.Call(func() error {
		call(context.WithoutCancel(r), err)
		return nil
	})
	if failed != nil {
		r.job.tell(slog.LevelError, "OnGiveUp failed", "error", failed)
	}
}

// expireLocked cancels the runs whose timeout is over and returns those that had
// time to return since and did not.
func (j *Job) expireLocked(now time.Time) (stuck []*run) {
	for r := j.runs; r != nil; r = r.older {
		if r.deadline > now.UnixNano() {
			continue
		}
		if !r.expired {
			r.expired = true
			if r.home.clk != nil { // else its context has a deadline of its own
				r.cancel(ErrTimeout)
			}
			r.deadline = now.Add(stuckAfter).UnixNano()
			continue
		}
		r.stuck, r.deadline = true, never
		j.record().stuck++
		stuck = append(stuck, r)
	}
	return stuck
}
