package durable

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"github.com/steadgo/stead/channelq"
)

// life is where a service is between its two calls.
type life uint8

const (
	fresh life = iota
	starting
	started
	stopping
	over
)

// reserve is how long before its deadline a stop cancels what still runs.
const reserve = time.Second

// Start connects and begins to take jobs. It returns when the store answered and has the
// tables ([Migrate]), or with an error if ctx is done first. It takes only values from
// ctx. In mode EnqueueOnly it only checks the store. A service starts once.
func (j *core) Start(ctx context.Context) error {
	j.mu.Lock()
	if j.life != fresh {
		j.mu.Unlock()
		return fmt.Errorf("stead/durable: start %q: it has been started or stopped before", j.cfg.Name)
	}
	j.life, j.tried = starting, make(chan struct{})
	client, err := j.clientLocked()
	works, queues := j.worksLocked(), j.queues
	j.mu.Unlock()
	for _, q := range queues {
		j.warn(q.kind, q.unstored)
	}

	if err == nil {
		err = j.begin(ctx, client, works)
	}
	return j.endStart(ctx, client, works, err)
}

// endStart ends the start. A stop that came meanwhile waits for that and then drains. If
// the context of that stop was done first, endStart stops the client.
func (j *core) endStart(ctx context.Context, client riverClient, works bool, err error) error {
	defer close(j.tried)
	j.mu.Lock()
	abandoned := j.life == over
	if err == nil && works && !abandoned {
		j.begun = time.Now()
	}
	switch {
	case j.life != starting:
	case err != nil:
		j.life = fresh
	default:
		j.life = started
	}
	j.mu.Unlock()
	if err != nil || !abandoned {
		return err
	}
	if works {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), completeWait)
		defer cancel()
		err = client.StopAndCancel(ctx)
	}
	return errors.Join(fmt.Errorf("stead/durable: start %q: %w", j.cfg.Name, errClosed), err)
}

func (j *core) begin(ctx context.Context, client riverClient, works bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(j.cut, func() { cancel(channelq.ErrStopping) })()
	if _, err := client.QueueList(ctx, river.NewQueueListParams().First(1)); err != nil {
		if err = hint(err); !errors.Is(err, errNoTables) {
			err = fmt.Errorf("the store does not answer: %w", err)
		}
		return fmt.Errorf("stead/durable: start %q: %w", j.cfg.Name, err)
	}
	if err := j.checkStore(ctx, works); err != nil {
		return fmt.Errorf("stead/durable: start %q: the store: %w", j.cfg.Name, err)
	}
	if err := j.lookAtDue(ctx); err != nil { // what is written from now on is by the store's clock
		return fmt.Errorf("stead/durable: start %q: %w", j.cfg.Name, hint(err))
	}
	if works {
		if err := j.checkSchedules(ctx); err != nil {
			return fmt.Errorf("stead/durable: start %q: %w", j.cfg.Name, hint(err))
		}
		if err := j.firstUpkeep(ctx); err != nil {
			return fmt.Errorf("stead/durable: start %q: %w", j.cfg.Name, hint(err))
		}
		if err := startClient(ctx, client); err != nil {
			return fmt.Errorf("stead/durable: start %q: %w", j.cfg.Name, err)
		}
		j.startUpkeep()
		j.startScheduler()
	}
	j.announce(client.ID(), works)
	attrs := []any{slog.Bool("works", works)}
	if j.where != "" {
		attrs = append(attrs, slog.String("store", j.where))
	}
	j.log.Info("jobs started", attrs...)
	return nil
}

// startClient starts the client within ctx. The client keeps the context it is started
// with, and stops when that is done. So it gets a context that is canceled with ctx only
// until the start has ended.
func startClient(ctx context.Context, client riverClient) error {
	own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	release := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	err := client.Start(own)
	if inTime := release(); err == nil && !inTime {
		err = context.Cause(ctx)
		<-client.Stopped()
	}
	if err != nil {
		cancel(err)
	}
	return err
}

