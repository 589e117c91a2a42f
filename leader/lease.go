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

// lease is one key of a store and how to acquire and keep it. It is immutable, so
// that many goroutines may use it.
type lease struct {
	store  Store
	key    string
	name   string // put in front of tokens
	ttl    time.Duration
	margin time.Duration
	retry  time.Duration
	log    safelog.Log

	// Called by renewLoop, which they must not block. What they return is called to write
	// the log, and may block; nil writes nothing. Set by an Elector, not by Do and TryDo.
	onLost  func(*term) (write func())
	onRenew func(error) (write func()) // the error is nil if the store answered

	// now is time.Now. Only differences between its results are used. They are measured
	// on the monotonic clock, so setting the wall clock does not matter.
	now func() time.Time
}

// releaseBound returns how long a release may take. If it fails, the lease expires.
func (l *lease) releaseBound() time.Duration { return min(l.ttl/3, time.Second) }

// taken is the result of Acquire.
type taken struct {
	fence int64
	ok    bool
}

// bid is the way of one candidate to one term. All of its attempts have one token.
// The answer to an attempt may be lost, or a stalled store may execute it long
// after the candidate timed out. The next attempt then finds that the lease is its
// own, and nobody has to wait until it expires. Another term has another token, so
// that a late attempt of this one cannot be mistaken for it.
type bid struct {
	token string

	mu     sync.Mutex
	unsure bool // the outcome of an attempt is unknown
	spent  bool // the token is no longer used; an attempt that still gets the lease releases it
}

func (l *lease) newBid() *bid { return &bid{token: l.name + rand.Text()} }

func (b *bid) note() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unsure = true
}

// end ends the use of the token. It reports whether the token may hold a lease
// unknowingly.
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

// try requests the lease once. It returns nil without an error if another process
// has it. values is the parent of the context of the work.
func (l *lease) try(ctx, values context.Context, b *bid) (*term, error) {
	began := l.now()
	// An answer after ttl less margin is useless.
	got := ask(ctx, l.ttl-l.margin, l.releaseBound(), func(ctx context.Context) (taken, error) {
		fence, ok, err := l.store.Acquire(ctx, l.key, b.token, l.ttl)
		if late := err == nil && ok && ctx.Err() != nil; late {
			err = context.Cause(ctx)
		}
		if err != nil && b.isSpent() { // the candidate timed out
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
		return nil, nil //nolint:nilnil // another process has it
	}
	return l.begin(values, b, answer.value.fence, began), nil
}

// abandon ends a bid without a term. It releases what the store may have granted;
// otherwise the lease would be held without a holder.
func (l *lease) abandon(b *bid) {
	if b.end() {
		<-ask(context.Background(), l.releaseBound(), 0, func(context.Context) (struct{}, error) {
			return struct{}{}, l.release(b.token)
		})
	}
}

// campaign requests the lease until it is acquired or ctx is done, and then returns
// why. answered receives the result of every attempt, nil if the store answered.
func (l *lease) campaign(ctx, values context.Context, answered func(error)) (*term, error) {
	var last error
	b := l.newBid()
	for {
		if ctx.Err() != nil {
			l.abandon(b)
			return nil, withCause(ctx, last)
		}
		t, err := l.try(ctx, values, b)
		if ctx.Err() == nil || t != nil { // otherwise the error is that of ctx
			answered(err)
			last = err
		}
		if t != nil && ctx.Err() == nil {
			return t, nil
		}
		if t != nil { // too late: ctx is done
			_ = t.stopRenewal()
			t.release()
			continue
		}
		sleep(ctx, jitter(l.retry))
	}
}

// release releases the lease of token. It uses a context of its own, because the
// caller's is often done.
func (l *lease) release(token string) error {
	ctx, cancel := context.WithTimeout(context.Background(), l.releaseBound())
	defer cancel()
	return l.store.Release(ctx, l.key, token)
}

// releaseHeld releases a lease that was held.
func (l *lease) releaseHeld(token string) {
	if err := l.release(token); err != nil {
		l.log.Warn("lease not released, it will expire", "group", l.key, "error", err)
	}
}

// withCause returns why ctx is done and the last error of the store, if any. A
// deadline alone would not distinguish a lease that was held from an unreachable
// store.
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

// jitter returns d less up to a half, so that followers do not ask in step.
func jitter(d time.Duration) time.Duration { return d - mathrand.N(d/2+1) }

// sleep waits for d, or until ctx is done.
func sleep(ctx context.Context, d time.Duration) {
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

// ask makes one call to the store. The call has until bound, and patience more to
// return after bound or after ctx is done. Then it is abandoned: a client that
// ignores its context must not decide how long a lease is trusted.
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
