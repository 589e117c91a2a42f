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
	"github.com/steadgo/stead/internal/safelog"
	"github.com/steadgo/stead/lifecycle"
)

// Config of a [Host]. The zero value works.
type Config struct {
	// Name of the host in logs, metrics, pprof labels and errors. "": "host".
	Name string

	// Logger gets state changes, failures and how the stop went, and is inherited
	// by the services that have none; see Logging in the package comment. nil:
	// nothing is logged, unless this host is a service of another one and inherits
	// its logger. What its handler panics on is lost, and nothing else.
	Logger *slog.Logger

	// StartTimeout bounds the whole start. 0: none.
	StartTimeout time.Duration

	// ShutdownTimeout is the whole budget of a stop, counted from the moment it
	// is asked for, DrainDelay included. 0: 25 s, which leaves Kubernetes' 30 s
	// grace a margin; set 8 s for Docker's 10 s. Negative: none.
	ShutdownTimeout time.Duration

	// DrainDelay is how long the services go on after the stop was asked for and
	// readiness has turned off, so that load balancers notice before connections
	// are refused. 0: none. It must be shorter than ShutdownTimeout.
	DrainDelay time.Duration

	// StartConcurrency is how many services may be starting at once; those that
	// depend on each other by After still wait. A service that asks for its
	// [Coordinator] gives up its place, so that those it is about to wait for can
	// start. 0 and 1: one after the other, in order.
	StartConcurrency int

	// StopConcurrency is how many services may be stopping at once; one that
	// others come [After] waits until they have stopped, whatever is between
	// them. 1: one after the other, in reverse order. 0: as the start: one after
	// the other, or with StartConcurrency above 1 side by side without a limit.
	StopConcurrency int

	// ExitWhenDone stops the host when every loop has ended by itself. Services
	// that are not loops do not hold it up. A host without a loop refuses it.
	ExitWhenDone bool

	// HealthTimeout bounds all health checks of one probe together, and is how long
	// their results are used again. 0: 900 ms, less than the 1 s after which a kubelet
	// gives a probe up.
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

// Host starts services in order, watches them, and stops them in reverse within
// a budget that it enforces. Make one with [New], register services, then call
// [Host.Run] once, or [Host.Start] and [Host.Stop], or [Host.RunTask]. A host is
// used up by that. All methods may be called from any goroutine.
//
// A Host is a [Service] itself and can be added to another one.
type Host struct {
	cfg    Config
	log    safelog.Log
	spool  safelog.Spool // of log, so that no handler holds the host up
	marks  *lifetime.Marks
	life   *lifecycle.Lifetime
	ended  chan struct{} // closed when the stop is over and result is final
	cut    chan struct{} // closed to end the drain delay early
	checks checks        // of health
	asked  sync.Map      // units whose Backlog is being asked for, by StopPlan
	census census        // for /livez?verbose
	id     string        // tells two hosts of one name apart in the labels, such as those of parallel tests

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
	places      map[*unit]func() // of those starting side by side, to give them up
	noDrain     bool
	drained     bool // the drain delay is over, was cut, or will not be
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

// New returns a host without services. A configuration that makes no sense is
// reported by Start and Run.
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
		cfg:   cfg,
		ended: make(chan struct{}),
		cut:   make(chan struct{}),
	}
	h.log = h.spool.Spooled(cfg.Logger, slog.String("host", cfg.Name))
	h.marks = lifetime.New(h.stopRequested)
	h.life = lifecycle.NewLifetime(h.marks)
	h.id = strconv.FormatUint(rand.Uint64(), 36)
	return h
}

// Add registers a service under a name that is unique in this host. It returns
// nothing so that registrations read as a list: what is wrong with them, such as
// a name given twice, is the error of Start or Run, before anything is started.
//
// Services are started in the order in which they were added, unless [After]
// says otherwise. Register consumers before the producers that feed them: the
// stop is in reverse, so the producers then end first.
//
// Add after Start does not start the service. It is logged and becomes part of
// the error of Run and Stop.
func (h *Host) Add(name string, s Service, opts ...Option) {
	u := &unit{service: s}
	u.loop, _ = s.(*loop)
	h.register(name, u, opts)
}

// Go adds a background loop: it is Add(name, Loop(run), opts...).
func (h *Host) Go(name string, run func(ctx context.Context) error, opts ...Option) {
	one := &struct { // one allocation for both
		unit unit
		loop loop
	}{loop: loop{run: run}}
	one.unit.service, one.unit.loop = &one.loop, &one.loop
	h.register(name, &one.unit, opts)
}

// Task adds something to do once, while starting: it is Add(name, Once(run),
// opts...). What was added after it waits for it, and its error fails the start.
// No [Policy] tries it again: a task that may fail at first tries again itself.
func (h *Host) Task(name string, run func(ctx context.Context) error, opts ...Option) {
	h.Add(name, Once(run), opts...)
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
		return errors.New("the name is empty")
	case isNil(u.service):
		return errors.New("the service is nil")
	}
	if f, ok := u.service.(interface{ isEmpty() bool }); ok && f.isEmpty() {
		return errors.New("the function is nil")
	}
	return u.check(&h.cfg, u.service)
}

// Lifetime tells when the host has started, is stopping and has stopped, and can
// ask it to stop from anywhere, also from inside a service.
func (h *Host) Lifetime() *lifecycle.Lifetime { return h.life }

// InheritLogger gives a host that has no Config.Logger that of the host it is a
// service of, which calls it before the start. It may be called at any time.
func (h *Host) InheritLogger(l *slog.Logger) { h.log.Inherit(l) }

// Logger returns the logger that services without one inherit: that of the
// configuration, or the one that the host itself has inherited. It is nil if there is
// neither.
func (h *Host) Logger() *slog.Logger { return h.log.Source() }

// Name is the host's name.
func (h *Host) Name() string { return h.cfg.Name }
