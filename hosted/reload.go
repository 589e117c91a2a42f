package hosted

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/steadgo/stead/internal/errs"
	"github.com/steadgo/stead/lifecycle"
)

// Reload calls Reload of every running service that is a [Reloader], in the order of the
// start, and joins their errors. A failed reload is logged and stops nothing. It blocks
// until all have returned or ctx is done. Services that were not reloaded by then are
// left out. Reload returns an error if the host is not running, if another reload is
// running, or if a call that a reload abandoned has not returned.
func (h *Host) Reload(ctx context.Context) error {
	if !h.reloading.TryLock() {
		return fmt.Errorf("stead/hosted: reload %q: a reload is under way", h.cfg.Name)
	}
	defer h.reloading.Unlock()
	if h.hung = slices.DeleteFunc(h.hung, (*call).returned); len(h.hung) > 0 {
		return fmt.Errorf("stead/hosted: reload %q: the last one of %q has not returned", h.cfg.Name, h.hung[0].unit.name)
	}
	h.mu.Lock()
	up := h.phase == running && h.marks.Request().Cause == nil
	units := h.units
	h.mu.Unlock()
	if !up {
		return fmt.Errorf("stead/hosted: reload %q: the host is not running", h.cfg.Name)
	}
	h.reloadHooks(ctx, units, "reloading", func(u *unit) hook { return hookOf(u, reloadingHook.Reloading) })
	defer h.reloadHooks(ctx, units, "reloaded", func(u *unit) hook { return hookOf(u, reloadedHook.Reloaded) })
	var failed []error
	for _, u := range units {
		r, ok := find[Reloader](u)
		if !ok || u.stateNow() != lifecycle.Running {
			continue
		}
		if err := h.reloadCall(ctx, u, "reload", r.Reload); err != nil {
			failed = append(failed, err)
			if errs.Is(err, ErrStopping) || ctx.Err() != nil {
				break
			}
		}
	}
	h.log.Info("host reloaded")
	return join(failed...)
}

// reloadHooks calls one of the two hooks around a reload. What fails is logged:
// it is about telling others and does not touch the reload itself.
func (h *Host) reloadHooks(ctx context.Context, units []*unit, op string, of func(*unit) hook) {
	for _, u := range units {
		if run := of(u); run != nil && u.stateNow() == lifecycle.Running {
			_ = h.reloadCall(ctx, u, op, run)
		}
	}
}

// reloadCall waits for the call until ctx is done or the host is asked to stop. It
// is called with reloading locked, which guards hung.
func (h *Host) reloadCall(ctx context.Context, u *unit, op string, run hook) error {
	c := u.call(u.scoped(ctx), op, run, nil)
	var err error
	select {
	case <-c.done:
		err = c.err
	case <-ctx.Done():
		err = withCause(ctx.Err(), causeOf(ctx))
	case <-h.marks.Stopping:
		// The reload itself may be why: then it is about to return, and says what it was.
		if err = ErrStopping; waitUntil(c.done, time.Now().Add(lateReturnWait)) {
			err = c.err
		}
	}
	if err == nil {
		return nil
	}
	if !c.returned() {
		h.hung = append(h.hung, c)
	}
	err = &ServiceError{Service: u.name, Op: op, Err: err}
	h.log.Error("service not reloaded", "service", u.name, "error", err)
	return err
}

// reloads says whether any service can reload.
func (h *Host) reloads() bool {
	h.mu.Lock()
	units := h.units
	h.mu.Unlock()
	for _, u := range units {
		if _, ok := find[Reloader](u); ok {
			return true
		}
	}
	return false
}

func (u *unit) stateNow() lifecycle.State {
	u.host.mu.Lock()
	defer u.host.mu.Unlock()
	return u.state
}
