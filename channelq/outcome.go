package channelq

import (
	"context"
	"fmt"
	"time"
)

// Outcome is what became of an item that a queue accepted.
type Outcome uint8

// The outcomes.
const (
	Handled   Outcome = iota + 1 // its handler returned nil
	GaveUp                       // it failed for the last time
	Skipped                      // WorkerConfig.Skip did not want it handled
	Dropped                      // a drop mode lost it after it was accepted
	Coalesced                    // an item of its key waited already, see Config.Coalesce
	Leftover                     // a stop did not have it handled
	Discarded                    // it was given up, and then taken off the list of failures
)

var outcomeNames = [...]string{
	Handled: "handled", GaveUp: "gave_up", Skipped: "skipped", Dropped: "dropped",
	Coalesced: "coalesced", Leftover: "leftover", Discarded: "discarded",
}

// String returns the lower-case name, such as "gave_up": the key in Stats.Counts.
func (o Outcome) String() string {
	if o == 0 || int(o) >= len(outcomeNames) {
		return fmt.Sprintf("outcome(%d)", uint8(o))
	}
	return outcomeNames[o]
}

// MarshalText returns the name, so that JSON reads "handled" and not 1.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// RequeuedError is the error with which OnSettled is called for an item that Requeue
// put into its queue again. The item was settled before, as GaveUp.
type RequeuedError struct {
	ID  int64 // of the [Failure] that was requeued
	Err error // what OnSettled gets otherwise; nil if that is nothing
}

// Error names the failure.
func (e *RequeuedError) Error() string {
	msg := fmt.Sprintf("stead/channelq: requeued failure %d", e.ID)
	if e.Err != nil {
		msg += ": " + e.Err.Error()
	}
	return msg
}

// Unwrap returns Err.
func (e *RequeuedError) Unwrap() error { return e.Err }

// Info is what [Attempt] returns.
type Info struct {
	Queue   string
	Attempt int // counts from 1; in a batch, that of its first item

	// EnqueuedAt is when the item was enqueued; in a batch, its first item. It is
	// zero unless the queue has Stamp or Coalesce: a clock read for every item would
	// cost more than the queue.
	EnqueuedAt time.Time
}

// Attempt returns what a handler of Workers or of a Batcher is working on. It
// returns false if ctx is not the context of such a handler or derived from it. It
// must not be called after the handler has returned.
func Attempt(ctx context.Context) (Info, bool) {
	w, ok := ctx.Value(attemptKey{}).(*worker)
	if !ok {
		return Info{}, false
	}
	info := Info{Queue: w.c.q.name, Attempt: int(w.attemptNo.Load())}
	if at := w.enqueuedAt.Load(); at != nil {
		info.EnqueuedAt = *at
	}
	return info, true
}

type attemptKey struct{}

// workerContext is the context of all attempts of one worker. It knows the worker,
// and not the attempt: a context for each attempt would be an allocation.
type workerContext struct {
	context.Context
	w *worker
}

func (c workerContext) Value(key any) any {
	if key == (attemptKey{}) {
		return c.w
	}
	return c.Context.Value(key)
}
