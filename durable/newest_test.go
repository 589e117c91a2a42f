package durable_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/lifecycle"
)

// Of many failures those that count are the last ones.
func newestFirst[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueOnly)
	q := newQueue[int](t, jobs, "listed", nil, durable.QueueConfig[int]{})
	other := newQueue[int](t, jobs, "other", nil, durable.QueueConfig[int]{})
	const n = 250
	items := make([]int, n)
	for i := range items {
		items[i] = i
	}
	_, err := q.EnqueueAll(t.Context(), items)
	must(t, err)
	enqueue(t, other, -1)
	pages := func(state rivertype.JobState) (all []int, sizes []int) {
		for after := ""; ; {
			list, next, err := q.JobsPage(string(state), after)
			must(t, err)
			sizes = append(sizes, len(list))
			for _, k := range list {
				all = append(all, k.Item.(int))
			}
			if after = next; next == "" {
				return all, sizes
			}
		}
	}
	backwards := slices.Clone(items)
	slices.Reverse(backwards)
	if got, sizes := pages(rivertype.JobStateAvailable); !slices.Equal(got, backwards) || !slices.Equal(sizes, []int{100, 100, 50}) {
		t.Errorf("waiting, in pages of %v: %v", sizes, got)
	}
	// They end in the order opposite to that in which they were enqueued, many at one instant.
	for i := 0; i < n; i += 50 {
		must(t, e.exec(t.Context(), fmt.Sprintf("UPDATE river_job SET state = 'discarded', finalized_at = '%s' WHERE kind = 'listed' AND id > %d - 50 AND id <= %d",
			utc(-time.Hour+time.Duration(i)*time.Second)+".000", n-i, n-i)))
	}
	got, sizes := pages(rivertype.JobStateDiscarded)
	var want []int
	for i := 0; i < n; i += 50 {
		for k := 49; k >= 0; k-- {
			want = append(want, i+k)
		}
	}
	if !slices.Equal(got, want) || !slices.Equal(sizes, []int{100, 100, 50}) {
		t.Errorf("ended, in pages of %v: %v", sizes, got)
	}
	var list []channelq.Failure
	until(t, "the store answers in time", func() bool { list = q.Failures(); return len(list) == 100 })
	if list[0].Item != 49 || list[99].Item != 50 {
		t.Errorf("%d failures, from %+v to %+v", len(list), list[0], list[len(list)-1])
	}
	if list, next, err := q.JobsPage("discarded", "nonsense"); len(list) != 0 || next != "" || err == nil {
		t.Errorf("behind nonsense there are %d, %v", len(list), err)
	}
}

// However many were canceled by hand, one that gave up is listed.
func canceledByHand[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueOnly)
	q := newQueue[int](t, jobs, "listed", nil, durable.QueueConfig[int]{})
	const n = 150
	_, err := q.EnqueueAll(t.Context(), make([]int, n))
	must(t, err)
	refused, discarded := enqueue(t, q, 1), enqueue(t, q, 2)
	endAgo(t, e, fmt.Sprintf("id >= %d", refused), time.Hour, "no ink")
	must(t, e.exec(t.Context(), fmt.Sprintf("UPDATE river_job SET state = 'cancelled' WHERE id = %d", refused)))
	if done, _, err := q.CancelJobs(t.Context(), states("available"), nil); done != n || err != nil {
		t.Fatalf("%d canceled, %v", done, err)
	}
	failed := func(list []channelq.Failure) (ids []int64) {
		for _, f := range list {
			if !lifecycle.IsExpected(f.Err) {
				ids = append(ids, f.ID)
			}
		}
		return ids
	}
	var list []channelq.Failure
	until(t, "they are listed", func() bool { list = q.Failures(); return len(list) == 100 })
	if got := failed(list); !slices.Equal(got, []int64{discarded, refused}) {
		t.Errorf("gave up: %v, want %d and %d", got, discarded, refused)
	}
	must(t, errors.Join(q.Discard(refused), q.Discard(discarded)))
	until(t, "they are not listed any more", func() bool { list = q.Failures(); return len(list) == 100 && len(failed(list)) == 0 })
}

func heldKey[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	broken := channelq.Permanent(errors.New("no paper"))
	q := newQueue(t, jobs, "once", func(_ context.Context, fails bool) error {
		if fails {
			return broken
		}
		return nil
	}, durable.QueueConfig[bool]{})
	start(t, jobs)
	failed := enqueue(t, q, true, durable.Unique("k"))
	inState(t, jobs, failed, rivertype.JobStateCancelled)
	live := enqueue(t, q, false, durable.Unique("k"), durable.In(time.Hour))
	for who, err := range map[string]error{
		"Requeue": q.Requeue(failed),
		"Retry":   func() error { _, err := durable.Retry(t.Context(), jobs, failed); return err }(),
	} {
		if want := fmt.Sprintf("its unique key is held by job %d, which is scheduled", live); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v", who, err)
		}
	}
	must(t, q.Requeue(live))
	inState(t, jobs, live, rivertype.JobStateCompleted)
	must(t, q.Requeue(failed))
}
