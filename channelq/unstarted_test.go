package channelq_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

const unstarted = "its workers were not started"

// says checks that err is want and whether it has the hint.
func says(t *testing.T, what string, err, want error, hint bool) {
	t.Helper()
	if !errors.Is(err, want) || strings.Contains(err.Error(), unstarted) != hint {
		t.Errorf("%s: %v; should be %q, with the hint: %t", what, err, want, hint)
	}
}

func TestAFailedEnqueueSaysThatNobodyStartedTheWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Name: "emails", Capacity: 1})
		enqueue(t, q, 1)
		says(t, "without workers", q.TryEnqueue(2), channelq.ErrFull, false)
		w := newWorkers(t, q, nothing, channelq.WorkerConfig[int]{Concurrency: 1})
		says(t, "TryEnqueue", q.TryEnqueue(2), channelq.ErrFull, true)
		says(t, "Enqueue", q.Enqueue(within(t, time.Second), 2), context.DeadlineExceeded, true)
		_, err := q.EnqueueAll(within(t, time.Second), []int{2, 3})
		says(t, "EnqueueAll", err, context.DeadlineExceeded, true)
		gone, cancel := context.WithCancelCause(t.Context())
		cancel(io.EOF)
		says(t, "the cause of a cancel", q.Enqueue(gone, 2), io.EOF, true)
		if err := w.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		says(t, "started", q.Enqueue(gone, 2), io.EOF, false)
		if err := w.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		says(t, "stopped", q.TryEnqueue(2), channelq.ErrClosed, false)
	})
}

func TestARejectedOrDroppedItemSaysThatNobodyStartedTheBatcher(t *testing.T) {
	for mode, want := range map[channelq.FullMode]error{channelq.Reject: channelq.ErrFull, channelq.DropWrite: channelq.ErrDropped} {
		q := newQueue(t, channelq.Config[int]{Capacity: 1, OnFull: mode})
		if _, err := channelq.NewBatcher(q, func(context.Context, []int) error { return nil }, channelq.BatchConfig[int]{}); err != nil {
			t.Fatal(err)
		}
		enqueue(t, q, 1)
		says(t, mode.String(), q.Enqueue(t.Context(), 2), want, true)
	}
}
