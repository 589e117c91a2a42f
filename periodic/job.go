package periodic

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steadgo/stead/internal/guard"
)

// Job runs a function by a schedule. Make it with [New]; the zero value is not
// usable. A job is a hosted service of its own, or is added to a [Scheduler],
// not both.
//
// All methods may be called from any goroutine, also from inside a run. None but
// Start and Stop waits for anything; SetSchedule asks the schedule for its first
// slot. Pause, Resume and Stats work in every state.
type Job struct {
	name       string
	fn         func(ctx context.Context) error
	log        atomic.Pointer[slog.Logger] // its own or inherited; nil: that of home
	extra      *extras                     // never nil, shared
	phase      time.Duration
	grace      time.Duration
	jitter     time.Duration
	timeout    time.Duration
	overlap    Overlap
	missed     Missed
	runAtStart bool

	// Guarded by the scheduler's lock.
	inHand bool // of the loop, which is about to give it its place
	poked  bool // a look at the job was asked for meanwhile
	inLine bool // of the loop: it has a run that waits for the scheduler's Limit
	index  int  // place in the queue, or -1

	mu sync.Mutex // guards what follows; never held together with the scheduler's

	own       bool // home is the job's own scheduler of one
	state     state
	paused    bool
	resumed   bool // slots due now were due during a pause
	replan    bool // slot is to be worked out anew
	exhausted bool // the schedule has no slot after the last one
	closed    bool // done was closed, or would have been
	watched   bool // Stats was called
	held      bool // done is not to be closed before Stop is called
	running   int32
	gen       uint32     // counts changes to schedule and slot by others than the loop
	home      *Scheduler // set once, by Start or Add
	life      *life      // the scheduler's, while the loop looks after the job
	schedule  Schedule
	slot      time.Time // the next slot; zero: none
	fire      int64     // when slot is due, jitter included, in Unix nanoseconds
	last      int64     // the last slot that was due, in Unix nanoseconds; zero: none
	runs      *run      // the runs that are on, newest first
	pending   []request // runs to start
	asked     *ask      // the question that the schedule has before it, or nil
	rec       *record   // nil: nothing happened yet
	done      chan struct{}
	err       error
}

// state is where a job is in its life.
type state uint8

const (
	idle    state = iota // not started, or stopped
	active               // looked after by the loop
	ended                // its schedule has ended
	gaveUp               // failed too often
	removed              // taken out of its scheduler
)

// New makes a job that calls run by cfg.Schedule. It starts nothing. Errors name
// the field of Config that is wrong.
//
// run is called on changing goroutines, and several times at once only under
// [Parallel]. Its context has the values of the context given to Start; it ends
// with one of the causes ErrTimeout, ErrReplaced, ErrStopping or ErrGaveUp, and
// when run returns. [Scheduled] tells which slot the run is for. What run returns
// is logged and counted; a panic or a runtime.Goexit counts as an error. In every
// case the job goes on, see Config.Retry, unless Config.GiveUpAfter says otherwise.
func New(cfg Config, run func(ctx context.Context) error) (*Job, error) {
	if run == nil {
		return nil, opError("new", cfg.Name, errors.New("run is nil"))
	}
	if err := cfg.validate(); err != nil {
		return nil, opError("new", cfg.Name, err)
	}
	j := &Job{
		name:       cfg.Name,
		fn:         run,
		extra:      cfg.extras(),
		phase:      cfg.Phase,
		grace:      cfg.MissedGrace,
		jitter:     cfg.Jitter,
		timeout:    cfg.Timeout,
		overlap:    cfg.Overlap,
		missed:     cfg.Missed,
		runAtStart: cfg.RunAtStart,
		schedule:   cfg.Schedule,
		index:      -1,
	}
	j.log.Store(cfg.Logger)
	return j, nil
}

// Name returns Config.Name.
func (j *Job) Name() string { return j.name }

// InheritLogger gives a job that has no Config.Logger that of its host, which
// calls it before the start; see package hosted, Logging. A job in a scheduler
// has the scheduler's.
func (j *Job) InheritLogger(l *slog.Logger) { j.log.CompareAndSwap(nil, l) }

