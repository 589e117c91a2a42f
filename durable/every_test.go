package durable_test

import (
	"context"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/periodic"
)

func every[TTx any](t *testing.T, e env[TTx]) {
	var all [2]*durable.Jobs[TTx]
	for i, store := range []durable.Store[TTx]{e.store, e.again(t)} {
		all[i] = newJobs(t, store, durable.EnqueueAndWork)
		q := newQueue(t, all[i], "tick", nothing[int], durable.QueueConfig[int]{})
		must(t, durable.Every(q, "fast", periodic.Every(50*time.Millisecond), func() int { return 1 }))
		if i == 0 {
			defer func() {
				rows, err := durable.List(context.Background(), q, 10_000)
				must(t, err)
				slots := map[int64]bool{}
				for _, row := range rows {
					if slots[row.ScheduledAt.UnixMilli()] {
						t.Errorf("slot %v twice", row.ScheduledAt)
					}
					slots[row.ScheduledAt.UnixMilli()] = true
				}
			}()
		}
	}
	handled := func(j *durable.Jobs[TTx]) int {
		client, err := j.Client()
		must(t, err)
		res, err := client.JobList(context.Background(), river.NewJobListParams().Kinds("tick").First(10_000))
		must(t, err)
		return len(res.Jobs)
	}
	start(t, all[0])
	until(t, "three slots", func() bool { return handled(all[0]) >= 3 })
	start(t, all[1])
	before := handled(all[1])
	stop(t, all[0]) // who leads resigns; the other one goes on
	until(t, "slots under the next leader", func() bool { return handled(all[1]) >= before+3 })
	found, err := all[1].Forget("fast")
	if err != nil || !found {
		t.Errorf("forget: %v, %v", found, err)
	}
	if found, _ := all[1].Forget("fast"); found {
		t.Error("forgot twice")
	}
}

func everyPanics[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	got := make(chan int, 100)
	q := newQueue(t, jobs, "tick", func(_ context.Context, i int) error {
		select {
		case got <- i:
		default: // nobody looks any more
		}
		return nil
	}, durable.QueueConfig[int]{})
	fast := periodic.Every(20 * time.Millisecond)
	must(t, durable.Every(q, "bad", fast, func() int { panic("no item") }))
	must(t, durable.Every(q, "worse", brokenSchedule{}, func() int { return 0 }))
	start(t, jobs)
	must(t, durable.Every(q, "good", fast, func() int { return 1 }))
	for range 2 {
		if i := receive(t, got); i != 1 {
			t.Errorf("item %d", i)
		}
	}
	if err := durable.Every(q, "good", fast, func() int { return 2 }); err == nil {
		t.Error("a second schedule of one name was accepted")
	}
}

type brokenSchedule struct{}

func (brokenSchedule) Next(time.Time) time.Time { panic("no slot") }
