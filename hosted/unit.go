package hosted

import (
	"context"
	"runtime/pprof"
	"sync/atomic"
	"time"

	stopctx "github.com/steadgo/stead/internal/stopping"
	"github.com/steadgo/stead/lifecycle"
)

// unit is one registered service and what the host knows of it.
//
// A loop has one goroutine, which runs the function and, between a failure and
// the next run, waits out the backoff. A service that can end by itself has one
// too, its supervisor. That goroutine alone decides what an end means, so an end
// and the service's turn in the stop are told apart by one question: was ctx
// done? Only stopUnit ends ctx.
type unit struct {
	*settings
	host    *Host
	name    string
	service Service
	loop    *loop // the service, if it is a Loop

	asked atomic.Pointer[asking] // what it has in hand; nil means nobody asks

	rank  int    // place in the order of start, fixed once the host starts
	links *links // in the graph; nil means none

	// Made when its start begins.
	base   unitContext // values and labels, never ends
	ctx    context.Context
	cancel context.CancelCauseFunc
	ready  chan struct{} // of a loop that says when: closed the first time
	done   chan struct{} // closed when the goroutine above has ended; nil means there is none

	// Guarded by host.mu.
	state     lifecycle.State
	started   bool      // needs a stop
	turned    bool      // its turn in the stop has ended
	absent    bool      // its start failed and was optional
	turnEnd   time.Time // the deadline of its turn, once that began
	since     time.Time // of state
	changes   []StateChange
	err       error // the last failure
	intensity *intensity
	restarts  int32
	panics    int32
	said      *reply        // of its items, after its stop; nil means nothing
	sealed    chan struct{} // closed when the Unwrap that did not return in time has; nil means none
	startTook time.Duration
	stopTook  time.Duration
}

// leftoverLocked is how many items the service left over.
func (u *unit) leftoverLocked() int {
	if u.said == nil {
		return 0
	}
	return u.said.left
}

// itemsLocked is where the items of the service ended; nil means it does not say.
func (u *unit) itemsLocked() map[string]uint64 {
	if u.said == nil {
		return nil
	}
	return u.said.items
}

// unitContext carries which service a context belongs to.
type unitContext struct {
	context.Context
	unit *unit
}

// valuesOf is context.WithoutCancel without its allocation for every look-up of a value.
// Unlike context.WithoutCancel, a valuesOf does not hide the cause of its parent. It is
// therefore never handed out: every service context wraps it with its own cancellation.
type valuesOf struct{ from context.Context }

func (*valuesOf) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }
func (*valuesOf) Done() <-chan struct{}                   { return nil }
func (*valuesOf) Err() error                              { return nil }
func (v *valuesOf) Value(key any) any                     { return v.from.Value(key) }

type unitKey struct{}

func (c *unitContext) Value(key any) any {
	switch key {
	case unitKey{}:
		return c.unit
	case stopctx.Key{}:
		return c.unit.host.stopBegins()
	}
	return c.Context.Value(key)
}

// stopBegins is done when the stop of this host, or of one that it is nested in,
// begins: what a service produces from then on is in the way of the stop.
func (h *Host) stopBegins() context.Context {
	if h.eitherStop != nil {
		return h.eitherStop
	}
	return h.lifetime.Context()
}

// nestIn sets outer and eitherStop of a host whose start has this context.
func (h *Host) nestIn(ctx context.Context) {
	if u := unitFrom(ctx); u != nil {
		h.outer = u.host
	}
	outer := stopctx.From(ctx)
	if outer == nil {
		return
	}
	either, cancel := context.WithCancelCause(outer)
	own := h.lifetime.Context()
	context.AfterFunc(own, func() { cancel(context.Cause(own)) })
	h.eitherStop = either
}

func unitFrom(ctx context.Context) *unit {
	u, _ := ctx.Value(unitKey{}).(*unit)
	return u
}

// within says whether u is a service of h, or of a host nested in it.
func (u *unit) within(h *Host) bool {
	for ; u != nil; u = unitFrom(u.base.Context) {
		if u.host == h {
			return true
		}
	}
	return false
}

// labeled is ctx with the labels by which the service's goroutines are known.
// All three are set at once, which costs half of adding one to two.
func (u *unit) labeled(ctx context.Context) context.Context {
	return pprof.WithLabels(ctx, pprof.Labels("host", u.host.cfg.Name, "host_id", u.host.id, "service", u.name))
}

// scoped is ctx as seen by this service.
func (u *unit) scoped(ctx context.Context) context.Context { return &unitContext{u.labeled(ctx), u} }

// finishing is the base of what is part of a stop, which an Enqueue is not to fail for.
func (u *unit) finishing() context.Context { return stopctx.Without(&u.base) }

// open makes the contexts. values is the start's context without its end.
func (u *unit) open(values context.Context) {
	u.base = unitContext{u.labeled(values), u}
	u.ctx, u.cancel = context.WithCancelCause(&u.base)
}

// enterLocked notes a new state and tells the ones that wait for this service.
func (u *unit) enterLocked(s lifecycle.State) { u.enterAtLocked(s, time.Now()) }

func (u *unit) enterAtLocked(s lifecycle.State, now time.Time) {
	if u.changes != nil || s == lifecycle.Restarting || s == lifecycle.Failed {
		u.rememberLocked(s, now)
	}
	u.state, u.since = s, now
	if u.host.coord != nil {
		u.host.coord.changed(u.name, s, u.err)
	}
}
