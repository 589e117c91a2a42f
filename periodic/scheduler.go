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
	"time"

	"github.com/benbjohnson/clock"
)

// SchedulerConfig configures a Scheduler. Name must be set.
type SchedulerConfig struct {
	// Name stands in logs and errors.
	Name string

	// Clock is the time source of all its jobs, see [Config.Clock].
	Clock clock.Clock

	// Logger is for jobs that have none. Nil discards.
	Logger *slog.Logger
}

// Scheduler looks after many jobs with one goroutine and one timer. It is a
// hosted service. Make it with [NewScheduler]; the zero value is not usable. All
// methods may be called from any goroutine, also from inside a run, and none but
// Start, Stop and an Add with a LastRunStore blocks.
type Scheduler struct {
	name string
	log  *slog.Logger
	clk  clock.Clock
	wake chan struct{}

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
}

// NewScheduler makes a scheduler without jobs. It starts nothing.
func NewScheduler(cfg SchedulerConfig) (*Scheduler, error) {
	if cfg.Name == "" {
		return nil, opError("new scheduler", cfg.Name, errors.New("Name is empty"))
	}
	s := &Scheduler{name: cfg.Name, log: cfg.Logger, clk: cfg.Clock}
	s.init()
	return s, nil
}

func (s *Scheduler) init() {
	s.wake = make(chan struct{}, 1)
	s.jobs = make(map[string]*Job)
}

// Name returns SchedulerConfig.Name.
func (s *Scheduler) Name() string { return s.name }

// Add takes over a job, before Start or while running; then its schedule begins
// at once. Errors: a second job of that name, a job that was started or belonged
// to a scheduler already (errStarted), one with a Clock of its own, and one whose
// schedule panics.
func (s *Scheduler) Add(j *Job) error {
	if j == nil {
		return opError("add to", s.name, errors.New("job is nil"))
	}
	if c := j.extra.orDefault().clock; c != nil && c != s.clk {
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
	if err := s.admit(l.base, j, l, s.time.now()); err != nil {
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

// Remove takes a job out. A run that is on ends with cause ErrRemoved; Remove does
// not wait for it, but no run begins after Remove returned. The name is free at
// once; the job itself cannot be used again.
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
		j.state = removed
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

// Stuck is how many runs are still on after a Stop that gave up on them; see
// [Job.Stuck].
func (s *Scheduler) Stuck() int {
	n := 0
	for _, j := range s.Jobs() {
		n += j.Stuck()
	}
	return n
}

// Health returns the errors of the jobs that have given up, nil if none has.
func (s *Scheduler) Health(ctx context.Context) error {
	var errs []error
	for _, j := range s.Jobs() {
		errs = append(errs, j.Health(ctx))
	}
	return errors.Join(errs...)
}

// Start begins the schedules of all jobs and returns; it waits only for their
// LastRun stores. Runs get the values of ctx, but not its end. It fails with
// ErrStarted if the scheduler runs already, and with the error of a schedule that
// panics; then nothing was started. After Stop it may be started again.
func (s *Scheduler) Start(ctx context.Context) error {
	s.mu.Lock()
	if s.live {
		s.mu.Unlock()
		return opError("start", s.name, errors.New("already started"))
	}
	if s.time == nil {
		s.time = newTimeline(s.clk)
	}
	l := newLife(ctx)
	s.life, s.live = l, true
	now, _ := s.time.read() // the loop is not on, so this goroutine may
	s.clock = now.UnixNano()
	jobs := s.queue.jobs()
	s.mu.Unlock()
	for _, j := range jobs {
		if err := s.admit(ctx, j, l, now); err != nil && !errors.Is(err, ErrNotRunning) {
			s.retire(l)
			return opError("start", j.name, err)
		}
	}
	go s.loop(l)
	return nil
}

// admit activates a job and gives it its place in the queue.
func (s *Scheduler) admit(ctx context.Context, j *Job, l *life, now time.Time) error {
	when, err := j.activate(ctx, l, now)
	if err != nil {
		return err
	}
	s.mu.Lock()
	kept := !l.retired.Load() && j.index >= 0
	first := kept && when < s.queue[0].when
	if kept {
		s.queue.set(j.index, when)
	}
	s.mu.Unlock()
	if !kept { // stopped or removed meanwhile
		j.deactivate(l)
	}
	if first {
		s.rouse()
	}
	return nil
}

// retire ends what Start began: the loop does so when it ends.
func (s *Scheduler) retire(l *life) {
	s.mu.Lock()
	l.retired.Store(true)
	for i := range s.queue { // equal keys are a heap in any order
		s.queue[i].when = never
	}
	jobs := s.queue.jobs()
	s.mu.Unlock()
	for _, j := range jobs {
		j.deactivate(l)
	}
	s.mu.Lock()
	s.live = false // not before: a new life would meet the end of the old one
	s.mu.Unlock()
	close(l.done)
}

// Stop is that of [Job.Stop], for all jobs at once: the error names the jobs that
// still run.
func (s *Scheduler) Stop(ctx context.Context) error {
	s.mu.Lock()
	l := s.life
	s.mu.Unlock()
	if l == nil {
		return nil
	}
	l.stop()
	if r, ok := ctx.Value(runKey{}).(*run); ok && r.home == s {
		return opError("stop", s.name, ErrStopping) // to wait would be to wait for itself
	}
	patience, cancel := withReserve(ctx)
	defer cancel()
	if !l.loopEnds(ctx) {
		return opError("stop", s.name, fmt.Errorf("a Schedule or LastRunStore does not return: %w", context.Cause(ctx)))
	}
	idle := l.whenIdle()
	select {
	case <-idle:
		return nil
	case <-patience.Done():
		l.cancel(ErrStopping)
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
	}
	names := l.names()
	if len(names) == 0 {
		return nil
	}
	return opError("stop", s.name, fmt.Errorf("still running: %s: %w", strings.Join(names, ", "), context.Cause(ctx)))
}
