package hosted

import (
	"context"
	"time"

	"github.com/steadgo/stead/coordinator"
	"github.com/steadgo/stead/lifecycle"
)

// Ready says that the loop whose context this is has come up. A loop that was
// added with [WaitReady] calls it once a run: the start of the host waits for
// it, and after a restart the service is ready again from here on. For any other
// service it does nothing. ctx must be the service's context or derived from
// it; Ready panics if it is not.
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

// Coordinator lets the service whose context this is wait for other services of
// its host by name. All services of the host are in it; the host marks each
// ready when it is running or completed, and failed when it has failed; one that is
// restarted is neither. ctx must be the service's context or derived from it; Coordinator panics if it is not.
//
// A wait that could never end is refused with [coordinator.ErrCycle]. In a start
// one after the other that includes waiting for a service that comes later; with
// [Config.StartConcurrency] the service no longer counts as one that is starting,
// and the next one begins.
func Coordinator(ctx context.Context) *coordinator.Waiter {
	u := unitFrom(ctx)
	if u == nil {
		panic("stead/hosted: Coordinator: not the context of a service")
	}
	h := u.host
	h.mu.Lock()
	defer h.mu.Unlock()
	if giveUp := h.places[u]; giveUp != nil {
		giveUp()
		delete(h.places, u)
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
// is made when the first service asks for it, so that those who never do pay
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

// startsAfter names those that a service which has not begun waits for.
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
