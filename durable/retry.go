package durable

import "github.com/riverqueue/river/rivertype"

var retryStates = []rivertype.JobState{rivertype.JobStateRetryable}

// RetryNow lets a job of this queue that waits for its next attempt have it now. It waits
// for the store for at most 5 s. It returns an error that wraps [ErrNotFound] if the queue
// has no such job, and an error if the job does not wait for an attempt. Of several calls
// at once, in whatever process, one succeeds.
func (q *Queue[T]) RetryNow(id int64) error {
	return q.settle(q.jobs.requeue, subject{verb: "retry", id: id, in: retryStates})
}

// GiveUp ends a job of this queue that waits for its next attempt, as [Queue.Cancel] does:
// it is in Failures with its last error, and can be requeued. OnGiveUp is for what the
// handler gave up, and is not called. GiveUp waits for the store for at most 5 s. It
// returns an error that wraps [ErrNotFound] if the queue has no such job, and an error if
// the job does not wait for an attempt.
func (q *Queue[T]) GiveUp(id int64) error {
	return q.settle(q.jobs.cancel, subject{verb: "give up", id: id, in: retryStates})
}
