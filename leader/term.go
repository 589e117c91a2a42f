package leader

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// term is the time for which a lease is ours. Its keeper renews the lease until
// the work has returned, and ends the work's context before anybody else can get
// the lease.
//
// The store lets the lease end one ttl after it handled the last request of ours.
// When that was is not known, but not before the request was sent: so the lease is
// trusted for ttl less the margin from then on. That window alone decides. A
// renewal that fails is not a loss, and one that is late does not help.
type term struct {
	*lease
	*bid
	fence int64
	began time.Time

	ctx    context.Context // of the work
	cancel context.CancelCauseFunc
	lost   chan struct{} // closed when the lease is lost
	why    error         // set before ctx ends and lost closes
	over   chan struct{} // closed when the work has returned
	kept   chan struct{} // closed when the keeper has ended

	// Guarded by the elector's lock, if there is one.
	noted       bool  // the elector knows of the term
	lostUnnoted error // it was lost before that
}

// termKey is how a context knows its term.
type termKey struct{}

// begin starts a term whose lease was asked for at began.
func (l *lease) begin(values context.Context, b *bid, fence int64, began time.Time) *term {
	t := &term{
		lease: l, bid: b, fence: fence, began: began,
		lost: make(chan struct{}), over: make(chan struct{}), kept: make(chan struct{}),
	}
	t.ctx, t.cancel = context.WithCancelCause(context.WithValue(values, termKey{}, t))
	go t.keep()
	return t
}

// Fence is the number of the term that ctx belongs to: it is greater than that of
// every earlier holder of the same key. Send it with every write, and let what is
// written to refuse one that is lower than it has seen; see the package comment.
// ctx is that of the work of [Do], [TryDo] and [Loop], what the Start of a service
// in [Only] gets, or derived from one of these. For any other it is 0, which is
// lower than every fence.
func Fence(ctx context.Context) int64 {
	if t, ok := ctx.Value(termKey{}).(*term); ok {
		return t.fence
	}
	return 0
}

// keep is the goroutine that renews.
func (t *term) keep() {
	defer close(t.kept)
	var log notes
	defer log.wait()
	until := t.began.Add(t.ttl - t.margin)
	window, next := time.NewTimer(until.Sub(t.now())), time.NewTimer(t.began.Add(t.ttl/3).Sub(t.now()))
	defer window.Stop()
	defer next.Stop()
	asking, stop := context.WithCancel(context.WithoutCancel(t.ctx))
	defer stop()
	var (
		sent    time.Time
		renewed <-chan answer[bool] // nil: no request is on its way
		failed  error               // of the last renewal
	)
	for {
		select {
		case <-t.over:
			return
		case <-window.C:
		case <-next.C:
			sent = t.now()
			renewed = ask(asking, t.ttl/3, 0, func(ctx context.Context) (bool, error) {
				return t.store.Renew(ctx, t.key, t.token, t.ttl)
			})
		case a := <-renewed:
			renewed = nil
			if t.onRenew != nil {
				log.add(t.onRenew(a.err))
			}
			switch {
			case a.err != nil:
				failed = a.err
				log.add(func() { t.log.Warn("lease not renewed", "group", t.key, "error", a.err) })
				next.Reset(t.ttl / 9)
			case !a.value:
				t.lose(errTaken, &log)
				return
			default:
				failed = nil
				until = sent.Add(t.ttl - t.margin)
				window.Reset(until.Sub(t.now()))
				next.Reset(sent.Add(t.ttl / 3).Sub(t.now()))
			}
		}
		// Asked after every event: a process that slept finds all of its timers
		// due at once, and any of them may come first.
		if !t.now().Before(until) {
			t.lose(unrenewed(t.ttl, failed), &log)
			return
		}
	}
}

// unrenewed is why a lease ended of itself: with the last error of the store, or
// none if it just never answered, or this process did not run.
func unrenewed(ttl time.Duration, last error) error {
	if last == nil {
		return fmt.Errorf("it was not renewed within its %v", ttl)
	}
	return fmt.Errorf("it was not renewed within its %v: %w", ttl, last)
}

// lose ends the work's context, and complains if the work goes on for longer than
// the margin: from then on another may be at it too.
func (t *term) lose(why error, log *notes) {
	t.why = fmt.Errorf("stead/leader: hold %q: %w: %w", t.key, ErrLost, why)
	if t.onLost != nil {
		log.add(t.onLost(t))
	}
	t.cancel(t.why) // before the service hears of it, whose stop would end the work with a cause of its own
	close(t.lost)
	timer := time.NewTimer(t.margin)
	defer timer.Stop()
	select {
	case <-t.over:
		return
	case <-timer.C:
	}
	log.add(func() { t.log.Warn("work goes on without the lease", "group", t.key, "fence", t.fence, "error", t.why) })
}

// notes are what a keeper writes to the log: in order, but beside it. A log may
// block, as a pipe that nobody reads does, and must not decide when a lease is
// renewed, nor how long work goes on without one.
type notes struct{ last chan struct{} }

func (n *notes) add(write func()) {
	if write == nil {
		return
	}
	before, done := n.last, make(chan struct{})
	n.last = done
	go func() {
		defer close(done)
		if before != nil {
			<-before
		}
		write()
	}()
}

// wait returns when all of it is written, so that the log of the next term comes
// after that of this one.
func (n *notes) wait() {
	if n.last != nil {
		<-n.last
	}
}

// settle is called when the work has returned. It ends the renewals and returns
// why the lease was lost, if it was: from here on that does not change.
func (t *term) settle() error {
	close(t.over)
	<-t.kept
	t.cancel(errOver)
	return t.lostNow()
}

// giveBack frees the lease. It comes after settle, so that nobody begins beside
// work that has not returned. After a loss the store may still think the lease
// ours, unless it was the store that said otherwise.
func (t *term) giveBack() {
	_ = t.end() // of the bid, before the release: a late answer to one of its tries comes after it
	if !errors.Is(t.lostNow(), errTaken) {
		t.lease.giveBack(t.token)
	}
}

// lostNow is why the lease was lost, nil if it was not.
func (t *term) lostNow() error {
	select {
	case <-t.lost:
		return t.why
	default:
		return nil
	}
}
