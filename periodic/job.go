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

// Job runs a function by a schedule. Use [New] to create it; the zero value is not
// usable. A job is a hosted service of its own, or is added to a [Scheduler], but
// not both.
//
// A Job is safe for concurrent use, including calls from inside a run. Only Start
// and Stop block; SetSchedule calls the schedule for its first slot. Pause, Resume
// and Stats work in every state.
type Job struct {
	name       string
	fn         func(ctx context.Context) error
	log        atomic.Pointer[slog.Logger] // its own or inherited; if nil, that of scheduler
	extra      *extras                     // never nil, may be shared
	phase      time.Duration
	grace      time.Duration
	jitter     time.Duration
	timeout    time.Duration
	overlap    Overlap
	missed     Missed
	runAtStart bool

	// Guarded by the lock of the scheduler.
	inHand       bool // the loop is looking at the job and will reschedule it
	poked        bool // the job was poked while it was inHand
	inLimitQueue bool // owned by the loop: a run waits for the Limit of the scheduler
	index        int  // index in the queue, or -1

	mu sync.Mutex // guards the fields below; never held together with that of the scheduler

	own       bool // scheduler belongs to this job alone
	state     state
	paused    bool
	resumed   bool // slots that are due now were due during a pause
	replan    bool // slot has to be computed again
	exhausted bool // the schedule has no further slot
	closed    bool // done was closed, or would have been if it existed
	watched   bool // Stats was called
	held      bool // done must not be closed before Stop is called
	running   int32
	version   uint32     // counts changes to schedule and slot by goroutines other than the loop
	scheduler *Scheduler // set once, by Start or Add
	session   *session   // that of the scheduler, while the loop runs the job
	schedule  Schedule
	slot      time.Time // the next slot, or zero
	fire      int64     // when slot is due, jitter included, in Unix nanoseconds
	last      int64     // the last slot that was due, in Unix nanoseconds, or zero
	runs      *run      // the running runs, newest first
	pending   []request // runs that wait to start
	asked     *ask      // the pending call of a user's schedule, or nil
	rec       *record   // nil before the first run or skip
	done      chan struct{}
	err       error
}

// state is the state of a job.
type state uint8

const (
	idle    state = iota // not started, or stopped
	active               // run by the loop
	ended                // the schedule has no further slot
	gaveUp               // reached Config.GiveUpAfter
	removed              // removed from its scheduler
)

// New creates a job that calls run by cfg.Schedule. It starts nothing. It returns
// an error that names the field if cfg is invalid, or if run is nil.
//
// run is called on different goroutines, and concurrently only under [Parallel].
// Its context has the values of the context given to Start. The context is canceled
// with cause ErrTimeout, ErrReplaced, ErrStopping or ErrGaveUp, and when run
// returns. [Scheduled] returns the slot of the run. The error of run is logged and
// counted. A panic or a runtime.Goexit counts as an error. The job goes on in every
// case, see Config.Retry, unless Config.GiveUpAfter says otherwise.
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

// InheritLogger sets the logger of a job without Config.Logger. The host calls it
// with its own logger before the start; see Logging in package hosted. A job in a
// scheduler uses the logger of the scheduler.
func (j *Job) InheritLogger(l *slog.Logger) { j.log.CompareAndSwap(nil, l) }

// Start begins the schedule. Runs get the values of ctx, but not its cancellation;
// Stop ends them. Start blocks only for Config.LastRun if there is one, and at most
// a second for the first slot of a schedule that is not of this package; see
// [Schedule].
//
// It returns an error if the job is already started, belongs to a scheduler, or has
// a schedule that panics. After Stop returned, the job may be started again. For
// Overlap, a run that Stop abandoned still counts as running.
func (j *Job) Start(ctx context.Context) error {
	j.mu.Lock()
	if j.scheduler == nil {
		j.scheduler = &Scheduler{name: j.name, clk: j.extra.clock}
		j.scheduler.log.Store(j.log.Load())
		j.scheduler.init()
		j.scheduler.enrollLocked(j) // no lock needed: no other goroutine has it yet
		j.own = true
	}
	s, own := j.scheduler, j.own
	j.mu.Unlock()
	if !own {
		return opError("start", j.name, errForeign)
	}
	return s.Start(ctx)
}

