package periodic

import (
	"context"
	"errors"
	"runtime/pprof"
	"time"

	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/internal/slots"
)

// run is one run from its start to its end. It is also its own context, which saves
// a layer of context.WithValue for each run. A hundred thousand runs may begin at
// once, so the struct is kept small.
type run struct {
	context.Context
	cancel context.CancelCauseFunc

	job       *Job
	session   *session
	req       request
	startMono time.Duration // start, on the monotonic clock
	start     int64         // start, as the wall clock showed it then, in Unix nanoseconds: it may be set during the run
	denied    *error        // error of the limit: the function is not called

	next, prev *run // in the list of the session; guarded by the lock of the runPool
	nextQueued *run // in a runQueue; owned by the loop, then guarded by the lock of the runPool

	// Guarded by the lock of the job.
	older, newer *run
	deadline     int64 // when the loop has to check the run, in Unix nanoseconds
	expired      bool  // the timeout has expired
	overdue      bool  // the run has not returned overdueAfter its timeout
	overtaken    bool  // a newer slot was due since, so the run is not retried

	holds bool // a place of the limit; owned by the loop, then by the run
}

// runKey is the context key under which a run finds itself.
type runKey struct{}

// Value returns the run for runKey, and otherwise the values of the context given
// to Start.
func (r *run) Value(key any) any {
	if key == (runKey{}) {
		return r
	}
	return r.Context.Value(key)
}

// Scheduled returns the slot of the run that ctx belongs to. The slot is the time
// by the schedule, not the time when the run began. For a run requested by Trigger
// it is the time of the call, for the run of RunAtStart the time of the start. In a
// handler of package durable it is the slot for which durable.Every stored the job.
// Scheduled returns the zero time if ctx does not belong to a run.
func Scheduled(ctx context.Context) time.Time {
	if r, ok := ctx.Value(runKey{}).(*run); ok {
		return r.req.slot
	}
	return slots.From(ctx)
}

// overdueAfter is how long a run may take to return after its timeout expired, and
// a schedule to return from Next, before the log and Stats name it.
const overdueAfter = time.Second

// startLocked starts a run. Only the loop calls it. A goroutine inherits the pprof
// labels of the goroutine that starts it, so a Trigger in a request handler must
// not start runs.
func (j *Job) startLocked(req request, now time.Time) *run {
	past := j.record()
	if past.base == nil {
		past.base = j.session.base
		if !j.own { // a job of its own keeps the labels of its service
			past.base = pprof.WithLabels(past.base, pprof.Labels("job", j.name))
		}
	}
	r := &run{job: j, session: j.session, req: req, older: j.runs, deadline: never}
	r.Context, r.cancel = withTimeout(past.base, j.timeout, j.scheduler.clk == nil)
	if j.timeout > 0 {
		r.deadline = nanos(now.Add(j.timeout))
	}
	if j.runs != nil {
		j.runs.newer = r
	}
	j.runs = r
	j.running++
	j.scheduler.running.Add(1)
	past.lastStarted = now.UnixNano()
	j.scheduler.due.push(r)
	return r
}

// unlinkLocked removes an ended run from the list of the job.
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
	r.job.scheduler.running.Add(-1)
	r.job.closeIdleLocked()
}

// execute performs the run, on a goroutine of the runPool.
func (r *run) execute() {
	if !r.job.own {
		pprof.SetGoroutineLabels(r.Context)
	}
	r.startMono = r.job.scheduler.time.elapsed()
	r.start = r.job.scheduler.time.at(r.startMono).UnixNano()
	var failed error
	if r.denied != nil {
		failed = *r.denied
	} else if r.Err() != nil && errors.Is(context.Cause(r), ErrTimeout) {
		failed = ErrTimeout // no processor was free before the timeout expired
	}
	if closed(r.session.quit) || failed == nil && r.Err() != nil { // stopped, removed or replaced before the function was called
		r.withdraw()
		return
	}
	// Deferred here and not in end, where the stack of most runs would have to grow for
	// it. It is called after a Goexit too.
	defer r.cancel(nil)
	if failed != nil {
		r.end(failed)
		return
	}
	guard.Run(func() error { return r.job.fn(r) }, r.end)
}

