package durable

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable/internal/trial"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

// worker is what the engine calls.
type worker[T any] struct {
	river.WorkerDefaults[payload]

	q *Queue[T]
}

// Timeout returns a little more than the handler gets, so that the handler's context is
// canceled with our cause and not with the engine's.
func (w *worker[T]) Timeout(*river.Job[payload]) time.Duration {
	return w.q.hold() + w.q.cfg.Timeout + time.Second
}

// NextRetry returns when to retry a job. The engine calls it right after an attempt
// failed that was not the last, and for a job that is rescued.
func (w *worker[T]) NextRetry(job *river.Job[payload]) time.Time {
	delay := w.q.delay(job.Attempt)
	if d, ok := w.q.delays.LoadAndDelete(job.ID); ok {
		delay = d.(time.Duration)
	}
	return notBefore(time.Now().Add(delay)) // by the clock of the process, as the engine compares it: see engineExecutor
}

// delay is between half the bound and the bound, or the bound if there is no jitter.
func (q *Queue[T]) delay(attempt int) time.Duration {
	if q.retry.NoJitter {
		return q.retry.Bound(attempt)
	}
	half := q.retry.Bound(attempt) / 2
	return half + min(q.retry.Delay(attempt), half)
}

func (w *worker[T]) Work(engine context.Context, job *river.Job[payload]) error {
	if err := w.q.handed(engine, job); err != nil {
		return storableError{err}
	}
	return nil
}

// storableError is an error with a text that every store takes: the engine writes
// what many jobs came to in one statement, in which one bad text fails all.
type storableError struct{ error }

func (e storableError) Error() string { return storableText(e.error.Error()) }
func (e storableError) Unwrap() error { return e.error }

// handed does what there is to do with a job that the engine has taken.
func (q *Queue[T]) handed(engine context.Context, job *river.Job[payload]) error {
	item, err := decode[T](job.EncodedArgs, job.Metadata)
	if err != nil {
		q.undecodable(job.JobRow, err)
		return finalError{fmt.Errorf("stead/durable: decode %q: %w", q.kind, err)}
	}
	c := &current{jobs: q.jobs, job: job, engine: engine, taken: time.Now(), limited: q.cfg.limits() != limits{}}
	ctx, cancel, release := q.withOurCause(engine)
	defer release()
	ctx = identified(ctx, job.JobRow)
	q.jobs.running.take(job.ID, q.kind, cancel)
	q.jobs.held.drop(job.ID) // of an attempt that was rescued meanwhile
	cut := false
	defer func() { q.jobs.running.end(job.ID, cut) }()
	if hasWish(job.Metadata) {
		cancel(ErrCancelled)
	}
	mayBegin, endTurn := q.itsTurn(ctx)
	defer endTurn()
	switch {
	case errors.Is(context.Cause(ctx), ErrCancelled):
		return q.failed(ctx, job, item, ErrCancelled)
	case !mayBegin:
		return river.JobSnooze(0) // uses no attempt
	}
	q.jobs.running.begin(job.ID)
	if job.Attempt > 1 {
		q.books.retried.Add(1)
	}

	err = q.work(ctx, c, item)
	endTurn()
	var snoozed *rivertype.JobSnoozeError
	switch {
	case errors.Is(err, errNotOurs):
		q.disown(job, err)
		return err
	case err == nil:
		q.books.handled.Add(1)
		return nil
	case errors.As(err, &snoozed):
		return err
	case errors.Is(context.Cause(ctx), channelq.ErrStopping) && (!channelq.IsPermanent(err) || isCut(err)):
		// A stop is no fault of the job: it costs no attempt, and the job is free
		// for another process at once. So it is for one whose handler calls all its
		// errors permanent, and this one is that of the context.
		cut = true
		return river.JobSnooze(0)
	}
	return q.failed(ctx, job, item, err)
}

// isCut reports whether an error says no more than that the handler was canceled.
func isCut(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, channelq.ErrStopping)
}

// work is one attempt, and with it what it asked for with Then.
func (q *Queue[T]) work(ctx context.Context, c *current, item T) error {
	if !c.isOurs() {
		return errNotOurs
	}
	job, begun := c.job, time.Now()
	q.books.wait.observe(begun.Sub(job.ScheduledAt))
	n := noteOf(job.Metadata)
	ctx = context.WithValue(n.with(ctx), currentKey{}, c)
	err := q.attempt(ctx, n.Timeout, func(ctx context.Context) error { return q.handle(ctx, item) })
	q.books.handle.observe(time.Since(begun))
	if !c.isOurs() {
		c.fail()
		return errors.Join(errNotOurs, err)
	}
	if err == nil {
		return c.finish()
	}
	if c.fail() {
		q.log(job.JobRow).Warn("handler failed after it completed the job", slog.Int("attempt", job.Attempt), slog.Any("error", err))
		return nil
	}
	return err
}

