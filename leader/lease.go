package leader

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/internal/safelog"
)

// lease is one key of a store and how to get it and keep it. It does not change
// after newLease, so that many goroutines may use it.
type lease struct {
	store  Store
	key    string
	name   string // put in front of tokens
	ttl    time.Duration
	margin time.Duration
	retry  time.Duration
	log    safelog.Log

	// Told by the keeper of a term, at once: they must not block. What they return
	// writes it to the log, and may; nil is nothing to write. An Elector has them, Do
	// and TryDo do not.
	onLost  func(*term) (write func())
	onRenew func(error) (write func()) // nil: the store answered

	// now is time.Now. Only differences between its results are used, and those
	// are measured on the monotonic clock: no setting of the wall clock matters.
	now func() time.Time
}

// releaseBound is how long giving a lease back may take. If it fails, the lease
// ends by itself.
func (l *lease) releaseBound() time.Duration { return min(l.ttl/3, time.Second) }

// taken is what Acquire says.
type taken struct {
	fence int64
	ok    bool
}

// bid is one candidate's way to one term. All of its tries have one token. The
// answer to a try may be lost, or the try may wait in the buffers of a store that
// stalls and be done long after everybody has given up on it: then the next try
// finds that the lease is its own, and nobody has to wait until it expires. Another
// term has another token, so that what comes late of this one cannot pass for it.
type bid struct {
	token string

	mu     sync.Mutex
	unsure bool // the outcome of a try is not known
	spent  bool // the token has no use any more: what still gets the lease gives it back
}

func (l *lease) newBid() *bid { return &bid{token: l.name + rand.Text()} }

func (b *bid) note() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unsure = true
}

// end reports whether the token may have a lease that nobody knows of.
func (b *bid) end() (unsure bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent = true
	return b.unsure
}

func (b *bid) isSpent() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spent
}

// try asks for the lease once. It returns nil without an error if another has it.
// values is what the context of the work is made from.
func (l *lease) try(ctx, values context.Context, b *bid) (*term, error) {
	began := l.now()
	// An answer that comes when the window is over is worth nothing.
	got := ask(ctx, l.ttl-l.margin, l.releaseBound(), func(ctx context.Context) (taken, error) {
		fence, ok, err := l.store.Acquire(ctx, l.key, b.token, l.ttl)
		if late := err == nil && ok && ctx.Err() != nil; late {
			err = context.Cause(ctx)
		}
		if err != nil && b.isSpent() { // whoever asked has gone
			_ = l.release(b.token)
		}
		return taken{fence, ok}, err
	})
	answer := <-got
	if answer.err != nil {
		b.note()
		return nil, answer.err
	}
	if !answer.value.ok {
		return nil, nil //nolint:nilnil // another has it
	}
	return l.begin(values, b, answer.value.fence, began), nil
}

// abandon ends a bid that came to no term. What the store may have done for it is
// undone, or else the lease would be held by nobody.
func (l *lease) abandon(b *bid) {
	if b.end() {
		<-ask(context.Background(), l.releaseBound(), 0, func(context.Context) (struct{}, error) {
			return struct{}{}, l.release(b.token)
		})
	}
}

// campaign asks until the lease is ours or ctx has ended, of which the error
// tells. answered is told the outcome of every try, nil if the store answered.
func (l *lease) campaign(ctx, values context.Context, answered func(error)) (*term, error) {
	var last error
	b := l.newBid()
	for {
		if ctx.Err() != nil {
			l.abandon(b)
			return nil, withCause(ctx, last)
		}
		t, err := l.try(ctx, values, b)
		if ctx.Err() == nil || t != nil { // or else the error is that of our own ctx
			answered(err)
			last = err
		}
		if t != nil && ctx.Err() == nil {
			return t, nil
		}
		if t != nil { // too late: nobody waits for it any more
			_ = t.settle()
			t.giveBack()
			continue
		}
		pause(ctx, jitter(l.retry))
	}
}

// release frees what token has, on a context of its own: the one that ended is
// often the reason for it.
func (l *lease) release(token string) error {
	ctx, cancel := context.WithTimeout(context.Background(), l.releaseBound())
	defer cancel()
	return l.store.Release(ctx, l.key, token)
}

// giveBack is release for a lease that was held.
func (l *lease) giveBack(token string) {
	if err := l.release(token); err != nil {
		l.log.Warn("lease not given back, it will expire", "group", l.key, "error", err)
	}
}

// withCause is why ctx ended and, if the store failed before that, with what: a
// deadline alone would not tell a lease that was held from a store that was away.
func withCause(ctx context.Context, last error) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); !errors.Is(cause, err) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	if last != nil {
		err = fmt.Errorf("%w (the store: %w)", err, last)
	}
	return err
}

// jitter is d less up to a half, so that those who wait do not ask in step.
func jitter(d time.Duration) time.Duration { return d - mathrand.N(d/2+1) }

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

type answer[T any] struct {
	value T
	err   error
}

// ask makes one call to the store, which has until bound, and patience more to
// come back after that or after the end of ctx. Then it is left behind: a client
// that does not look at its context must not decide how long a lease is trusted.
func ask[T any](ctx context.Context, bound, patience time.Duration, call func(context.Context) (T, error)) <-chan answer[T] {
	out := make(chan answer[T], 1)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, bound)
		defer cancel()
		back := make(chan answer[T], 1)
		go func() {
			var a answer[T]
			guard.Run(func() (err error) { a.value, err = call(ctx); return err }, func(err error) {
				a.err = err
				back <- a
			})
		}()
		select {
		case a := <-back:
			out <- a
			return
		case <-ctx.Done():
		}
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case a := <-back:
			out <- a
		case <-timer.C:
			out <- answer[T]{err: fmt.Errorf("the store does not answer: %w", context.Cause(ctx))}
		}
	}()
	return out
}
