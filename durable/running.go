package durable

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// running is what the handlers of this process have in hand.
type running struct {
	mu      sync.Mutex
	jobs    map[int64]inHand
	wasCut  map[int64]bool // in hand when the handlers were canceled, and not done since
	cutTime bool
}

type inHand struct {
	RunningJob

	cancel context.CancelCauseFunc // of the handler's context
}

// take notes a job whose handler is not called yet: its Since is zero.
func (r *running) take(id int64, queue string, cancel context.CancelCauseFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.jobs == nil {
		r.jobs = map[int64]inHand{}
	}
	r.jobs[id] = inHand{RunningJob{ID: id, Queue: queue}, cancel}
}

// begin is called when the handler is about to be called.
func (r *running) begin(id int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	job := r.jobs[id]
	job.Since = time.Now()
	r.jobs[id] = job
	if r.cutTime {
		r.wasCut[id] = true
	}
}

// end takes a job out; cut says that it has not come to an end of its own.
func (r *running) end(id int64, cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.jobs, id)
	if !cut {
		delete(r.wasCut, id)
	}
}

func (r *running) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cutTime, r.wasCut = true, map[int64]bool{}
	for id, job := range r.jobs {
		if !job.Since.IsZero() {
			r.wasCut[id] = true
		}
	}
}

// has reports whether a job is in hand.
func (r *running) has(id int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.jobs[id]
	return ok
}

// ids are those of all jobs in hand.
func (r *running) ids() []int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.jobs))
}

// cancel cancels the context of a job's handler, if the job is in hand here.
func (r *running) cancel(id int64, cause error) {
	r.mu.Lock()
	job, ok := r.jobs[id]
	r.mu.Unlock()
	if ok {
		job.cancel(cause)
	}
}

func (r *running) len() int { return r.of("") }

// of counts the jobs of a queue, or of all for "", whose handlers were called.
func (r *running) of(queue string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, job := range r.jobs {
		if !job.Since.IsZero() && (queue == "" || job.Queue == queue) {
			n++
		}
	}
	return n
}

func (r *running) leftover() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.wasCut)
}

func (r *running) list(rescue time.Duration) []RunningJob {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]RunningJob, 0, len(r.jobs))
	for _, job := range r.jobs {
		if job.Since.IsZero() {
			continue
		}
		job.RescueAt = job.Since.Add(rescue)
		list = append(list, job.RunningJob)
	}
	slices.SortFunc(list, func(a, b RunningJob) int { return cmp.Compare(a.ID, b.ID) })
	return list
}
