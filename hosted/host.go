package hosted

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steadgo/stead/internal/lifetime"
	"github.com/steadgo/stead/internal/nils"
	"github.com/steadgo/stead/internal/safelog"
	"github.com/steadgo/stead/lifecycle"
)

// Config is the configuration of a [Host]. The zero value works.
type Config struct {
	// Name is the name of the host in logs, metrics, pprof labels and errors. If empty,
	// "host" is used.
	Name string

	// Logger receives state changes, failures and how the stop went. Services without a
	// logger inherit it; see Logging in the package comment. If nil, the host inherits
	// the logger of the host that it is a service of, or logs nothing. A record whose
	// handler panics is lost, and nothing else.
	Logger *slog.Logger

	// StartTimeout bounds the whole start. If zero, the start has no bound.
	StartTimeout time.Duration

	// ShutdownTimeout is the whole budget of a stop, DrainDelay included, counted from
	// the request. If zero, 25 s is used, which leaves a margin to the 30 s grace of
	// Kubernetes. For the 10 s of Docker, set 8 s. If negative, a stop has no bound.
	ShutdownTimeout time.Duration

	// DrainDelay is how long the services go on after a stop was requested and readiness
	// was turned off, so that load balancers notice before connections are refused. If
	// zero, there is no delay. It must be shorter than ShutdownTimeout.
	DrainDelay time.Duration

	// StartConcurrency is how many services may start at once. A service still waits for
	// those it comes [After]. A service that asks for its [Coordinator] gives up its
	// place, so that the services it is about to wait for can start. If 0 or 1, services
	// start one after the other, in order.
	StartConcurrency int

	// StopConcurrency is how many services may stop at once. A service that others come
	// [After] waits until they have stopped, even when they depend on it through others.
	// If 1, services stop one after the other, in reverse order. If zero, they stop one
	// after the other, or in parallel without a limit if StartConcurrency is above 1.
	StopConcurrency int

	// ExitWhenDone stops the host when every loop has completed. Services that are not
	// loops do not hold the host up. A host without a loop refuses to start.
	ExitWhenDone bool

	// HealthTimeout bounds all health checks of one probe together. It is also how long
	// their results are reused. If zero, 900 ms is used, which is less than the 1 s after
	// which a kubelet gives a probe up.
	HealthTimeout time.Duration
}

// stopLimit is how many services stop at once; 0 means no limit.
func (c *Config) stopLimit() int {
	if c.StopConcurrency == 0 && c.StartConcurrency <= 1 {
		return 1
	}
	return c.StopConcurrency
}

const defaultShutdownTimeout = 25 * time.Second

// Host starts services in order, watches them, and stops them in reverse order within a
// budget that it enforces. [New] creates a Host. Register services, then call [Host.Run]
// once, or [Host.Start] and [Host.Stop], or [Host.RunTask]. A host cannot be used again
// after that. It is safe for concurrent use.
//
// A Host is itself a [Service] and can be added to another host.
type Host struct {
	cfg       Config
	log       safelog.Log
	spool     safelog.Spool // of log, so that no handler holds the host up
	marks     *lifetime.Marks
	lifetime  *lifecycle.Lifetime
	ended     chan struct{} // closed when the stop has ended and result is final
	skipDelay chan struct{} // closed to end the drain delay early
	checks    checks        // of health
	census    census        // for /livez?verbose
	id        string        // tells two hosts of one name apart in the labels, such as those of parallel tests

	turnsOver atomic.Bool // no more is said on the progress of the stop

	signalled bool // a signal asked for the stop; only Main's goroutine uses it

	reloading sync.Mutex
	hung      []*call // of reloads, guarded by reloading

	outer      *Host           // that it is a service of; set like the next
	eitherStop context.Context // see stopBegins; set before the first service is started

	mu          sync.Mutex
	phase       phase
	units       []*unit          // in order of registration, from Start on in order of start
	byName      map[string]*unit // made by Start, which knows how many there are
	problems    []error          // found at registration
	late        []error          // Add after Start
	interrupted int              // how many failures say that the start was cut short, if all do; see noteInterrupted
	failures    []noted          // in the order in which they happened
	calls       []*call          // that were not back in time
	loops       int              // that have not ended by themselves
	cancelStart context.CancelCauseFunc
	coord       *coordination
	startSlots  map[*unit]func() // of those starting side by side, to give them up
	noDrain     bool
	drained     bool // the drain delay has ended, was cut, or will not be
	drainEnd    time.Time
	ordered     bool    // units are in the order of the start, with their links
	division    *budget // of the stop, once its calls begin
	stragglers  []Straggler
	stopTook    time.Duration
	result      error // final once ended is closed
}

// phase of a host's life, in order.
type phase int

const (
	idle phase = iota
	starting
	running
	stopping
	ended
)

