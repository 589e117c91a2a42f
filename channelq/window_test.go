package channelq_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

// The limiter of ExampleWorkerConfig_limiter, with items that come when it hurts: one,
// and then as many as there is room for around the end of its ten seconds.
func TestTheLimiterOfTheExampleLetsThreeHundredThroughInAnyTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var began []time.Time
		q := newQueue(t, channelq.Config[int]{Capacity: 2000})
		w := startWorkers(t, q, func(context.Context, int) error {
			mu.Lock()
			defer mu.Unlock()
			began = append(began, time.Now())
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 4, Limiter: newWindow(300, 10*time.Second)})
		start := time.Now()
		enqueue(t, q, 0)
		time.Sleep(9900 * time.Millisecond)
		for i := range 1199 {
			enqueue(t, q, i)
			if i > 600 {
				time.Sleep(rand.N(20 * time.Millisecond))
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(began) != 1200 {
			t.Fatalf("%d went", len(began))
		}
		for i := 300; i < len(began); i++ {
			if since := began[i].Sub(began[i-300]); since < 10*time.Second {
				t.Fatalf("item %d went at %v, only %v after item %d", i, began[i].Sub(start), since, i-300)
			}
		}
		if last := began[len(began)-1].Sub(start); last > 40*time.Second {
			t.Errorf("the last of 1200 went at %v", last)
		}
		_ = w.Stop(t.Context())
	})
}
