package hosted

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/internal/nils"
)

// Service is what a [Host] starts and stops. A host calls Start once and, if Start
// succeeded, Stop once, never both at the same time.
//
// A host also uses these methods of a service, if it has them:
//
//	Done() <-chan struct{}               is closed when the service has ended by itself; then
//	Err() error                          says why: nil means completed, an error goes to its policy
//	Starting(ctx) error                  before the first Start of any service
//	Started(ctx) error                   after the last Start of all services
//	Stopping(ctx) error                  before the first Stop of any service, in reverse order
//	Stopped(ctx) error                   after the last Stop of all services, in reverse order
//	InheritLogger(*slog.Logger)          before Starting and Start, with the logger of the host, if it has one
//	Reload(ctx) error                    see [Reloader]
//	Reloading(ctx), Reloaded(ctx) error  before and after a reload of the host
//	Leftover() int                       returns the items that its stop left over, for the report
//	Stuck() int                          returns the calls into user code that its stop abandoned; 0 before the stop
//	Counts() map[string]uint64           returns where its items or runs ended, for the report
//	Backlog() int                        returns the items that are still to drain, for [Host.StopPlan]
//	Ended() uint64                       returns how many have ended so far, for [StopPlan.Forecast], if Counts does not tell
//	Name() string                        returns the name of the queue or job inside; two of one name are refused
//	Unwrap() Service                     on wrappers: the host looks for all of these behind it
//
// A service whose Stuck is not 0 after its stop is a straggler.
//
// A wrapper that embeds a Service as an interface has Start and Stop and none of these.
// Without Unwrap the host does not see that the inner service has ended.
//
// The four hooks and their order are those of .NET's IHostedLifecycleService.
type Service interface {
	// Start returns when the service is ready for use. ctx bounds Start only. It is done
	// when Start takes too long or the host stops. A service may take values from ctx
	// (context.WithoutCancel), and must not keep it.
	Start(ctx context.Context) error
	// Stop returns when the service has stopped. ctx carries the deadline. A Stop that
	// has not returned by then is reported as a straggler and abandoned.
	Stop(ctx context.Context) error
}

// Reloader is a [Service] that can apply a changed configuration while it runs.
// [Host.Reload] calls Reload, and so does [Main] on SIGHUP.
type Reloader interface {
	Reload(ctx context.Context) error
}

// Optional methods of a Service that only the host needs to name.
type (
	ender           interface{ Done() <-chan struct{} }
	errer           interface{ Err() error }
	named           interface{ Name() string }
	leftover        interface{ Leftover() int }
	backlog         interface{ Backlog() int }
	counts          interface{ Counts() map[string]uint64 }
	endCounter      interface{ Ended() uint64 }
	stuck           interface{ Stuck() int }
	loggerInheritor interface{ InheritLogger(l *slog.Logger) }
	wrapper         interface{ Unwrap() Service }
)

// As returns s, or the first service behind its Unwrap methods, as a T. The search ends
// at an Unwrap that panics, and after 1,000 services.
func As[T any](s Service) (t T, ok bool) {
	t, ok = behind(s, is[T]).(T)
	return t, ok
}

// behind returns the first service, from s on through Unwrap, that is what is looked
// for; nil if there is none. It is apart from As, which the linker has once a type.
func behind(s Service, is func(Service) bool) (found Service) {
	defer func() {
		if recover() != nil {
			found = nil
		}
	}()
	for range mostWrappers {
		if s == nil || is(s) {
			return s
		}
		w, wraps := s.(wrapper)
		if !wraps {
			return nil
		}
		s = w.Unwrap()
	}
	return nil
}

func is[T any](s Service) bool {
	_, ok := s.(T)
	return ok
}

// mostWrappers is where a service is taken for one that unwraps to itself.
const mostWrappers = 1000

// Loop creates a Service from a function that runs until its context is done, like
// BackgroundService in .NET. Start returns at once. Stop cancels the context and waits
// until run has returned.
//
// The context of run carries the values of the context that the host was started with. It
// is canceled at the service's turn in the stop, with the reason as its [context.Cause].
// If run returns nil before that, the service has completed. An error, a panic or a
// runtime.Goexit goes to the failure policy. After the cancellation, ctx.Err() and the
// cause count as a clean end.
func Loop(run func(ctx context.Context) error) Service { return &loop{run: run} }

