package durable

import (
	"context"
	"slices"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable/internal/store"
)

// Listed returns when the store last answered for Failures and Retrying, the earlier of
// both, and zero if it never did: then they know nothing, and an empty list is no answer.
func (q *Queue[T]) Listed() time.Time {
	failed, retrying := q.failures.age(), q.retrying.age()
	if failed.Before(retrying) {
		return failed
	}
	return retrying
}

// fullPage is newestOf for as long as a page of jobs in a state is not full.
func (j *core) fullPage(ctx context.Context, queue string, state rivertype.JobState, after string) (page []mark, next string, err error) {
	for {
		from, err := parseMark(after)
		if err != nil {
			return nil, "", err
		}
		var some []mark
		if some, after, err = j.newestOf(ctx, queue, channelq.JobFilter{States: []string{string(state)}}, from); err != nil {
			return nil, "", err
		}
		if page = append(page, some...); len(page) > maxListed {
			page = page[:maxListed]
			after = page[maxListed-1].String()
		}
		if after == "" || len(page) == maxListed {
			return page, after, nil
		}
	}
}

// newestFailures returns the last jobs that gave up and, as far as a page has room for
// them, jobs that were canceled by hand.
func (j *core) newestFailures(ctx context.Context, queue string) ([]mark, error) {
	discarded, _, err := j.fullPage(ctx, queue, rivertype.JobStateDiscarded, "")
	if err != nil {
		return nil, err
	}
	refused, err := j.look(ctx, j.gaveUp(queue))
	if err != nil {
		return nil, err
	}
	list, _ := cutPage(append(discarded, refused.marks...), nil)
	if len(list) == maxListed {
		return list, nil
	}
	canceled, _, err := j.fullPage(ctx, queue, rivertype.JobStateCancelled, "")
	canceled = slices.DeleteFunc(canceled, func(m mark) bool { return slices.Contains(list, m) })
	list = append(list, canceled[:min(len(canceled), maxListed-len(list))]...)
	slices.SortFunc(list, newer)
	return list, err
}

// gaveUp returns the statement that goes through the jobs of a queue in the engine's state
// of canceled ones that nobody canceled by hand. They have an index.
func (j *core) gaveUp(queue string) *statement {
	s := j.statement(channelq.JobFilter{})
	s.order, s.down, s.most, s.within = endedOrder, true, maxListed, store.GaveUp(s.postgres)+" AND queue = "+s.arg(queue)
	s.at, s.newest = "finalized_at", true
	return s
}

// soonest goes through the jobs of a queue in a state, to the ones that are due next.
func (j *core) soonest(queue string, state rivertype.JobState) *statement {
	s := j.statement(channelq.JobFilter{})
	s.inState(queue, state, lookIndexed)
	s.at, s.soonest, s.limit = "scheduled_at", true, maxListed
	return s
}

// isCanceled reports whether a job was canceled by hand, or by the program.
func isCanceled(row *rivertype.JobRow) bool {
	return row.State == rivertype.JobStateCancelled && hasWish(row.Metadata)
}
