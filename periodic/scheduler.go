package periodic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/benbjohnson/clock"
)

// SchedulerConfig says what a scheduler is called and what its jobs share.
type SchedulerConfig struct {
	// Name stands in logs and errors. Must be set.
	Name string

	// Clock is the time source of all its jobs, see [Config.Clock]. Nil is real
	// time.
	Clock clock.Clock

	// Logger is for jobs that have none. Nil: that of the host; without one, it
	// discards.
	Logger *slog.Logger

	// Limit bounds the runs of all its jobs together, and those of others that share
	// it: each run takes one of it, first come, first served.
	// golang.org/x/sync/semaphore's Weighted is one; it is released on the goroutine
	// of the run. A run that waits for it has not begun: it counts as Waiting, takes
	// the place of its slot for Overlap, and does not use its Timeout. At a stop it is
	// counted in Skips.Stopped. If Acquire fails otherwise, so does the run. Nil: none.
	Limit interface {
		Acquire(ctx context.Context, n int64) error
		Release(n int64)
	}
}

// Scheduler looks after many jobs with one goroutine and one timer. It is a
// hosted service, for programs with more jobs than they want goroutines, or whose
// jobs come and go. Make it with [NewScheduler]; the zero value is not usable. All
// methods may be called from any goroutine, also from inside a run, and none but
// Start, Stop and an Add with a LastRunStore blocks; an Add with a schedule that is
// somebody else's waits for that, a second at most.
type Scheduler struct {
	name  string
	log   atomic.Pointer[slog.Logger] // nil discards
	clk   clock.Clock
	limit limiter // nil: none
	wake  chan struct{}

	time    *timeline   // made by the first Start, never changed
	scratch []time.Time // the loop's
	due     line        // the loop's: runs to hand over
	crew    crew

	mu    sync.Mutex // never held together with a job's
	jobs  map[string]*Job
	peak  int   // size of the map's memory
	queue queue // all jobs, also while stopped; those of equal keys in the order of Add
	clock int64 // what the loop takes for now, in Unix nanoseconds
	life  *life // the latest; nil: never started
	live  bool  // its loop is on, or about to be

	broken error // what ended the loop; nil: a stop
}

// NewScheduler makes a scheduler without jobs. It starts nothing.
func NewScheduler(cfg SchedulerConfig) (*Scheduler, error) {
	if cfg.Name == "" {
		return nil, opError("new scheduler", cfg.Name, errors.New("Name is empty"))
	}
	s := &Scheduler{name: cfg.Name, clk: cfg.Clock, limit: cfg.Limit}
	s.log.Store(cfg.Logger)
	s.init()
	return s, nil
}

func (s *Scheduler) init() {
	s.wake = make(chan struct{}, 1)
	s.jobs = make(map[string]*Job)
}

// Name returns SchedulerConfig.Name.
func (s *Scheduler) Name() string { return s.name }

// InheritLogger gives a scheduler that has no SchedulerConfig.Logger that of its
// host, which calls it before the start: its jobs without a logger, also those
// added later, log there. See package hosted, Logging.
func (s *Scheduler) InheritLogger(l *slog.Logger) { s.log.CompareAndSwap(nil, l) }

// Add takes over a job, before Start or while running; then its schedule begins
// at once. Errors: a second job of that name, a job that was started or belonged
// to a scheduler already, one with a Clock of its own, and one whose schedule
// panics.
func (s *Scheduler) Add(j *Job) error {
	if j == nil {
		return opError("add to", s.name, errors.New("job is nil"))
	}
	if c := j.extra.clock; c != nil && c != s.clk {
		return opError("add", j.name, errors.New("the job has another Clock than the scheduler"))
	}
	// The two locks are never held together, so the job is claimed first and given
	// back if its name is taken.
	j.mu.Lock()
	free := j.home == nil
	if free {
		j.home = s
	}
	j.mu.Unlock()
	if !free {
		return opError("add", j.name, errors.New("the job was started, or belongs to a scheduler, already"))
	}
	s.mu.Lock()
	if _, taken := s.jobs[j.name]; taken {
		s.mu.Unlock()
		j.mu.Lock()
		j.home = nil
		j.mu.Unlock()
		return opError("add", j.name, fmt.Errorf("scheduler %q has a job of that name", s.name))
	}
	s.enrolLocked(j)
	live, l := s.live, s.life
	s.mu.Unlock()
	if !live {
		return nil
	}
	var p patience
	defer p.stop()
	if err := s.admit(l.base, j, l, s.time.now(), &p); err != nil {
		s.drop(j)
		return opError("add", j.name, err)
	}
	return nil
}

func (s *Scheduler) enrolLocked(j *Job) {
	s.jobs[j.name] = j
	s.peak = max(s.peak, len(s.jobs))
	s.queue.push(entry{never, j})
}

// Remove takes a job out. The context of a run that is on ends with cause
// ErrStopping; Remove does not wait for that run, [Job.Done] does. No run is
// started after Remove returned; one that was just beginning finds its context
// ended. The name is free at once; the job itself cannot be used again. That there
// is no job of the name is an error.
func (s *Scheduler) Remove(name string) error {
	s.mu.Lock()
	j := s.jobs[name]
	s.mu.Unlock()
	if j == nil || !s.drop(j) {
		return opError("remove", name, errors.New("no such job"))
	}
	// drop has made sure that the list gets no longer.
	j.mu.Lock()
	for r := j.runs; r != nil; r = r.older {
		r.cancel(errRemoved)
	}
	j.mu.Unlock()
	return nil
}

// drop forgets a job and says whether it was there.
func (s *Scheduler) drop(j *Job) bool {
	s.mu.Lock()
	found := s.jobs[j.name] == j
	if found {
		delete(s.jobs, j.name)
		s.queue.remove(j.index)
		if s.peak > 64 && len(s.jobs) < s.peak/4 { // a map does not give memory back
			s.jobs, s.peak = maps.Collect(maps.All(s.jobs)), len(s.jobs)
		}
	}
	s.mu.Unlock()
	if found {
		j.mu.Lock()
		j.state, j.held = removed, false
		j.dropLocked()
		j.closeIdleLocked()
		j.mu.Unlock()
	}
	return found
}

// Job returns the job of that name, or nil.
func (s *Scheduler) Job(name string) *Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.jobs[name]
}

// Jobs returns all jobs, ordered by name.
func (s *Scheduler) Jobs() []*Job {
	s.mu.Lock()
	jobs := s.queue.jobs()
	s.mu.Unlock()
	slices.SortFunc(jobs, func(a, b *Job) int { return strings.Compare(a.name, b.name) })
	return jobs
}

// Stuck is how many runs, and calls of schedules and other parts of the jobs, are
// still on after a Stop that gave up on them, and 0 before; see [Job.Stuck].
func (s *Scheduler) Stuck() int {
	s.mu.Lock()
	l := s.life
	s.mu.Unlock()
	n := l.asidesLeft()
	for _, j := range s.Jobs() {
		n += j.Stuck()
	}
	return n
}

// Health returns the errors of the jobs that have given up, and of a Clock that
// ended the scheduler's goroutine; nil if there is none.
func (s *Scheduler) Health(ctx context.Context) error {
	s.mu.Lock()
	errs := []error{s.broken}
	s.mu.Unlock()
	for _, j := range s.Jobs() {
		errs = append(errs, j.Health(ctx))
	}
	return errors.Join(errs...)
}