// New creates a host without services. Start and Run report a Config that makes no sense.
func New(cfg Config) *Host {
	if cfg.Name == "" {
		cfg.Name = "host"
	}
	if cfg.ShutdownTimeout == 0 {
		cfg.ShutdownTimeout = defaultShutdownTimeout
	}
	if cfg.HealthTimeout == 0 {
		cfg.HealthTimeout = 900 * time.Millisecond
	}
	h := &Host{
		cfg:       cfg,
		ended:     make(chan struct{}),
		skipDelay: make(chan struct{}),
	}
	h.log = h.spool.Spooled(cfg.Logger, slog.String("host", cfg.Name))
	h.marks = lifetime.New(h.stopRequested)
	h.lifetime = lifecycle.NewLifetime(h.marks)
	h.id = strconv.FormatUint(rand.Uint64(), 36)
	return h
}

// Add registers a service under a name that is unique in this host. Add has no result, so
// that registrations read as a list. Start and Run return what is wrong with a
// registration, such as a name that is taken, before any service starts.
//
// If name is empty, Add uses the name of the service: what its Name method returns, as
// that of a queue's workers, a job or a nested host does. Add waits up to 5 s for it.
//
// Services start in the order of registration, unless [After] says otherwise. Register
// consumers before the producers that feed them: services stop in reverse order, so the
// producers then stop first.
//
// Add after Start does not start the service. It logs an error, which Run and Stop also
// return.
func (h *Host) Add(name string, s Service, opts ...Option) {
	if name == "" {
		name = nameOf(s)
	}
	u := &unit{service: s}
	u.loop, _ = s.(*loop)
	h.register(name, u, opts)
}

// Go registers a background loop. It is short for Add(name, Loop(run), opts...).
func (h *Host) Go(name string, run func(ctx context.Context) error, opts ...Option) {
	one := &struct { // one allocation for both
		unit unit
		loop loop
	}{loop: loop{run: run}}
	one.unit.service, one.unit.loop = &one.loop, &one.loop
	h.register(name, &one.unit, opts)
}

// Task registers a function that runs once, during the start. It is short for Add(name,
// Once(run), opts...). Services added after the task wait for it. If run returns an
// error, the start fails. No [Policy] retries a task: a task that may fail at first must
// retry by itself.
func (h *Host) Task(name string, run func(ctx context.Context) error, opts ...Option) {
	h.Add(name, Once(run), opts...)
}

// nameOf is the name of a service that has one, or of what it wraps.
func nameOf(s Service) string {
	name, _ := within(nameTimeout, func() string {
		if c, ok := As[named](s); ok && !nils.Is(c) {
			return c.Name()
		}
		return ""
	})
	return name
}

func (h *Host) register(name string, u *unit, opts []Option) {
	u.host, u.name, u.settings = h, name, &defaultSettings
	if len(opts) > 0 {
		u.settings = &settings{}
		for _, opt := range opts {
			if opt == nil {
				u.nilOption = true
				continue
			}
			opt(u.settings)
		}
	}
	if err := h.keep(u); err != nil {
		h.log.Error("service added too late", "service", name, "error", err)
	}
}

// keep notes a registration, or what is wrong with it. The error is of one that
// comes too late.
func (h *Host) keep(u *unit) error {
	wrong := h.accept(u)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.phase != idle {
		err := &ServiceError{Service: u.name, Op: "add", Err: errors.New("the host was started before; not started")}
		h.late = append(h.late, err)
		return err
	}
	if wrong != nil {
		h.problems = append(h.problems, &ServiceError{Service: u.name, Op: "add", Err: wrong})
		return nil
	}
	if h.units == nil {
		h.units = make([]*unit, 0, 16)
	}
	h.units = append(h.units, u)
	if u.loop != nil {
		h.loops++
	}
	return nil
}

func (h *Host) accept(u *unit) error {
	switch {
	case u.name == "":
		return errors.New("the name is empty, and the service has none of its own")
	case nils.Is(u.service):
		return errors.New("the service is nil")
	}
	if f, ok := u.service.(interface{ isEmpty() bool }); ok && f.isEmpty() {
		return errors.New("the function is nil")
	}
	return u.check(&h.cfg, u.service)
}

// Lifetime returns the [lifecycle.Lifetime] of the host, which reports when the host has
// started, is stopping and has stopped. Any goroutine can request a stop through it, also
// one of a service.
func (h *Host) Lifetime() *lifecycle.Lifetime { return h.lifetime }

// InheritLogger sets the logger of a host that has no Config.Logger. The host that h is a
// service of calls it before the start. It is safe for concurrent use.
func (h *Host) InheritLogger(l *slog.Logger) { h.log.Inherit(l) }

// Logger returns the logger that services without one inherit: Config.Logger, or the
// logger that the host itself has inherited. It is nil if there is neither.
func (h *Host) Logger() *slog.Logger { return h.log.Source() }

// Name returns the name of the host.
func (h *Host) Name() string { return h.cfg.Name }
