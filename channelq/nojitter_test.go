package channelq_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

func TestWithoutJitterEveryDelayIsItsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, err := channelq.New(channelq.Config[int]{Name: "q", Capacity: 1})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var at []time.Duration
		w, err := channelq.NewWorkers(q, func(context.Context, int) error {
			at = append(at, time.Since(began))
			return errors.New("no")
		}, channelq.WorkerConfig[int]{Concurrency: 1, Retry: channelq.Retry{Attempts: 4, Initial: time.Second, Max: 3 * time.Second, NoJitter: true}})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Start(t.Context()), q.Enqueue(t.Context(), 1)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if err := w.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if want := []time.Duration{0, time.Second, 3 * time.Second, 6 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("attempts after %v, want %v", at, want)
		}
	})
}
