package hosted

import (
	"context"
	"time"
)

// The optional hooks; see Service.
type (
	startingHook interface {
		Starting(ctx context.Context) error
	}
	startedHook interface {
		Started(ctx context.Context) error
	}
	stoppingHook interface {
		Stopping(ctx context.Context) error
	}
	stoppedHook interface {
		Stopped(ctx context.Context) error
	}
	reloadingHook interface {
		Reloading(ctx context.Context) error
	}
	reloadedHook interface {
		Reloaded(ctx context.Context) error
	}
)

// hook is one hook of one service; nil if it does not have it.
type hook func(ctx context.Context) error

func hookOf[T any](u *unit, method func(T, context.Context) error) hook {
	if u.loop != nil {
		return nil
	}
	s, ok := find[T](u)
	if !ok {
		return nil
	}
	return func(ctx context.Context) error { return method(s, ctx) }
}

// inheritLoggerHook passes the logger of the host to a service, and to what that watches.
func (h *Host) inheritLoggerHook(u *unit) hook {
	l := h.log.Source()
	if l == nil {
		return nil
	}
	var heirs []loggerInheritor
	if u.loop == nil {
		if s, ok := find[loggerInheritor](u); ok {
			heirs = append(heirs, s)
		}
	}
	for _, w := range u.watched {
		if s, ok := w.(loggerInheritor); ok {
			heirs = append(heirs, s)
		}
	}
	if heirs == nil {
		return nil
	}
	return func(context.Context) error {
		for _, s := range heirs {
			s.InheritLogger(l)
		}
		return nil
	}
}

// startHooks calls a hook of the start on every service that has it, in
// order, and reports whether all succeeded.
func (h *Host) startHooks(ctx context.Context, op string, of func(*unit) hook) bool {
	for _, u := range h.units {
		run := of(u)
		if run == nil || u.isAbsent() {
			continue
		}
		if ctx.Err() != nil {
			return false
		}
		c := u.call(u.scoped(ctx), op, run, func(err error, abandoned bool) { u.failedLate(op, err, abandoned) })
		if err := h.await(ctx, c); err != nil {
			h.fail(note(u.name, op, err))
			return false
		}
	}
	return true
}

type pendingHook struct {
	u   *unit
	op  string
	run hook
}

func (h *Host) stopHook(p pendingHook, deadline time.Time) {
	ctx, release := p.u.until(deadline)
	defer release()
	c := p.u.call(ctx, p.op, p.run, func(err error, _ bool) {
		if err != nil {
			h.failAtStop(p.u, p.op, err)
		}
	})
	if !waitUntil(c.done, deadline) {
		<-ctx.Done() // as in stop
		h.abandon(c)
	}
}