// Once creates a Service whose Start is run. The start of the host waits for run, and
// fails if run returns an error. It is for work that other services need, such as warming
// a cache or migrating a database.
func Once(run func(ctx context.Context) error) Service { return &once{run: run} }

// Fresh creates a Service that can be restarted although its kind starts only once, such
// as an http.Server. Every start calls construct. The host calls construct and the
// methods of its result from one goroutine at a time. It finds the optional methods of
// the result as if the result had been added, except for Starting: construct has not been
// called then.
func Fresh(construct func() (Service, error)) Service { return &fresh{construct: construct} }

// loop is run by a host on one goroutine of the host's own, without these
// methods; they are for code that calls a Loop directly or wraps it.
type loop struct {
	run func(ctx context.Context) error
	own atomic.Pointer[ownRun] // nil until Start
}

// ownRun is the one run of a loop that was started without a host.
type ownRun struct {
	cancel context.CancelCauseFunc
	done   chan struct{}
	err    error // set before done closes
}

func (l *loop) Start(ctx context.Context) error {
	if l.run == nil {
		return errNoFunction
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	run, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	own := &ownRun{cancel: cancel, done: make(chan struct{})}
	if !l.own.CompareAndSwap(nil, own) {
		cancel(nil)
		return errors.New("stead/hosted: start: the loop was started before")
	}
	go guard.Run(func() error { return l.run(run) }, func(err error) {
		if run.Err() != nil && isCancel(err, causeOf(run)) {
			err = nil
		}
		own.err = err
		close(own.done)
	})
	return nil
}

func (l *loop) Stop(ctx context.Context) error {
	own := l.own.Load()
	if own == nil {
		return nil
	}
	own.cancel(ErrStopping)
	select {
	case <-own.done:
		return own.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errNoFunction is for a service of this package that no host refused at its Add.
var errNoFunction = errors.New("stead/hosted: start: the function is nil")

func (l *loop) isEmpty() bool  { return l.run == nil }
func (o *once) isEmpty() bool  { return o.run == nil }
func (f *fresh) isEmpty() bool { return f.construct == nil }

func (l *loop) Done() <-chan struct{} {
	if own := l.own.Load(); own != nil {
		return own.done
	}
	return nil
}

func (l *loop) Err() error {
	if own := l.own.Load(); own != nil && closed(own.done) {
		return own.err
	}
	return nil
}

type once struct {
	run func(ctx context.Context) error
}

func (o *once) Start(ctx context.Context) error {
	if o.run == nil {
		return errNoFunction
	}
	return o.run(ctx)
}

func (o *once) Stop(context.Context) error { return nil }

type fresh struct {
	construct func() (Service, error)

	mu      sync.Mutex
	log     *slog.Logger // for each new instance; nil means none
	current Service
	up      bool // current has not been stopped
}

// InheritLogger keeps the logger for the instances to come.
func (f *fresh) InheritLogger(l *slog.Logger) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = l
}

func (f *fresh) Start(ctx context.Context) error {
	if f.construct == nil {
		return errNoFunction
	}
	s, err := f.construct()
	if err != nil {
		return err
	}
	if nils.Is(s) {
		return errors.New("stead/hosted: fresh: the function returned no service")
	}
	f.mu.Lock()
	l := f.log
	f.mu.Unlock()
	if h, ok := As[loggerInheritor](s); ok && l != nil {
		h.InheritLogger(l)
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.current, f.up = s, true
	return nil
}

func (f *fresh) Stop(ctx context.Context) error {
	f.mu.Lock()
	s, up := f.current, f.up
	f.up = false // whether or not it stops well: an instance is stopped once
	f.mu.Unlock()
	if !up {
		return nil
	}
	return s.Stop(ctx)
}

// Unwrap returns the last instance that came up, also after its stop, when it is
// asked what it left over; nil before the first.
func (f *fresh) Unwrap() Service {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current
}