// withdraw ends a run whose function was not called. Its slot is counted.
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
	r.job.scheduler.poke(j)
	defer r.session.remove(r)
	r.release()
}

// end records the outcome of the run. It is called on the goroutine of the run,
// which is exiting after a Goexit.
func (r *run) end(err error) {
	over := r.job.scheduler.time.elapsed()
	now := r.job.scheduler.time.at(over)
	result := Run{
		Slot: r.req.slot, Started: time.Unix(0, r.start).In(now.Location()), Lateness: max(time.Duration(r.start-r.req.due), 0), Duration: over - r.startMono,
		Outcome: r.outcomeOf(err), Err: err, Attempt: r.req.attempt, Trigger: r.req.trigger,
	}
	again := errors.Is(err, ErrAgain)
	if again {
		result.Err = nil
	}
	// User code is called from here on and may end the goroutine. The rest is deferred,
	// so that it happens nevertheless.
	defer r.session.remove(r) // last, because a waiting Stop returns then
	defer r.release()
	if r.job.extra.onRun != nil {
		defer r.leave(result, again)
		defer r.tell(result, now)
	} else {
		defer r.file(result, now, again)
	}
	// Before the job may run again. A canceled run is not saved, so that the next start
	// makes up for it.
	if result.Outcome != Canceled && !r.req.trigger {
		r.job.save(r.session.base, r.req.slot)
	}
}

// file records an ended run and makes room for the next one.
func (r *run) file(result Run, now time.Time, again bool) {
	r.job.mu.Lock()
	r.job.bookLocked(result, now)
	r.leaveLocked(result, now, again)
}

// tell records an ended run and calls the user's hook. A panic of the hook must not
// count as one of the run.
func (r *run) tell(result Run, now time.Time) {
	j := r.job
	j.mu.Lock()
	j.bookLocked(result, now)
	j.mu.Unlock()
	j.call("OnRun", func() { j.extra.onRun(result) })
}

// leave makes room for the next run of the job.
func (r *run) leave(result Run, again bool) {
	now := r.job.scheduler.time.now()
	r.job.mu.Lock()
	r.leaveLocked(result, now, again)
}

// leaveLocked makes room for the next run of the job and plans it. It unlocks the
// job, because hooks and logs must be called without the lock.
func (r *run) leaveLocked(result Run, now time.Time, again bool) {
	j := r.job
	r.unlinkLocked()
	gaveUpErr := j.decideRetryLocked(r, result, now)
	if j.state == active {
		j.planLocked(r, now, again)
	}
	// Usually there is nothing to decide, and the loop is not woken.
	_, fixed := j.schedule.(delay)
	past := j.rec.trouble
	waits := fixed || j.exhausted || len(j.pending) > 0 || past != nil && past.retryAt != 0
	var delay time.Duration // before the next attempt; with Parallel the due attempt may be of another slot
	if past != nil && past.retryAt != 0 && past.retry.attempt == r.req.attempt+1 && past.retry.slot.Equal(r.req.slot) {
		delay = time.Duration(past.retryAt - nanos(now))
	}
	j.mu.Unlock()
	r.report(result, gaveUpErr, delay)
	if waits {
		j.scheduler.poke(j)
	}
	if call := j.extra.onGiveUp; gaveUpErr != nil && call != nil { // no lock is held, as the hook may call the job
		j.call("OnGiveUp", func() { call(context.WithoutCancel(r), gaveUpErr) })
	}
}

// expireLocked cancels the runs whose timeout has expired. It returns the runs that
// became overdue.
func (j *Job) expireLocked(now time.Time) (overdue []*run) {
	for r := j.runs; r != nil; r = r.older {
		if r.deadline > now.UnixNano() {
			continue
		}
		if !r.expired {
			r.expired = true
			if r.job.scheduler.clk != nil { // on the real clock the context has a deadline of its own
				r.cancel(ErrTimeout)
			}
			r.deadline = nanos(now.Add(overdueAfter))
			continue
		}
		r.overdue, r.deadline = true, never
		j.trouble().overdue++
		overdue = append(overdue, r)
	}
	return overdue
}
