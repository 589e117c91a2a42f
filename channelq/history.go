package channelq

import (
	"container/heap"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// AttemptFailure is an attempt that failed.
type AttemptFailure struct {
	Attempt int           // counts from 1
	At      time.Time     // when it ended
	Took    time.Duration // 0 if it was not measured: of handlers that take microseconds few first attempts are
	Err     error         // a *lifecycle.PanicError has the stack
}

// history is what is known of an item that has failed. The attempts are replaced and never
// changed, as lists that were returned share them.
type history struct {
	id       int64 // for RetryNow and GiveUp
	attempts []AttemptFailure
}

// maxAttempts bounds the attempts that are kept of an item: the last ones. While
// maxPasts items are parked, the ones that fail are counted and no more: a queue of a
// million items that all panic must not keep a million stacks for people.
const (
	maxAttempts = 5
	maxPasts    = 1000
)

// note adds the attempt that has just failed to the history of item i.
func (w *worker) note(i int, r result) {
	c, s := w.c, &w.items[i]
	if s.history == nil {
		s.history = &history{id: c.retryID.Add(1)}
	}
	if c.q.counters.parked.Load() >= maxPasts {
		return
	}
	took := time.Duration(0)
	if !w.began.IsZero() {
		took = w.ended.Sub(w.began)
	}
	before := s.history.attempts
	before = before[max(0, len(before)-maxAttempts+1):]
	s.history.attempts = append(slices.Clone(before), AttemptFailure{Attempt: s.attempts, At: w.ended, Took: took, Err: r.err})
}

// failedAttempts are those of the item, oldest first.
func (s *itemState) failedAttempts() []AttemptFailure {
	if s.history == nil {
		return nil
	}
	return s.history.attempts
}

var errNotRetrying = errors.New("it does not wait for a retry")

// takeRetryingLocked takes an item out that waits for its retry.
func (c *consumer) takeRetryingLocked(id int64) (*parkedItem, bool) {
	// It looks at each of them: a person asks, and seldom.
	i := slices.IndexFunc(c.parked.retrying, func(p *parkedItem) bool { return p.history != nil && p.history.id == id })
	if i < 0 || c.ending {
		return nil, false
	}
	return heap.Remove(&c.parked.retrying, i).(*parkedItem), true
}

// RetryNow makes an item due that waits for its retry. It takes the ID of a [Retrying],
// and returns an error if that item does not wait any more. The item is handled when a
// worker is free. RetryNow does not wait for that.
func (c *consumer) RetryNow(id int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.takeRetryingLocked(id)
	if !ok {
		return fmt.Errorf("stead/channelq: retry %d of %q: %w", id, c.q.name, errNotRetrying)
	}
	c.parked.due.pushBack(p)
	c.refreshLocked()
	c.wakeOneLocked()
	return nil
}

// GiveUp gives up on an item that waits for its retry, as after its last attempt: it is
// listed by Failures. GiveUp takes the ID of a [Retrying], and returns an error if that
// item does not wait any more. It calls OnGiveUp and OnSettled, and returns when they
// have returned.
func (c *consumer) GiveUp(id int64) error {
	c.mu.Lock()
	p, ok := c.takeRetryingLocked(id)
	if !ok {
		c.mu.Unlock()
		return fmt.Errorf("stead/channelq: give up on %d of %q: %w", id, c.q.name, errNotRetrying)
	}
	f := Failure{
		ID: c.failed.nextID(), Item: p.item, Err: p.err, Attempts: p.attempts, At: time.Now(), Description: p.description,
		EnqueuedAt: p.enqueuedAt, Failed: p.failedAttempts(), key: p.key, claimed: p.claimed,
	}
	c.failed.add(f)
	c.q.counters.gaveUp.Add(1)
	c.parkedLocked(-1)
	if p.claimed {
		c.releaseKeyLocked(p.key)
		c.wakeOneLocked()
	}
	c.pokeManager() // a drain may have waited for that alone
	c.mu.Unlock()
	c.logFailure(gaveUp, 1, f.Err, slog.Int("attempt", f.Attempts), slog.Int64("id", f.ID), slog.Bool("asked", true))
	var failed error = &GiveUpError{Queue: c.q.name, ID: f.ID, Attempts: f.Attempts, Err: f.Err}
	if c.onGiveUp {
		c.callback("give-up callback panicked", func() { c.items.giveUp(c.base, f.Item, failed) })
	}
	if !c.q.settles.Load() {
		return nil
	}
	if p.requeued > 0 {
		failed = &RequeuedError{ID: p.requeued, Err: failed}
	}
	c.items.settled(f.Item, GaveUp, failed)
	return nil
}
