package channelq_test

import (
	"context"
	"strings"
	"testing"

	"github.com/steadgo/stead/channelq"
)

func TestAQueueIsFreeAgainAfterAConsumerThatWasNotMade(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 1})
	one, told := func(context.Context, int) error { return nil }, func(int, channelq.Outcome, error) {}
	newWorkers(t, q, one, channelq.WorkerConfig[int]{Detach: true, OnSettled: told})
	if _, err := channelq.NewWorkers(q, one, channelq.WorkerConfig[int]{OnSettled: told}); err == nil || !strings.Contains(err.Error(), "OnSettled") {
		t.Errorf("a second OnSettled: %v", err)
	}
	if _, err := channelq.NewBatcher(q, func(context.Context, []int) error { return nil }, channelq.BatchConfig[int]{OnSettled: told}); err == nil || !strings.Contains(err.Error(), "OnSettled") {
		t.Errorf("of a batcher: %v", err)
	}
	if _, err := channelq.NewWorkers(q, one, channelq.WorkerConfig[int]{}); err != nil {
		t.Errorf("the queue is still taken: %v", err)
	}
	if _, err := channelq.NewWorkers(q, one, channelq.WorkerConfig[int]{}); err == nil {
		t.Error("two consumers close one queue")
	}
}

func TestAConsumerOfNothingIsAnErrorThatNamesWhatIsMissing(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Name: "mails", Capacity: 1})
	one := func(context.Context, int) error { return nil }
	all := func(context.Context, []int) error { return nil }
	for _, c := range []struct {
		q       *channelq.Queue[int]
		handled bool
		want    string
	}{
		{nil, true, "the queue is nil"},
		{new(channelq.Queue[int]), true, "the queue is not made with New"},
		{q, false, `"mails": the handler is nil`},
	} {
		if !c.handled {
			one, all = nil, nil
		}
		if _, err := channelq.NewWorkers(c.q, one, channelq.WorkerConfig[int]{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("workers: %v, want %q", err, c.want)
		}
		if _, err := channelq.NewBatcher(c.q, all, channelq.BatchConfig[int]{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("a batcher: %v, want %q", err, c.want)
		}
	}
}