// withOurCause is the engine's context, but when it ends because of a stop it says
// so in our words. The engine ends it for a remote cancel too.
func (q *Queue[T]) withOurCause(engine context.Context) (ctx context.Context, cancel context.CancelCauseFunc, done func()) {
	ctx, cancel = context.WithCancelCause(context.WithoutCancel(engine))
	release := context.AfterFunc(engine, func() {
		cause := context.Cause(engine)
		switch {
		case errors.Is(cause, rivertype.ErrJobCancelledRemotely):
			cause = ErrCancelled
		case q.jobs.cut.Err() != nil:
			cause = channelq.ErrStopping
		}
		cancel(cause)
	})
	return ctx, cancel, func() { release(); cancel(nil) }
}

// attempt runs f within the queue's timeout, or within that of the job if it has one that
// is less, on a goroutine of its own: a runtime.Goexit
// ends its goroutine, and the engine's would take the place of a worker with it.
func (q *Queue[T]) attempt(ctx context.Context, own time.Duration, f func(context.Context) error) error {
	timeout := q.cfg.Timeout
	if own > 0 {
		timeout = min(timeout, own)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, channelq.ErrTimeout)
	defer cancel()
	outcome := make(chan error, 1)
	go guard.Run(func() error { return f(ctx) }, func(err error) { outcome <- err })
	err := <-outcome
	var panicked *lifecycle.PanicError
	if errors.As(err, &panicked) {
		q.books.panics.Add(1)
		q.jobs.log.Error("handler panicked", slog.String("queue", q.kind),
			slog.Any("error", err), slog.String("stack", string(panicked.Stack)))
	} else if err != nil && errors.Is(context.Cause(ctx), channelq.ErrTimeout) && !errors.Is(err, channelq.ErrTimeout) {
		err = fmt.Errorf("%w: %w", err, channelq.ErrTimeout)
	}
	return err
}

// failed decides between another attempt and giving up.
func (q *Queue[T]) failed(ctx context.Context, job *river.Job[payload], item T, err error) error {
	q.jobs.stacks.note(job.ID, err)
	var cancelled *rivertype.JobCancelError
	remote := errors.Is(context.Cause(ctx), ErrCancelled)
	pointless := remote || channelq.IsPermanent(err) || errors.As(err, &cancelled) || !q.worthIt(ctx, err)
	if !pointless && job.Attempt < job.MaxAttempts {
		// This process may not have heard that the job is to be canceled. If the store does not
		// say, its statement that writes the retry down looks again.
		wanted, _ := q.jobs.wished(context.WithoutCancel(ctx), job.ID)
		pointless = len(wanted) > 0
	}
	if !pointless && job.Attempt < job.MaxAttempts {
		delay, ok := channelq.RetryDelay(err)
		if !ok {
			delay = q.delay(job.Attempt)
		}
		q.delays.Store(job.ID, delay)
		q.log(job.JobRow).Warn("attempt failed, will retry", slog.Int("attempt", job.Attempt), slog.Duration("delay", delay), slog.Any("error", err))
		return err
	}
	q.giveUp(ctx, job.JobRow, item, err)
	if pointless && cancelled == nil {
		return finalError{err}
	}
	return err
}

// finalError tells the engine not to try again. What it stores and logs is the error
// itself: river.JobCancel would put its own name before it.
type finalError struct{ err error }

func (e finalError) Error() string { return e.err.Error() }
func (e finalError) Unwrap() error { return river.JobCancel(e.err) }

func (q *Queue[T]) giveUp(ctx context.Context, job *rivertype.JobRow, item T, err error) {
	q.books.gaveUp.Add(1)
	q.log(job).Error("job given up", slog.Int("attempt", job.Attempt), slog.Any("error", err))
	if q.cfg.OnGiveUp == nil {
		return
	}
	why := &channelq.GiveUpError{Queue: q.kind, ID: job.ID, Attempts: job.Attempt, Err: err}
	_ = q.attempt(ctx, 0, func(ctx context.Context) error { q.cfg.OnGiveUp(ctx, item, why); return nil }) // counted and logged there
}

// lost gives a job up whose process died in its last attempt.
func (q *Queue[T]) lost(job *rivertype.JobRow) {
	item, err := decode[T](job.EncodedArgs, job.Metadata)
	if err != nil {
		q.undecodable(job, err)
		return
	}
	q.giveUp(identified(q.jobs.cut, job), job, item, ErrLost)
}

// identified is ctx for the handler of this attempt, see Attempt.
func identified(ctx context.Context, job *rivertype.JobRow) context.Context {
	return trial.WithIdentity(ctx, trial.Identity{ID: job.ID, Number: job.Attempt})
}

// undecodable has no item to call anybody with.
func (q *Queue[T]) undecodable(job *rivertype.JobRow, err error) {
	q.books.gaveUp.Add(1)
	q.log(job).Error("job given up, its payload cannot be decoded", slog.Any("error", err))
}

// worthIt asks Retry.If; one that panics is no reason to go on.
func (q *Queue[T]) worthIt(ctx context.Context, err error) (worth bool) {
	if q.cfg.Retry.If == nil {
		return true
	}
	_ = q.attempt(ctx, 0, func(context.Context) error { worth = q.cfg.Retry.If(err); return nil }) // counted and logged there
	return worth
}

func (q *Queue[T]) log(job *rivertype.JobRow) *slog.Logger {
	return q.jobs.log.With(slog.String("queue", q.kind), slog.Int64("job", job.ID))
}