// Start begins the schedule and returns; it waits only for Config.LastRun, if
// there is one. Runs get the values of ctx, but not its end: they end with Stop.
//
// It fails if the job is started already or belongs to a scheduler, and with the
// error of a schedule that panics. For the first slot of a schedule of somebody
// else's it waits a second at most; the job goes on without, see [Schedule]. After
// Stop returned the job may be started again; a run that Stop left behind counts as
// one that is on, for Overlap.
func (j *Job) Start(ctx context.Context) error {
	j.mu.Lock()
	if j.home == nil {
		j.home = &Scheduler{name: j.name, clk: j.extra.clock}
		j.home.log.Store(j.log.Load())
		j.home.init()
		j.home.enrolLocked(j) // nobody else knows it yet
		j.own = true
	}
	s, own := j.home, j.own
	j.mu.Unlock()
	if !own {
		return opError("start", j.name, errForeign)
	}
	return s.Start(ctx)
}

// Stop ends the schedule and waits for the runs that are on. A tenth of the time
// to ctx's deadline before it, at most a second, their contexts end with cause
// ErrStopping; if one has not returned at the deadline, Stop returns an error that
// wraps the cause of ctx and names the job. Without a deadline Stop waits until
// ctx ends, and only then ends their contexts, without waiting any more.
//
// No run begins from the call on, and the slots that waited for one are counted in
// Skips.Stopped. With Config.CancelOnStop the contexts of the runs end at once.
// Stop before Start does nothing; a second one waits for the same end. With a ctx
// that comes from a run of the job, Stop only asks and returns ErrStopping at once.
//
// A job in a scheduler is stopped by it, or by its Remove: Stop is an error then.
func (j *Job) Stop(ctx context.Context) error {
	j.mu.Lock()
	s, own := j.home, j.own
	j.mu.Unlock()
	switch {
	case s == nil:
		return nil
	case !own:
		return opError("stop", j.name, errForeign)
	}
	return s.Stop(ctx)
}

// Stopping begins the stop without waiting for the runs that are on: from then on
// no run begins, and with Config.CancelOnStop the contexts of those that are on
// end, so that a job does not feed a queue whose consumer is about to stop. A host
// calls it before it stops the first service; a job started with the context of a
// host does the same already when that is asked to stop, before its drain delay.
// Stopping returns nil. Done is not closed before Stop, which does the rest.
func (j *Job) Stopping(ctx context.Context) error {
	j.mu.Lock()
	s, own := j.home, j.own
	j.mu.Unlock()
	if own {
		return s.Stopping(ctx)
	}
	return nil
}

// Stuck is how many runs are still on after a Stop that gave up on them, and 0
// before. A host names the job as a straggler then, with the stacks of these runs.
func (j *Job) Stuck() (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for r := j.runs; r != nil; r = r.older {
		if r.life.abandoned.Load() {
			n++
		}
	}
	return n
}

// Done returns a channel that is closed when the job has ended: it was stopped or
// removed, or its schedule has no more slots, and the last run returned; or it gave
// up. A start after that makes a new channel; a [Job.Trigger] that revives a job
// which gave up does not.
func (j *Job) Done() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.done == nil {
		j.done = make(chan struct{})
		if j.closed {
			close(j.done)
		}
	}
	return j.done
}

// Err says why Done is closed: nil after Stop or at the end of the schedule, an
// error that wraps ErrGaveUp and the last failure if the job gave up, or the
// error of a schedule that panicked, called runtime.Goexit or went backwards.
func (j *Job) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// Health returns an error while the job has given up, nil otherwise. It fits
// hosted.Health.
func (j *Job) Health(context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state == gaveUp {
		return j.err
	}
	return nil
}

// closeIdleLocked closes done when a job that was stopped or removed has no run on
// any more. Whoever waits for done may close what the runs use.
func (j *Job) closeIdleLocked() {
	if j.running == 0 && j.state != active && !j.held {
		j.closeLocked()
	}
}

func (j *Job) closeLocked() {
	if !j.closed && j.done != nil {
		close(j.done)
	}
	j.closed = true
}

// tell logs with the job's name. It must not be called with a lock held.
func (j *Job) tell(level slog.Level, msg string, args ...any) {
	log := j.log.Load()
	if log == nil {
		j.mu.Lock()
		if j.home != nil {
			log = j.home.log.Load()
		}
		j.mu.Unlock()
	}
	say(log, level, msg, append([]any{"job", j.name}, args...)...)
}

// say logs if there is a logger. What its handler panics on is lost.
func say(log *slog.Logger, level slog.Level, msg string, args ...any) {
	if log != nil {
		_ = guard.Call(func() error {
			//nolint:sloglint // the callers' messages are literals
			log.Log(context.Background(), level, msg, args...)
			return nil
		})
	}
}
