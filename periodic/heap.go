package periodic

import (
	"math"
	"time"
)

// never is the key of a job that waits for nothing but a call.
const never = math.MaxInt64

// nanos is t as a key. What is too far off for nanoseconds is never; to wrap around
// would make it long overdue.
func nanos(t time.Time) int64 {
	if t.Unix() >= never/int64(time.Second) {
		return never
	}
	return t.UnixNano()
}

// entry is a job and when it wants to be looked at, in Unix nanoseconds. The key
// is here and not in the job, so that sifting does not visit the jobs.
type entry struct {
	when int64
	job  *Job
}

// queue is a binary heap in which every job knows its place. The standard
// library's would box each entry.
type queue []entry

// place puts e at i, and tells its job.
func (q queue) place(i int, e entry) {
	q[i] = e
	e.job.index = i
}

// fix moves the entry at i to where its key belongs. The entry travels in a
// variable and is written once, at its end.
func (q queue) fix(i int) {
	e := q[i]
	for i > 0 {
		parent := (i - 1) / 2
		if q[parent].when <= e.when {
			break
		}
		q.place(i, q[parent])
		i = parent
	}
	for {
		child := 2*i + 1
		if child >= len(q) {
			break
		}
		if right := child + 1; right < len(q) && q[right].when < q[child].when {
			child = right
		}
		if q[child].when >= e.when {
			break
		}
		q.place(i, q[child])
		i = child
	}
	q.place(i, e)
}

// set gives the entry at i another key.
func (q queue) set(i int, when int64) {
	if q[i].when != when {
		q[i].when = when
		q.fix(i)
	}
}

// jobs is a copy that can be walked through without the lock.
func (q queue) jobs() []*Job {
	jobs := make([]*Job, len(q))
	for i, e := range q {
		jobs[i] = e.job
	}
	return jobs
}

// push adds an entry. Keys that are all equal stay in the order of their pushes.
func (q *queue) push(e entry) {
	*q = append(*q, e)
	q.fix(len(*q) - 1)
}

// remove takes out the entry at i; the last one takes its place and is sifted.
func (q *queue) remove(i int) {
	last := len(*q) - 1
	moved := (*q)[last]
	(*q)[i].job.index = -1
	(*q)[last] = entry{}
	*q = (*q)[:last]
	if i < last {
		q.place(i, moved)
		q.fix(i)
	}
	if cap(*q) > 64 && last < cap(*q)/4 { // a burst of jobs leaves no memory behind
		*q = append(make(queue, 0, cap(*q)/2), *q...)
	}
}
