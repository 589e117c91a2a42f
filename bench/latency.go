package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/steadgo/stead/bench/internal/lab"
)

// Latency returns the time from a put to its take in microseconds: on an idle queue,
// which gets an item each 200 us, or with four producers and four consumers that
// move items at half of the speed they could.
func Latency(loaded bool) Case {
	c := Case{
		Name:    "latency/idle",
		Columns: []string{"p50 us", "p99 us", "p99.9 us", "cpu %"},
		Targets: []Target{{Column: 0, Against: Reference, Max: MostOfLatency}, {Column: 1, Against: Reference, Max: MostOfLatency}},
	}
	cast, pause := Cast{1, 1}, 200*time.Microsecond
	if loaded {
		c.Name, c.Targets = "latency/load", nil
		cast, pause = Cast{4, 4}, 0
	}
	for _, q := range Queues[[1]int64]() {
		c.Entries = append(c.Entries, Entry{q.Name, func(round time.Duration) []float64 {
			return latency(q, cast, pause, max(round, 100*time.Millisecond))
		}})
	}
	return c
}

func latency(c Contender[[1]int64], cast Cast, pause, round time.Duration) []float64 {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	q := c.Make(1024)
	base := time.Now()
	cpu := lab.CPUTime()
	var producers, consumers sync.WaitGroup
	var mu sync.Mutex
	var all []float64
	for range cast.Consumers {
		consumers.Go(func() {
			mine := make([]float64, 0, 1<<16)
			for v, ok := q.Take(ctx); ok; v, ok = q.Take(ctx) {
				mine = append(mine, float64(int64(time.Since(base))-v[0])/1e3)
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, mine...)
		})
	}
	for range cast.Producers {
		producers.Go(func() {
			for i := 0; time.Since(base) < round; i++ {
				q.Put(ctx, [1]int64{int64(time.Since(base))})
				switch {
				case pause > 0:
					time.Sleep(pause)
				case i%64 == 63: // bursts, so that the queue is neither empty nor full for long
					time.Sleep(50 * time.Microsecond)
				}
			}
		})
	}
	producers.Wait()
	q.Close()
	consumers.Wait()
	took := time.Since(base)
	return []float64{
		Quantile(all, 0.5), Quantile(all, 0.99), Quantile(all, 0.999),
		100 * float64(lab.CPUTime()-cpu) / float64(took),
	}
}

// Fairness returns how much less than its fair share the slowest of 64 producers gets
// from a queue that is always full: 1 is perfect, 2 is half of the fair share.
func Fairness(capacity int) Case {
	c := Case{
		Name:    fmt.Sprintf("fairness/64P4C/%d", capacity),
		Columns: []string{"fair share / slowest"},
		Targets: []Target{{Against: Reference, Max: 1.1}},
	}
	if capacity == 64 {
		c.Targets = append(c.Targets, Target{Max: 2})
	}
	for _, q := range Queues[[1]int]() {
		c.Entries = append(c.Entries, Entry{q.Name, func(round time.Duration) []float64 {
			return []float64{fairness(q, capacity, max(round, 200*time.Millisecond))}
		}})
	}
	return c
}

func fairness(c Contender[[1]int], capacity int, round time.Duration) float64 {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	q := c.Make(capacity)
	const n = 64
	var puts [n]struct {
		count int
		_     [120]byte // a cache line of its own
	}
	var producers, consumers sync.WaitGroup
	stop := make(chan struct{})
	for i := range puts {
		producers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				q.Put(ctx, [1]int{i})
				puts[i].count++
			}
		})
	}
	for range 4 {
		consumers.Go(func() { q.Consume(ctx, 1) })
	}
	time.Sleep(round)
	close(stop)
	producers.Wait()
	q.Close()
	consumers.Wait()
	total, least := 0, puts[0].count
	for i := range puts {
		total += puts[i].count
		least = min(least, puts[i].count)
	}
	return float64(total) / n / float64(max(least, 1))
}
