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

// SchedulerConfig configures a [Scheduler]. Name is required.
type SchedulerConfig struct {
	// Name is the name of the scheduler in logs and errors.
	Name string

	// Clock is the time source of all its jobs, see [Config.Clock]. If nil, real
	// time is used.
	Clock clock.Clock

	// Logger is the logger of jobs that have none. If nil, that of the host is
	// used, or none.
	Logger *slog.Logger

	// Limit bounds the runs of all its jobs together, and those of others that
	// share it. Each run acquires one unit, first come, first served, and releases
	// it on its own goroutine. Weighted of golang.org/x/sync/semaphore is one. A
	// run that waits for the limit has not begun: it counts as Waiting, takes the
	// place of its slot for Overlap, and does not use up its Timeout. At a stop it
	// is counted in Skips.Stopped. If Acquire fails for another reason, so does the
	// run. If nil, there is no limit.
	Limit interface {
		Acquire(ctx context.Context, n int64) error
		Release(n int64)
	}
}

// Scheduler runs many jobs with one goroutine and one timer. It is a hosted
// service, for programs with more jobs than they want goroutines, or whose jobs
// come and go. Use [NewScheduler] to create it; the zero value is not usable.
//
// A Scheduler is safe for concurrent use, including calls from inside a run. Only
// Start, Stop and Add block. Add blocks for the LastRunStore of the job, and at
// most a second for a schedule that is not of this package.
type Scheduler struct {
	name  string
	log   atomic.Pointer[slog.Logger] // if nil, records are discarded
	clk   clock.Clock
	limit limiter // nil if there is none
	wake  chan struct{}

	time    *timeline   // made by the first Start, never changed
	scratch []time.Time // owned by the loop
	due     runQueue    // owned by the loop: runs to hand over
	runPool runPool

	running   atomic.Int64 // runs of all jobs, also of those removed since
	abandoned atomic.Bool  // a Stop left runs or other calls behind

	mu      sync.Mutex // never held together with that of a job
	jobs    map[string]*Job
	peak    int      // the largest size of jobs, which is that of its memory
	sorted  []*Job   // what Jobs returned last; nil since a job was added or removed
	queue   queue    // all jobs, also while stopped; those with equal keys in the order of Add
	clock   int64    // the time of the loop, in Unix nanoseconds
	session *session // the latest; nil before the first Start
	live    bool     // its loop is running, or about to

	broken error // the error that ended the loop, if it was not a stop
}

// NewScheduler creates a scheduler without jobs. It starts nothing. It returns an
// error if Name is empty.
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

// InheritLogger sets the logger of a scheduler without SchedulerConfig.Logger. The
// host calls it with its own logger before the start. Jobs without a logger,
// including those added later, log there. See Logging in package hosted.
func (s *Scheduler) InheritLogger(l *slog.Logger) { s.log.CompareAndSwap(nil, l) }

