package durable

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// ErrDamaged is wrapped by the error of an enqueue into a store that is not any more
// what was opened: its file is damaged, was removed, or is another one.
var ErrDamaged = errors.New("the store is damaged, or its file was moved")

const (
	checkEvery = 2 * time.Second
	checkWait  = 3 * time.Second // longer than what a busy store takes for one statement

	// verifyShare is how many times as long as a look through the whole store took
	// passes until the next: a large one is not read all the time.
	verifyShare = 1000
)

// verifier is a store that can look through all of itself for damage.
type verifier interface {
	Verify(ctx context.Context) error
}

// present is a store that can say quickly whether it is still where it was.
type present interface {
	Present() error
}

// demanding is a store that does not do everywhere.
type demanding interface {
	Ready(ctx context.Context, works bool) error
}

// pooled is a store with a bounded number of connections, of which these are left for
// handlers.
type pooled interface {
	Spare() int
}

// checkStore is what a start wants of a store that answers. That there are fewer
// connections than handlers is no error: not every handler needs one.
func (j *core) checkStore(ctx context.Context, works bool) error {
	if p, ok := j.store.(pooled); ok && works {
		if handlers := j.handlers(); handlers > p.Spare() {
			j.log.Warn("handlers that use the store may wait for a connection of its pool",
				slog.Int("handlers", handlers), slog.Int("connections", max(p.Spare(), 0)))
		}
	}
	if d, ok := j.store.(demanding); ok {
		return d.Ready(ctx, works)
	}
	return nil
}

// handlers is how many may run at a time.
func (j *core) handlers() (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, q := range j.queues {
		n += q.concurrency
	}
	return n
}

// health is what this process knows of the store's.
type health struct {
	mu       sync.Mutex
	reached  condition // whether it answers
	verified condition // whether it is sound
}

// condition is since when something is wrong, and what; nothing while it is well.
type condition struct {
	since time.Time
	err   error
}

// note takes the outcome of a look that began at a time, and reports whether that
// made a difference.
func (h *health) note(c *condition, began time.Time, err error) (changed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := c.err
	if c.err = err; err == nil {
		c.since = time.Time{}
	} else if was == nil {
		c.since = began
	}
	return (was == nil) != (err == nil)
}

func (h *health) clear() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reached, h.verified = condition{}, condition{}
}

func (h *health) outage() condition {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.reached.err != nil {
		return h.reached
	}
	return h.verified
}

// Outage returns since when the store has not answered this process, or has been
// damaged, and what it failed with last. It is zero and nil while all is well, before
// the start and after the stop. Metrics and the dashboard look for it here. The store
// is asked every two seconds; a SQLite file is looked through every 15 s, less often
// if that takes long.
func (j *core) Outage() (since time.Time, err error) {
	c := j.health.outage()
	return c.since, c.err
}

// CheckStore returns an error while there is an [Jobs.Outage]. It does not wait for
// the store. It is for hosted.Health, where a process without its store is to get no
// requests:
//
//	host.Add("jobs", jobs, hosted.Health(jobs.CheckStore))
func (j *core) CheckStore(context.Context) error {
	if since, err := j.Outage(); err != nil {
		return fmt.Errorf("stead/durable: the store of %q, for %v: %w", j.cfg.Name, time.Since(since).Round(time.Second), err)
	}
	return nil
}

// soundStore returns why nothing can be enqueued any more: what is written now would be
// in a file that nobody reads.
func (j *core) soundStore() error {
	if p, ok := j.store.(present); ok {
		if err := p.Present(); err != nil {
			return err
		}
	}
	if _, err := j.Outage(); errors.Is(err, ErrDamaged) {
		return err
	}
	return nil
}

// check asks the store whether it answers. The log gets the begin and the end of an
// outage.
func (j *core) check(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, checkWait)
	defer cancel()
	began := time.Now()
	err := j.store.Check(bounded)
	if ctx.Err() != nil { // the stop
		return
	}
	j.say(&j.health.reached, began, err)
}

// verify looks through the store every now and then, until ctx is done.
func (j *core) verify(ctx context.Context, v verifier) {
	for wait := j.beat; ; {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		began := time.Now()
		err := v.Verify(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil || errors.Is(err, ErrDamaged) { // else it found out nothing
			j.say(&j.health.verified, began, err)
		}
		wait = max(j.beat, time.Duration(j.share)*time.Since(began))
	}
}

func (j *core) say(c *condition, began time.Time, err error) {
	switch changed := j.health.note(c, began, err); {
	case changed && j.works() && isClosed(err): // the engine says it too
		j.log.Debug("store does not answer", slog.Any("error", err))
	case changed && err == nil:
		j.log.Info("store answers again")
	case changed && errors.Is(err, ErrDamaged):
		j.log.Error("store is damaged", slog.Any("error", err))
	case changed:
		j.log.Warn("store does not answer", slog.Any("error", err))
	}
}
