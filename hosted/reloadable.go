package hosted

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// OnReload creates a Service that calls f at every [Host.Reload], and so on SIGHUP under
// [Main], for instance to reopen a log file or to read a certificate again. Its Start and
// Stop do nothing. The ctx of f is that of [Reloader]. If f returns an error, it is
// logged and stops nothing.
func OnReload(f func(ctx context.Context) error) Service { return onReload{f} }

type onReload struct{ reload func(context.Context) error }

func (r onReload) Start(context.Context) error {
	if r.reload == nil {
		return errNoFunction
	}
	return nil
}

func (onReload) Stop(context.Context) error         { return nil }
func (r onReload) Reload(ctx context.Context) error { return r.reload(ctx) }
func (r onReload) isEmpty() bool                    { return r.reload == nil }

// Reloadable creates a Service from a part of the program that is rebuilt at every
// [Host.Reload], for instance from a changed configuration file. build returns a [Host]
// that has not been started. Two such hosts exist at once for a while, so build must not
// open what only one of them can have, such as a port. The start of its host may do that.
//
// Start calls build and starts the host. Reload calls build again. If build fails, the
// old host runs on, and Reload returns the error. Otherwise Reload stops the old host,
// within its own [Config.ShutdownTimeout], and starts the new one. If that start fails,
// the service has failed and its [Policy] follows. With [Restart], the service is built
// and started again. Reload also returns the error of the old host's stop, which does not
// keep the new one from starting.
//
// The services of the current host are found behind Unwrap. Metrics and the dashboard
// show them as outer/inner, also during a reload. A host that ends by itself ends the
// service. The current host inherits the logger. It is asked to stop when the outer host
// stops. build and the methods of its hosts are called from one goroutine at a time.
func Reloadable(build func(ctx context.Context) (*Host, error)) Service {
	return &reloadable{build: build, turn: make(chan struct{}, 1)}
}

type reloadable struct {
	build func(ctx context.Context) (*Host, error)
	turn  chan struct{} // full while a Start, a Reload or the end of a Stop is on

	mu      sync.Mutex
	log     *slog.Logger
	current *instance // nil before the first
	term    *term     // from a Start to the end of the service; nil before the first
}

// instance is one of the hosts of a reloadable.
type instance struct {
	host    *Host
	retired bool // a reload stops it
}

// term is one life of a reloadable, in which its hosts come and go.
type term struct {
	ctx    context.Context // ends when Stop begins
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when a host ended by itself, and after Stop
	err    error         // set before done closes
	once   sync.Once
}

func (t *term) end(err error) {
	t.once.Do(func() {
		t.err = err
		close(t.done)
	})
}

func (r *reloadable) isEmpty() bool { return r.build == nil }

// InheritLogger keeps the logger for the hosts to come.
func (r *reloadable) InheritLogger(l *slog.Logger) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = l
}

// Unwrap returns the current host, or nil before the first.
func (r *reloadable) Unwrap() Service {
	current, _ := r.now()
	if current == nil {
		return nil
	}
	return current.host
}

func (r *reloadable) now() (*instance, *term) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current, r.term
}

func (r *reloadable) Done() <-chan struct{} {
	if _, t := r.now(); t != nil {
		return t.done
	}
	return nil
}

func (r *reloadable) Err() error {
	if _, t := r.now(); t != nil && closed(t.done) {
		return t.err
	}
	return nil
}

// take waits for the turn of the caller, who ends it with free.
func (r *reloadable) take(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return withCause(ctx.Err(), context.Cause(ctx))
	}
}

func (r *reloadable) free() { <-r.turn }

func (r *reloadable) Start(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.take(ctx); err != nil {
		return err
	}
	defer r.free()
	if _, t := r.now(); t != nil && !closed(t.done) {
		return errors.New("stead/hosted: reloadable: it was started before")
	}
	h, err := r.make(ctx)
	if err != nil {
		return err
	}
	t := &term{done: make(chan struct{})}
	t.ctx, t.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	r.mu.Lock()
	r.term = t
	r.mu.Unlock()
	return r.run(ctx, t, h)
}

func (r *reloadable) Reload(ctx context.Context) error {
	if err := r.take(ctx); err != nil {
		return err
	}
	defer r.free()
	old, t := r.now()
	if t == nil || closed(t.done) || t.ctx.Err() != nil {
		return errors.New("stead/hosted: reloadable: it is not running")
	}
	building, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(t.ctx, func() { cancel(context.Cause(t.ctx)) })()
	next, err := r.make(building)
	if err != nil {
		return err
	}
	r.mu.Lock()
	ended := closed(old.host.Done()) || t.ctx.Err() != nil
	old.retired = !ended
	r.mu.Unlock()
	if ended {
		return errors.New("stead/hosted: reloadable: it ended while the new host was built")
	}
	// From here on ctx has no say: half of a reload would be worse than a long one.
	stopErr := stopInner(t.ctx, old.host)
	if t.ctx.Err() != nil {
		return ErrStopping
	}
	return join(r.run(t.ctx, t, next), stopErr)
}

func (r *reloadable) Stop(ctx context.Context) error {
	first, t := r.now()
	if t == nil {
		return nil
	}
	t.cancel(ErrStopping)
	err := stopInner(ctx, first.host) // even if a reload that hangs has the turn
	if busy := r.take(ctx); busy != nil {
		return join(err, busy)
	}
	defer r.free()
	if last, _ := r.now(); last != first {
		err = join(err, stopInner(ctx, last.host))
	}
	t.end(nil)
	return err
}

// stopInner is Stop of h, where it is no failure that the start of h was cut short.
func stopInner(ctx context.Context, h *Host) error {
	err := h.Stop(ctx)
	if err != nil && closed(h.ended) && h.Report().Clean() {
		return nil
	}
	return err
}

// make builds a host that has not been started.
func (r *reloadable) make(ctx context.Context) (*Host, error) {
	if r.build == nil {
		return nil, errNoFunction
	}
	h, err := r.build(ctx)
	switch {
	case err != nil:
		return nil, fmt.Errorf("stead/hosted: reloadable: build: %w", err)
	case h == nil:
		return nil, errors.New("stead/hosted: reloadable: build returned no host")
	case ctx.Err() != nil:
		return nil, withCause(ctx.Err(), context.Cause(ctx))
	}
	r.mu.Lock()
	l := r.log
	r.mu.Unlock()
	h.InheritLogger(l)
	return h, nil
}

// run makes h the host of the moment and starts it. If that fails, t has ended.
func (r *reloadable) run(ctx context.Context, t *term, h *Host) error {
	current := &instance{host: h}
	r.mu.Lock()
	r.current = current
	r.mu.Unlock()
	if err := h.Start(ctx); err != nil {
		t.end(err)
		return err
	}
	go func() {
		<-h.Done()
		r.mu.Lock()
		over := !current.retired && t.ctx.Err() == nil
		r.mu.Unlock()
		if over {
			t.end(h.Err())
		}
	}()
	return nil
}
