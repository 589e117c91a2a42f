package durable_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
)

func itoa(id int64) string { return strconv.FormatInt(id, 10) }

// batches end in two processes at once.
func batches[TTx any](t *testing.T, e env[TTx]) {
	a, b := newFollowed(t, e.store, durable.EnqueueAndWork), newFollowed(t, e.again(t), durable.EnqueueAndWork)
	const many, size = 3, 8
	for range many {
		items := slices.Repeat([]string{"x"}, size)
		items[1], items[3], items[6] = "fails", "permanent", "cancel"
		_, err := durable.EnqueueBatch(t.Context(), a.first, items, a.next, "last")
		must(t, err)
	}
	rows, err := durable.List(t.Context(), a.first, 1000)
	must(t, err)
	for i := range many {
		_, err := durable.Cancel(t.Context(), a.jobs, rows[size*i+6].ID)
		must(t, err)
	}
	start(t, a.jobs)
	start(t, b.jobs)
	for range many {
		var ends durable.Ends
		select {
		case ends = <-a.ends:
		case ends = <-b.ends:
		case <-time.After(patience):
			t.Fatal("nothing followed")
		}
		if ends != (durable.Ends{Handled: size - 3, GaveUp: 2, Canceled: 1}) {
			t.Errorf("%+v", ends)
		}
	}
	id, err := durable.EnqueueBatch(t.Context(), a.first, nil, a.next, "of none")
	must(t, err)
	inState(t, a.jobs, id, rivertype.JobStateCompleted)
	rows, err = durable.List(t.Context(), a.next, 100)
	must(t, err)
	if len(rows) != many+1 {
		t.Errorf("%d followed", len(rows))
	}
	noneLeft(t, e)
}

func batchRefused[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueOnly)
	q := newQueue[int](t, jobs, "few", nil, durable.QueueConfig[int]{MaxWaiting: 3, Key: strconv.Itoa})
	last := newQueue[any](t, jobs, "last", nil, durable.QueueConfig[any]{Key: func(any) string { return "k" }})
	elsewhere := newQueue[any](t, newJobs(t, e.store, durable.EnqueueOnly), "last", nil, durable.QueueConfig[any]{})
	if _, err := durable.EnqueueBatch(t.Context(), q, make([]int, 4), last, nil); !errors.Is(err, channelq.ErrFull) {
		t.Errorf("too many: %v", err)
	}
	for what, f := range map[string]func() (int64, error){
		"of other jobs": func() (int64, error) { return durable.EnqueueBatch(context.Background(), q, []int{1}, elsewhere, nil) },
		"nothing": func() (int64, error) {
			return durable.EnqueueBatch[int, any](context.Background(), q, []int{1}, nil, nil)
		},
		"unstorable": func() (int64, error) {
			return durable.EnqueueBatch[int, any](context.Background(), q, []int{1}, last, func() {})
		},
	} {
		if id, err := f(); err == nil || id != 0 {
			t.Errorf("%s: %d, %v", what, id, err)
		}
	}
	rows, err := durable.List(t.Context(), q, 10)
	must(t, err)
	if len(rows) != 0 || q.Stats().Accepted != 0 {
		t.Errorf("%d there", len(rows))
	}
	// What has a key waits for that when the others have ended.
	id, err := durable.EnqueueBatch(t.Context(), q, []int{1, 2, 3}, last, nil)
	must(t, err)
	rows, err = durable.List(t.Context(), q, 10)
	must(t, err)
	for _, row := range rows {
		inState(t, jobs, id, rivertype.JobStateScheduled)
		_, err := durable.Delete(t.Context(), jobs, row.ID)
		must(t, err)
	}
	inState(t, jobs, id, rivertype.JobStatePending)
}