// Add adds a job, before Start or while the scheduler is running. In the second
// case the schedule of the job begins at once. Add returns an error if j is nil, if
// the scheduler has a job of that name, if the job was started or belonged to a
// scheduler before, if it has a Clock of its own, or if its schedule panics.
func (s *Scheduler) Add(j *Job) error {
	if j == nil {
		return opError("add to", s.name, errors.New("job is nil"))
	}
	if c := j.extra.clock; c != nil && c != s.clk {
		return opError("add", j.name, errors.New("the job has another Clock than the scheduler"))
	}
	// The two locks are never held together, so the job is claimed first and released
	// again if its name is taken.
	j.mu.Lock()
	free := j.scheduler == nil
	if free {
		j.scheduler = s
	}
	j.mu.Unlock()
	if !free {
		return opError("add", j.name, errors.New("the job was started, or belongs to a scheduler, already"))
	}
	s.mu.Lock()
	if _, taken := s.jobs[j.name]; taken {
		s.mu.Unlock()
		j.mu.Lock()
		j.scheduler = nil
		j.mu.Unlock()
		return opError("add", j.name, fmt.Errorf("scheduler %q has a job of that name", s.name))
	}
	s.enrollLocked(j)
	live, l := s.live, s.session
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

func (s *Scheduler) enrollLocked(j *Job) {
	s.jobs[j.name], s.sorted = j, nil
	s.peak = max(s.peak, len(s.jobs))
	s.queue.push(heapNode{never, j})
}

// Remove removes a job. It cancels the context of a running run with cause
// ErrStopping and does not wait for that run; [Job.Done] does. No run starts after
// Remove returned. A run that was just beginning finds its context canceled. The
// name is free at once. The job cannot be used again. Remove returns an error if
// there is no job of that name.
func (s *Scheduler) Remove(name string) error {
	s.mu.Lock()
	j := s.jobs[name]
	s.mu.Unlock()
	if j == nil || !s.drop(j) {
		return opError("remove", name, errors.New("no such job"))
	}
	// No run is added to the list after drop.
	j.mu.Lock()
	for r := j.runs; r != nil; r = r.older {
		r.cancel(errRemoved)
	}
	j.mu.Unlock()
	return nil
}

// drop removes a job and reports whether the scheduler had it.
func (s *Scheduler) drop(j *Job) bool {
	s.mu.Lock()
	found := s.jobs[j.name] == j
	if found {
		delete(s.jobs, j.name)
		s.sorted = nil
		s.queue.remove(j.index)
		if s.peak > 64 && len(s.jobs) < s.peak/4 { // a map does not free memory
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

// Jobs returns all jobs, sorted by name.
func (s *Scheduler) Jobs() []*Job {
	s.mu.Lock()
	sorted := s.sorted
	var jobs []*Job
	if sorted == nil {
		jobs = s.queue.jobs()
	}
	s.mu.Unlock()
	if sorted != nil {
		return slices.Clone(sorted)
	}
	slices.SortFunc(jobs, func(a, b *Job) int { return strings.Compare(a.name, b.name) })
	s.remember(slices.Clone(jobs))
	return jobs
}

// remember keeps the order of the jobs for who asks again, such as a page that is open:
// to sort 100,000 takes longer than to ask each. It keeps nothing that a call of Add or
// Remove has made old.
func (s *Scheduler) remember(sorted []*Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(sorted) != len(s.jobs) {
		return
	}
	for _, j := range sorted {
		if s.jobs[j.name] != j {
			return
		}
	}
	s.sorted = sorted
}

// inAnyOrder are all jobs.
func (s *Scheduler) inAnyOrder() []*Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.jobs()
}

// Stuck returns how many runs, and calls of schedules and other user code, are
// still running after a Stop that abandoned them, and 0 before; see [Job.Stuck].
func (s *Scheduler) Stuck() int {
	if !s.abandoned.Load() {
		return 0 // without a look at each of perhaps 100,000 jobs
	}
	s.mu.Lock()
	l := s.session
	s.mu.Unlock()
	n := l.asidesLeft()
	jobs := map[*Job]bool{}
	for _, j := range s.inAnyOrder() {
		jobs[j] = true
	}
	for _, r := range l.snapshot() { // also of those removed since
		jobs[r.job] = true
	}
	for j := range jobs {
		n += j.Stuck()
	}
	return n
}

// Backlog returns how many runs are running, those of removed jobs included, for the
// progress log of a slow stop.
func (s *Scheduler) Backlog() int { return int(s.running.Load()) }

// Health returns the errors of the jobs that have given up, and of a Clock that
// ended the goroutine of the scheduler. It returns nil if there is none.
func (s *Scheduler) Health(ctx context.Context) error {
	s.mu.Lock()
	errs := []error{s.broken}
	s.mu.Unlock()
	for _, j := range s.Jobs() {
		errs = append(errs, j.Health(ctx))
	}
	return errors.Join(errs...)
}