// Stop takes no further jobs and waits for the handlers until a second before
// ctx's deadline (half of the time, if that is less), then cancels their contexts
// with [channelq.ErrStopping] as the cause. A handler that returns an error after
// that has used no attempt: its job is free for another process at once. Jobs
// whose handlers ignore that are named in a [*RunningError]; they are run again
// when the rescue finds them. Without a deadline Stop waits until ctx is done. While a
// server is connected and does not answer, the engine's connections may take all of the
// time: then Stop returns an error although no handler was canceled.
//
// Later calls wait for the first one and return the same. Stop before Start keeps
// the service from starting. Enqueue works until the stop has ended, so that running
// handlers can enqueue.
func (j *core) Stop(ctx context.Context) error {
	j.mu.Lock()
	was, client, rescue, tried := j.life, j.client, j.rescueAfterLocked(), j.tried
	j.life = max(j.life, stopping)
	j.mu.Unlock()
	j.endNow()

	if was >= stopping {
		select {
		case <-j.stopped:
			return j.stopErr
		case <-ctx.Done():
			return fmt.Errorf("stead/durable: stop %q: %w", j.cfg.Name, ctx.Err())
		}
	}
	if was == starting {
		j.cutNow() // ends the start
		select {
		case <-tried:
		case <-ctx.Done():
			j.stopErr = fmt.Errorf("stead/durable: stop %q: the start does not end: %w", j.cfg.Name, ctx.Err())
		}
	}
	j.mu.Lock()
	begun := j.begun
	if begun.IsZero() {
		j.life = over // before a start that still runs looks
	}
	j.mu.Unlock()
	if !begun.IsZero() {
		j.stopErr = j.drain(ctx, client, rescue)
	}
	j.mu.Lock()
	j.life = over
	left := j.left
	j.mu.Unlock()
	j.waker.close(ctx)
	j.cutNow()
	j.leaveNow()
	j.held.end(ctx)
	j.endUpkeep(ctx)
	if left != nil {
		select {
		case <-left:
		case <-ctx.Done():
		}
	}
	close(j.stopped)
	j.log.Info("jobs stopped", slog.Int("leftover", j.Leftover()))
	return j.stopErr
}

func (j *core) drain(ctx context.Context, client riverClient, rescue time.Duration) error {
	soft, hard := ctx, ctx
	if deadline, ok := ctx.Deadline(); ok {
		spare := min(reserve, time.Until(deadline)/2)
		var cancel, cancelHard context.CancelFunc
		soft, cancel = context.WithDeadline(ctx, deadline.Add(-spare))
		defer cancel()
		// The last tenth of the reserve is for saying who did not stop.
		hard, cancelHard = context.WithDeadline(ctx, deadline.Add(-spare/10))
		defer cancelHard()
	}
	j.stopScheduler(soft)
	if client.Stop(soft) == nil {
		j.held.wait(soft)
		return nil
	}
	j.running.cut()
	j.log.Warn("stop is slow, canceling the handlers", slog.Int("running", j.running.len()))
	j.cutNow()
	err := client.StopAndCancel(hard)
	j.held.wait(hard)
	if err == nil {
		return nil
	}
	if list := j.running.list(rescue); len(list) > 0 {
		return &RunningError{Name: j.cfg.Name, Jobs: list}
	}
	return fmt.Errorf("stead/durable: stop %q: %w", j.cfg.Name, err)
}

// Backlog returns how many jobs the handlers of this process have in hand: a stop still
// has to wait for them.
func (j *core) Backlog() int { return j.running.len() }

// Ended returns how many attempts have ended in this process, whatever came of them. The
// plan of a stop tells from it how long the jobs in hand will take.
func (j *core) Ended() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	var n uint64
	for _, q := range j.queues {
		n += q.books.handle.snapshot().Count
	}
	return n
}

// Leftover returns how many jobs were in hand when a stop had to cancel its handlers and
// did not complete: other processes will run them. It is 0 before.
func (j *core) Leftover() int { return j.running.leftover() }

// Stuck returns how many handlers run although Stop has returned, and 0 before: the host
// names them with their stacks.
func (j *core) Stuck() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.life != over {
		return 0
	}
	return j.running.len()
}

// open is nil if jobs can be enqueued, and the client to do it with.
func (j *core) open(kind string) (riverClient, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var err error
	switch {
	case j.life == over:
		err = errClosed
	case j.cfg.Mode == WorkOnly:
		err = ErrWorkOnly
	default:
		return j.clientLocked()
	}
	return nil, fmt.Errorf("stead/durable: enqueue %q: %w", kind, err)
}
