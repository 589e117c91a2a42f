package periodic_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/periodic"
)

// One limit bounds the workers of two queues and a scheduler, and neither stop waits
// for it.
func TestQueuesAndASchedulerShareALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := semaphore.NewWeighted(2)
		var g gauge
		took := func(ctx context.Context) error {
			defer g.enter()()
			return sleep(ctx, time.Second)
		}
		s := limited(t, limit)
		for _, name := range []string{"a", "b"} {
			add(t, s, periodic.Config{Name: name, Schedule: periodic.Every(time.Hour), RunAtStart: true}, took)
		}
		var bulk *channelq.Queue[int]
		var crews []*channelq.Workers[int]
		for _, name := range []string{"urgent", "bulk"} {
			q, err := channelq.New(channelq.Config[int]{Name: name, Capacity: 10})
			if err != nil {
				t.Fatal(err)
			}
			w, err := channelq.NewWorkers(q, func(ctx context.Context, _ int) error { return took(ctx) },
				channelq.WorkerConfig[int]{Concurrency: 4, Limit: limit, Drain: channelq.DropOnStop})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := q.EnqueueAll(t.Context(), []int{1, 2, 3, 4}); err != nil {
				t.Fatal(err)
			}
			if err := w.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			bulk, crews = q, append(crews, w)
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second) // ten seconds of work, two at a time
		runs := s.Job("a").Stats().Runs[periodic.Succeeded] + s.Job("b").Stats().Runs[periodic.Succeeded]
		if n, m := crews[0].Stats().Handled, crews[1].Stats().Handled; g.most() != 2 || runs != 2 || n != 4 || m != 4 {
			t.Errorf("%d at a time; %d runs, %d urgent and %d bulk items", g.most(), runs, n, m)
		}

		// Somebody else holds the limit: what waits for it holds up no stop.
		if !limit.TryAcquire(2) {
			t.Fatal("the limit is not free")
		}
		if err := s.Job("a").Trigger(); err != nil {
			t.Fatal(err)
		}
		if err := bulk.Enqueue(t.Context(), 5); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		began := time.Now()
		stop(t, s)
		for _, w := range crews {
			_ = w.Stop(t.Context()) // it says that an item is left over
		}
		if took := time.Since(began); took != 0 || crews[1].Stats().Leftover != 1 {
			t.Errorf("the stops took %v, %d items are left over", took, crews[1].Stats().Leftover)
		}
	})
}
