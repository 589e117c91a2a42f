package durable

import (
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable/internal/store"
)

func (j *core) count() []store.Count { return j.counts.look(j.store.Counts) }

// States counts the jobs of this queue in the store by state, finished ones
// included as long as they are kept; every state is there, if only with 0. It is at
// most a second old, older when the store does not answer: see [Queue.Counted].
func (q *Queue[T]) States() map[string]int {
	states := map[string]int{}
	for _, s := range rivertype.JobStates() {
		states[string(s)] = 0
	}
	for _, c := range q.jobs.count() {
		if c.Queue == q.kind {
			states[c.State] += c.N
		}
	}
	return states
}

// Counted returns when the store was last counted for States, Deserted and Stats, and
// zero if it never answered: then they know nothing. The numbers of the states in
// estimates are near, not exact: of more than 10,000 completed jobs not each is
// counted.
func (q *Queue[T]) Counted() (at time.Time, estimates []string) {
	for _, c := range q.jobs.count() {
		if c.Queue == q.kind && c.Estimate {
			estimates = append(estimates, c.State)
		}
	}
	return q.jobs.counts.age(), estimates
}

// Deserted returns how many jobs of this queue are held by a process that was not seen
// for a minute, and from when on the rescue frees the first of them. It is at most a
// second old, older when the store does not answer.
func (q *Queue[T]) Deserted() (n int, freed time.Time) {
	for _, m := range q.jobs.missing.look(q.jobs.store.Missing) {
		if m.Queue != q.kind || !q.jobs.isGone(m, time.Minute) {
			continue
		}
		n += m.Jobs
		if first := m.First.Add(q.jobs.horizonOf(m)); freed.IsZero() || first.Before(freed) {
			freed = first
		}
	}
	return n, freed
}

// Stats has the shape of a memory queue's, where the meaning is the same. Depth,
// Parked and OldestDue are of the store and all processes, see States and Counted; the rest is
// what this process did since it began. The buckets therefore add up only over all
// processes that ever were. Workers is 0 before the start and after the stop. There
// is no Capacity, nothing is dropped, and the histograms are of every attempt: Wait
// from when it was due until it began.
func (q *Queue[T]) Stats() channelq.Stats {
	s := channelq.Stats{
		Name:       q.kind,
		Capacity:   q.cfg.MaxWaiting,
		InProgress: q.jobs.running.of(q.kind),
		Accepted:   q.books.accepted.Load(),
		Handled:    q.books.handled.Load(),
		GaveUp:     q.books.gaveUp.Load(),
		Retried:    q.books.retried.Load(),
		Panics:     q.books.panics.Load(),
		Refused:    channelq.Refused{Closed: q.books.closed.Load(), Cancelled: q.books.cancelled.Load(), Full: q.books.full.Load()},
	}
	s.Wait, s.Handle = q.books.wait.snapshot(), q.books.handle.snapshot()
	if q.handle != nil && q.jobs.works() {
		s.Workers = q.cfg.Concurrency
	}
	now := time.Now()
	for _, c := range q.jobs.count() {
		if c.Queue != q.kind {
			continue
		}
		switch rivertype.JobState(c.State) { //nolint:exhaustive // the others are in States
		case rivertype.JobStateAvailable:
			s.Depth += c.N
			if !c.Due.After(now) {
				s.OldestDue = c.Due
			}
		case rivertype.JobStateRetryable, rivertype.JobStateScheduled, rivertype.JobStatePending:
			s.Parked += c.N
		}
	}
	return s
}
