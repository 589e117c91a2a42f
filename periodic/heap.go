package periodic

import (
	"math"
	"time"
)

// never is the key of a job that waits for a poke only.
const never = math.MaxInt64

// nanos returns t as a key. An instant that is too far away for nanoseconds is
// never; wrapping around would make it long overdue.
func nanos(t time.Time) int64 {
	if t.Unix() >= never/int64(time.Second) {
		return never
	}
	return t.UnixNano()
}

// heapNode is a job and when the loop has to look at it, in Unix nanoseconds. The
// key is here and not in the job, so that sifting does not load the jobs.
type heapNode struct {
	when int64
	job  *Job
}

// queue is a binary heap in which every job knows its index. That of the standard
// library would box each node.
type queue []heapNode

// place puts e at i, and tells its job.
func (q queue) place(i int, e heapNode) {
	q[i] = e
	e.job.index = i
}

// fix moves the node at i to where its key belongs. The node travels in a variable
// and is written once, at its final place.
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

// set changes the key of the node at i.
func (q queue) set(i int, when int64) {
	if q[i].when != when {
		q[i].when = when
		q.fix(i)
	}
}

// jobs returns a copy that can be iterated without the lock.
func (q queue) jobs() []*Job {
	jobs := make([]*Job, len(q))
	for i, e := range q {
		jobs[i] = e.job
	}
	return jobs
}

// push adds a node. Nodes with equal keys stay in the order of their pushes.
func (q *queue) push(e heapNode) {
	*q = append(*q, e)
	q.fix(len(*q) - 1)
}

// remove removes the node at i. The last one takes its place and is sifted.
func (q *queue) remove(i int) {
	last := len(*q) - 1
	moved := (*q)[last]
	(*q)[i].job.index = -1
	(*q)[last] = heapNode{}
	*q = (*q)[:last]
	if i < last {
		q.place(i, moved)
		q.fix(i)
	}
	if cap(*q) > 64 && last < cap(*q)/4 { // so that a burst of jobs does not keep its memory
		*q = append(make(queue, 0, cap(*q)/2), *q...)
	}
}
