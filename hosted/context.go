package hosted

import (
	"context"
	"time"

	"github.com/steadgo/stead/coordinator"
	"github.com/steadgo/stead/lifecycle"
)

// Ready reports that the loop whose context this is has come up. A loop that was added
// with [WaitReady] calls it once in each run. The start of the host waits for it, and
// after a restart the service is ready again from then on. For any other service Ready
// does nothing. ctx must be the context of a service or derived from it, otherwise Ready
// panics.
func Ready(ctx context.Context) {
	u := unitFrom(ctx)
	if u == nil {
		panic("stead/hosted: Ready: not the context of a service")
	}
	h := u.host
	h.mu.Lock()
	defer h.mu.Unlock()
	if !u.waitReady || (u.state != lifecycle.Starting && u.state != lifecycle.Restarting) {
		return
	}
	now := time.Now()
	if u.state == lifecycle.Starting {
		u.startTook = now.Sub(u.since)
		close(u.ready)
	}
	u.enterAtLocked(lifecycle.Running, now)
}

// Coordinator returns a [coordinator.Waiter], with which the service whose context this
// is waits for other services of its host by name. The host marks a service as ready when
// it is Running or Completed, as failed when it is Failed, and as neither while it
// restarts. ctx must be the context of a service or derived from it, otherwise
// Coordinator panics.
//
// A wait that can never end returns [coordinator.ErrCycle]. If services start one after
// the other, that includes a wait for a service that comes later. With
// [Config.StartConcurrency], the service no longer counts as one that is starting, and
// the next service begins to start.
func Coordinator(ctx context.Context) *coordinator.Waiter {
	u := unitFrom(ctx)
	if u == nil {
		panic("stead/hosted: Coordinator: not the context of a service")
	}
	h := u.host
	h.mu.Lock()
	defer h.mu.Unlock()
	if giveUp := h.startSlots[u]; giveUp != nil {
		giveUp()
		delete(h.startSlots, u)
	}
	if h.coord == nil {
		h.coord = newCoordination(h)
		for _, u := range h.units {
			h.coord.changed(u.name, u.state, u.err)
		}
	}
	return h.coord.As(u.name)
}

// coordination keeps a Coordinator in step with the states of the services. It
// is made when the first service asks for it, so that the services that never do pay
// nothing.
type coordination struct{ *coordinator.Coordinator }

func newCoordination(h *Host) *coordination {
	c := &coordination{coordinator.NewFunc(h.startsAfter)}
	for _, u := range h.units {
		_ = c.Register(u.name) // unique and not empty: they were registered here
	}
	return c
}

func (c *coordination) changed(name string, s lifecycle.State, err error) {
	switch s {
	case lifecycle.Running, lifecycle.Completed:
		_ = c.Ready(name)
	case lifecycle.Restarting:
		_ = c.Reset(name)
	case lifecycle.Failed:
		if err != nil {
			_ = c.Fail(name, err)
		}
	}
}

// startsAfter names the ones that a service which has not begun waits for.
func (h *Host) startsAfter(name string) (names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	u := h.byName[name]
	if u == nil || u.state != lifecycle.New {
		return nil
	}
	before := u.needs()
	if h.cfg.StartConcurrency <= 1 {
		before = h.units[:u.rank]
	}
	for _, b := range before {
		names = append(names, b.name)
	}
	return names
}