// Stop ends the schedule and blocks until no run is running or ctx is done. A tenth
// of the remaining time before the deadline of ctx, at most a second, it cancels
// the contexts of the runs with cause ErrStopping. If a run has not returned at the
// deadline, Stop returns an error that wraps the cause of ctx and names the job. If
// ctx has no deadline, Stop cancels the runs when ctx is done and returns without
// waiting further.
//
// No run begins after the call, and waiting slots are counted in Skips.Stopped.
// With Config.CancelOnStop the contexts of the runs are canceled at once. Stop
// before Start does nothing. Several calls wait for the same end. If ctx comes from
// a run of the job, Stop requests the stop and returns ErrStopping at once.
//
// Stop returns an error for a job in a scheduler, which stops it by its own Stop or
// Remove.
func (j *Job) Stop(ctx context.Context) error {
	j.mu.Lock()
	s, own := j.scheduler, j.own
	j.mu.Unlock()
	switch {
	case s == nil:
		return nil
	case !own:
		return opError("stop", j.name, errForeign)
	}
	return s.Stop(ctx)
}

// Stopping begins the stop without waiting for runs. No run begins after it, and
// with Config.CancelOnStop the contexts of the runs are canceled, so that a job
// does not feed a queue whose consumer is about to stop. A host calls Stopping
// before it stops the first service. A job that was started with the context of a
// host begins its stop even earlier, when the host is asked to stop and before its
// drain delay. Stopping returns nil. Done is closed only after Stop.
func (j *Job) Stopping(ctx context.Context) error {
	j.mu.Lock()
	s, own := j.scheduler, j.own
	j.mu.Unlock()
	if own {
		return s.Stopping(ctx)
	}
	return nil
}

// Stuck returns how many runs are still running after a Stop that abandoned them,
// and 0 before. A host then reports the job as a straggler with the stacks of these
// runs.
func (j *Job) Stuck() (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for r := j.runs; r != nil; r = r.older {
		if r.session.abandoned.Load() {
			n++
		}
	}
	return n
}

// Backlog returns how many runs are running, for the progress log of a slow stop.
func (j *Job) Backlog() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return int(j.running)
}

// Done returns a channel that is closed when the job has ended. The job ends when
// it gives up. It also ends when the last run has returned after the job was
// stopped or removed or its schedule ended. A start after that creates a new
// channel. A [Job.Trigger] that revives a job which gave up does not.
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

// Err returns why the job ended. It returns nil before that, after Stop and at the
// end of the schedule. It returns an error that wraps ErrGaveUp and the last
// failure if the job gave up, and the error of a schedule that panicked, called
// runtime.Goexit or went backwards.
func (j *Job) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// Health returns an error while the job has given up, and nil otherwise. It fits
// hosted.Health.
func (j *Job) Health(context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state == gaveUp {
		return j.err
	}
	return nil
}

// closeIdleLocked closes done if the job was stopped or removed and no run is
// running. The program may close what the runs use when done is closed.
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

// tell logs with the name of the job. It must be called without a lock.
func (j *Job) tell(level slog.Level, msg string, args ...any) {
	log := j.log.Load()
	if log == nil {
		j.mu.Lock()
		if j.scheduler != nil {
			log = j.scheduler.log.Load()
		}
		j.mu.Unlock()
	}
	say(log, level, msg, append([]any{"job", j.name}, args...)...)
}

// say logs if there is a logger. A record on which the handler panics is lost.
func say(log *slog.Logger, level slog.Level, msg string, args ...any) {
	if log != nil {
		_ = guard.Call(func() error {
			//nolint:sloglint // the callers' messages are literals
			log.Log(context.Background(), level, msg, args...)
			return nil
		})
	}
}
