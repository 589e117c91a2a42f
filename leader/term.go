package leader

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// term is the time for which this process holds a lease. renewLoop renews the lease
// until the work has returned, and cancels the context of the work before another
// process can acquire the lease.
//
// The lease expires in the store one ttl after the store handled the last request.
// That moment is unknown, but it is not before the request was sent. So the lease
// is trusted for ttl less margin from then on. Only that window decides: a failed
// renewal is not a loss, and a late one does not help.
type term struct {
	*lease
	*bid
	fence int64
	began time.Time

	ctx         context.Context // context of the work
	cancel      context.CancelCauseFunc
	lost        chan struct{} // closed when the lease is lost
	lostCause   error         // set before ctx is canceled and lost closed
	workDone    chan struct{} // closed when the work has returned
	renewalDone chan struct{} // closed when renewLoop has ended

	// Guarded by the lock of the elector, if there is one.
	noted       bool  // the elector has recorded the term
	lostUnnoted error // the loss, if it came before that
}

// termKey is the context key of a term.
type termKey struct{}

// begin starts a term whose lease was requested at began.
func (l *lease) begin(values context.Context, b *bid, fence int64, began time.Time) *term {
	t := &term{
		lease: l, bid: b, fence: fence, began: began,
		lost: make(chan struct{}), workDone: make(chan struct{}), renewalDone: make(chan struct{}),
	}
	t.ctx, t.cancel = context.WithCancelCause(context.WithValue(values, termKey{}, t))
	go t.renewLoop()
	return t
}

// Fence returns the fence of the term that ctx belongs to. It is greater than that
// of every earlier holder of the same key. Send the fence with every write. The
// receiver must reject a fence lower than the highest it has seen; see the package
// comment.
//
// ctx is the context of the work of [Do], [TryDo] and [Loop], the context of the
// inner Start of [Only], or derived from one of these. For any other context Fence
// returns 0, which is lower than every fence.
func Fence(ctx context.Context) int64 {
	if t, ok := ctx.Value(termKey{}).(*term); ok {
		return t.fence
	}
	return 0
}

// renewLoop is the goroutine that renews the lease.
func (t *term) renewLoop() {
	defer close(t.renewalDone)
	var log asyncLog
	defer log.wait()
	until := t.began.Add(t.ttl - t.margin)
	window, next := time.NewTimer(until.Sub(t.now())), time.NewTimer(t.began.Add(t.ttl/3).Sub(t.now()))
	defer window.Stop()
	defer next.Stop()
	asking, stop := context.WithCancel(context.WithoutCancel(t.ctx))
	defer stop()
	var (
		sent    time.Time
		renewed <-chan answer[bool] // nil if no request is pending
		failed  error               // of the last renewal
	)
	for {
		select {
		case <-t.workDone:
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
				t.markLost(errTaken, &log)
				return
			default:
				failed = nil
				until = sent.Add(t.ttl - t.margin)
				window.Reset(until.Sub(t.now()))
				next.Reset(sent.Add(t.ttl / 3).Sub(t.now()))
			}
		}
		// Checked after every event. A process that slept finds all of its timers due at
		// once, and any of them may come first.
		if !t.now().Before(until) {
			t.markLost(unrenewed(t.ttl, failed), &log)
			return
		}
	}
}

// unrenewed returns why a lease expired. last is the last error of the store. It is
// nil if the store never answered or this process did not run.
func unrenewed(ttl time.Duration, last error) error {
	if last == nil {
		return fmt.Errorf("it was not renewed within its %v", ttl)
	}
	return fmt.Errorf("it was not renewed within its %v: %w", ttl, last)
}

// markLost cancels the context of the work. It logs if the work goes on for longer
// than the margin, because another process may work then too.
func (t *term) markLost(why error, log *asyncLog) {
	t.lostCause = fmt.Errorf("stead/leader: hold %q: %w: %w", t.key, ErrLost, why)
	if t.onLost != nil {
		log.add(t.onLost(t))
	}
	t.cancel(t.lostCause) // before the service is told, whose stop would cancel the work with another cause
	close(t.lost)
	timer := time.NewTimer(t.margin)
	defer timer.Stop()
	select {
	case <-t.workDone:
		return
	case <-timer.C:
	}
	log.add(func() {
		t.log.Warn("work goes on without the lease", "group", t.key, "fence", t.fence, "error", t.lostCause)
	})
}

// asyncLog writes what renewLoop logs, in order but concurrently. A log may block,
// as a pipe that nobody reads does. It must not decide when a lease is renewed, or
// how long work goes on without one.
type asyncLog struct{ last chan struct{} }

func (n *asyncLog) add(write func()) {
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

// wait returns when everything is written, so that the log of the next term follows
// that of this one.
func (n *asyncLog) wait() {
	if n.last != nil {
		<-n.last
	}
}

// stopRenewal is called when the work has returned. It ends the renewals and
// returns why the lease was lost, if it was. That does not change afterwards.
func (t *term) stopRenewal() error {
	close(t.workDone)
	<-t.renewalDone
	t.cancel(errOver)
	return t.lostNow()
}

// release releases the lease. It is called after stopRenewal, so that no work
// begins beside work that has not returned. After a loss the store may still
// consider the lease held, unless the store itself reported the loss.
func (t *term) release() {
	_ = t.end() // before the release, so that a late answer to an attempt comes after it
	if !errors.Is(t.lostNow(), errTaken) {
		t.lease.releaseHeld(t.token)
	}
}

// lostNow returns why the lease was lost, or nil.
func (t *term) lostNow() error {
	select {
	case <-t.lost:
		return t.lostCause
	default:
		return nil
	}
}
