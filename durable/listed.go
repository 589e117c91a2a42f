package durable

import "time"

// Listed returns when the store last answered for Failures and Retrying, the earlier of
// both, and zero if it never did: then they know nothing, and an empty list is no answer.
func (q *Queue[T]) Listed() time.Time {
	failed, retrying := q.failures.age(), q.retrying.age()
	if failed.Before(retrying) {
		return failed
	}
	return retrying
}
