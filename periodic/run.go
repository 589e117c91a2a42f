package periodic

import (
	"context"
	"errors"
	"runtime/pprof"
	"time"

	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/internal/slots"
)

// run is one run while it is on. It is also its own context, which saves a layer
// of context.WithValue on each run. A hundred thousand may begin at once, so it is
// kept small.
type run struct {
	context.Context
	cancel context.CancelCauseFunc

	job    *Job
	life   *life
	req    request
	begun  time.Duration // on the monotonic clock
	start  int64         // the same as it was read then, in Unix nanoseconds: the wall clock may be set meanwhile
	denied *error        // of the limit: it must not begin

	next, prev *run // guarded by the crew's lock
	behind     *run // in a line: the loop's, then guarded by the crew's lock

	// Guarded by the job's lock.
	older, newer *run
	deadline     int64 // when the loop has to look at it, in Unix nanoseconds
	expired      bool  // the timeout is over
	stuck        bool  // and the run ignored that
	overtaken    bool  // a newer slot was due since: it is not made again

	holds bool // a place of the limit; the loop's, then the run's
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
// the zero time if ctx does not come from a run. In a handler of package durable it
// is the slot of the job that durable.Every enqueued.
func Scheduled(ctx context.Context) time.Time {
	if r, ok := ctx.Value(runKey{}).(*run); ok {
		return r.req.slot
	}
	return slots.From(ctx)
}

// stuckAfter is how long a run may take to return after its timeout before it
// counts as stuck.
const stuckAfter = time.Second

// startLocked starts a run. It is called on the loop's goroutine only: whatever a
// goroutine is started from, a Trigger in a request handler for instance, it
// inherits the pprof labels of that.
func (j *Job) startLocked(req request, now time.Time) *run {
	past := j.record()
	if past.base == nil {
		past.base = j.life.base
		if !j.own { // a job of its own has the labels of its service
			past.base = pprof.WithLabels(past.base, pprof.Labels("job", j.name))
		}
	}
	r := &run{job: j, life: j.life, req: req, older: j.runs, deadline: never}
	r.Context, r.cancel = withTimeout(past.base, j.timeout, j.home.clk == nil)
	if j.timeout > 0 {
		r.deadline = nanos(now.Add(j.timeout))
	}
	if j.runs != nil {
		j.runs.newer = r
	}
	j.runs = r
	j.running++
	past.lastStarted = now.UnixNano()
	j.home.due.push(r)
	return r
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
	r.job.closeIdleLocked()
}

// execute is the run, on a goroutine of the crew.
func (r *run) execute() {
	if !r.job.own {
		pprof.SetGoroutineLabels(r.Context)
	}
	r.begun = r.job.home.time.elapsed()
	r.start = r.job.home.time.at(r.begun).UnixNano()
	var failed error
	if r.denied != nil {
		failed = *r.denied
	} else if r.Err() != nil && errors.Is(context.Cause(r), ErrTimeout) {
		failed = ErrTimeout // no processor was free in time
	}
	if closed(r.life.quit) || failed == nil && r.Err() != nil { // stopped, removed or replaced before it could begin
		r.withdraw()
		return
	}
	// Here and not in end: deeper down the stack of most runs would have to grow
	// for it. It comes also after a Goexit.
	defer r.cancel(nil)
	if failed != nil {
		r.end(failed)
		return
	}
	guard.Run(func() error { return r.job.fn(r) }, r.end)
}

// withdraw ends a run that did not begin. It was a slot, so it is counted.
func (r *run) withdraw() {
	j := r.job
	j.mu.Lock()
	r.unlinkLocked()
	switch {
	case !r.req.only():
	case errors.Is(context.Cause(r), ErrReplaced):
		j.trouble().skips.Overlap++
	default:
		j.trouble().skips.Stopped++
	}
	j.mu.Unlock()
	r.cancel(nil)
	r.job.home.poke(j)
	defer r.life.remove(r)
	r.release()
}

// end says what became of the run. It is called on the run's goroutine, which
// after a Goexit is a dying one.
func (r *run) end(err error) {
	over := r.job.home.time.elapsed()
	now := r.job.home.time.at(over)
	result := Run{
		Slot: r.req.slot, Started: time.Unix(0, r.start).In(now.Location()), Lateness: max(time.Duration(r.start-r.req.due), 0), Duration: over - r.begun,
		Outcome: r.outcomeOf(err), Err: err, Attempt: r.req.attempt, Trigger: r.req.trigger,
	}
	again := errors.Is(err, ErrAgain)
	if again {
		result.Err = nil
	}
	// User code is called from here on, which may end the goroutine; the rest is to
	// come all the same.
	defer r.life.remove(r) // last: a Stop that waits returns now
	defer r.release()
	if r.job.extra.onRun != nil {
		defer r.leave(result, again)
		defer r.tell(result, now)
	} else {
		defer r.file(result, now, again)
	}
	// Before the job may run again. A cancelled run is not remembered, so that the
	// next start makes up for it.
	if result.Outcome != Cancelled && !r.req.trigger {
		r.job.save(r.life.base, r.req.slot)
	}
}

// file puts an ended run into the job's books and makes room for the next.
func (r *run) file(result Run, now time.Time, again bool) {
	r.job.mu.Lock()
	r.job.bookLocked(result, now)
	r.leaveLocked(result, now, again)
}

// tell puts an ended run into the job's books and calls the user's hook, whose
// panic must not pass for one of the run.
func (r *run) tell(result Run, now time.Time) {
	j := r.job
	j.mu.Lock()
	j.bookLocked(result, now)
	j.mu.Unlock()
	j.call("OnRun", func() { j.extra.onRun(result) })
}

// leave makes room for the job's next run.
func (r *run) leave(result Run, again bool) {
	now := r.job.home.time.now()
	r.job.mu.Lock()
	r.leaveLocked(result, now, again)
}

// leaveLocked makes room for the job's next run, says what comes next and gives
// the lock back, as what it calls then is not to be called with one.
func (r *run) leaveLocked(result Run, now time.Time, again bool) {
	j := r.job
	r.unlinkLocked()
	gone := j.judgeLocked(r, result, now)
	if j.state == active {
		j.planLocked(r, now, again)
	}
	// Most often there is nothing to decide, and the loop is left asleep.
	_, fixed := j.schedule.(delay)
	past := j.rec.trouble
	waits := fixed || j.exhausted || len(j.pending) > 0 || past != nil && past.retryAt != 0
	var delay time.Duration // before the next attempt; with Parallel the one that is due may be of another slot
	if past != nil && past.retryAt != 0 && past.retry.attempt == r.req.attempt+1 && past.retry.slot.Equal(r.req.slot) {
		delay = time.Duration(past.retryAt - nanos(now))
	}
	j.mu.Unlock()
	r.report(result, gone, delay)
	if waits {
		j.home.poke(j)
	}
	if call := j.extra.onGiveUp; gone != nil && call != nil { // no lock is held: it may call the job
		j.call("OnGiveUp", func() { call(context.WithoutCancel(r), gone) })
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
			if r.job.home.clk != nil { // else its context has a deadline of its own
				r.cancel(ErrTimeout)
			}
			r.deadline = nanos(now.Add(stuckAfter))
			continue
		}
		r.stuck, r.deadline = true, never
		j.trouble().stuck++
		stuck = append(stuck, r)
	}
	return stuck
}
