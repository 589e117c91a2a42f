package channelq_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
)

// tagged is the n-th item of a producer.
type tagged struct{ producer, n int }

// ledger notes who got what, to be checked against what was accepted.
type ledger struct {
	mu   sync.Mutex
	seen map[tagged]int
}

func (l *ledger) add(item tagged) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = map[tagged]int{}
	}
	l.seen[item]++
}

// all is a copy of what was noted so far.
func (l *ledger) all() map[tagged]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.seen)
}

// produce enqueues items with contexts that often end, and notes the accepted
// ones, until the queue is closed or n are through.
func produce(q *channelq.Queue[tagged], producer, n int, accepted *ledger) {
	for i := 0; i < n; i++ {
		ctx, cancel := context.WithCancel(context.Background())
		if rand.IntN(3) == 0 {
			stop := time.AfterFunc(time.Duration(rand.IntN(50))*time.Microsecond, cancel)
			defer stop.Stop()
		}
		switch rand.IntN(3) {
		case 0:
			if q.Enqueue(ctx, tagged{producer, i}) == nil {
				accepted.add(tagged{producer, i})
			}
		case 1:
			if q.TryEnqueue(tagged{producer, i}) == nil {
				accepted.add(tagged{producer, i})
			}
		case 2:
			batch := []tagged{{producer, i}, {producer, i + 1}, {producer, i + 2}}
			done, _ := q.EnqueueAll(ctx, batch)
			for _, item := range batch[:done] {
				accepted.add(item)
			}
			i += 2
		}
		cancel()
	}
}

// consume dequeues in every way, with contexts that often end, until the queue is
// drained, and checks that the items of each producer rise.
func consume(t *testing.T, q *channelq.Queue[tagged], got *ledger) {
	last := map[int]int{}
	take := func(item tagged) {
		got.add(item)
		if before, known := last[item.producer]; known && item.n <= before {
			t.Errorf("item %d of producer %d came after %d", item.n, item.producer, before)
		}
		last[item.producer] = item.n
	}
	buf := make([]tagged, 5)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(100))*time.Microsecond)
		switch rand.IntN(3) {
		case 0:
			if item, err := q.Dequeue(ctx); err == nil {
				take(item)
			}
		case 1:
			n, _ := q.DequeueBatch(ctx, buf)
			for _, item := range buf[:n] {
				take(item)
			}
		case 2:
			for item := range q.All(ctx) {
				take(item)
				if rand.IntN(10) == 0 {
					break
				}
			}
		}
		cancel()
		select {
		case <-q.Done():
			return
		default:
		}
	}
}

// compare holds what was accepted against where it ended.
func compare(t *testing.T, accepted, ended *ledger) {
	t.Helper()
	for item := range accepted.seen {
		if ended.seen[item] != 1 {
			t.Errorf("accepted item %v ended %d times", item, ended.seen[item])
		}
	}
	if len(ended.seen) != len(accepted.seen) {
		t.Errorf("%d items accepted, %d ended", len(accepted.seen), len(ended.seen))
	}
}

func TestNothingIsLostOrDoubledUnderRandomCancelsAndACloseInTheMidst(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for _, mode := range []channelq.FullMode{channelq.Wait, channelq.Reject, channelq.DropOldest, channelq.DropNewest} {
		for round := range rounds {
			capacity := []int{0, 1, 7, 64}[round%4]
			if capacity == 0 && mode > channelq.Reject {
				continue // EnqueueAll then accepts no prefix
			}
			var accepted, ended ledger
			q := newQueue(t, channelq.Config[tagged]{Capacity: capacity, OnFull: mode,
				OnDrop: func(item tagged, _ channelq.DropReason) { ended.add(item) }})
			var producers, consumers sync.WaitGroup
			for p := range 6 {
				producers.Go(func() { produce(q, p, 300, &accepted) })
			}
			for range 4 {
				consumers.Go(func() { consume(t, q, &ended) })
			}
			if round%2 == 0 {
				time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
			} else {
				producers.Wait()
			}
			q.Close()
			producers.Wait()
			consumers.Wait()
			compare(t, &accepted, &ended)
			s := q.Stats()
			if s.Accepted != uint64(len(accepted.seen)) || s.Depth != 0 {
				t.Errorf("%v, capacity %d: accepted %d: %+v", mode, capacity, len(accepted.seen), s)
			}
			checkBooks(t, s)
		}
	}
}

func TestLenStaysWithinBoundsAndCountersNeverFall(t *testing.T) {
	q := newQueue(t, channelq.Config[tagged]{Capacity: 7, OnFull: channelq.DropOldest})
	var ended, accepted ledger
	var wg sync.WaitGroup
	for p := range 8 {
		wg.Go(func() { produce(q, p, 500, &accepted) })
	}
	for range 7 {
		wg.Go(func() { consume(t, q, &ended) })
	}
	var last channelq.Stats
	for range 2000 {
		s := q.Stats()
		if n := q.Len(); n < 0 || n > 7 || s.Depth < 0 || s.Depth > 7 || s.InProgress < 0 {
			t.Fatalf("length %d: %+v", n, s)
		}
		if s.Accepted < last.Accepted || s.TakenByHand < last.TakenByHand || s.Dropped.Oldest < last.Dropped.Oldest || s.HighWater < last.HighWater {
			t.Fatalf("a counter fell:\n%+v\n%+v", last, s)
		}
		last = s
		runtime.Gosched()
	}
	q.Close()
	wg.Wait()
	checkBooks(t, q.Stats())
}

func TestOneProducerAndOneConsumerKeepTheOrderAtAnyCapacity(t *testing.T) {
	for _, capacity := range []int{0, 1, 2, 7, 64, 1024} {
		items := 200_000
		switch {
		case testing.Short():
			items = 5_000
		case capacity == 0:
			items = 50_000
		}
		q := newQueue(t, channelq.Config[int]{Capacity: capacity})
		go func() {
			for i := range items {
				_ = q.Enqueue(context.Background(), i)
			}
			q.Close()
		}()
		want := 0
		for got := range q.All(t.Context()) {
			if got != want {
				t.Fatalf("capacity %d: got %d, want %d", capacity, got, want)
			}
			want++
		}
		if want != items {
			t.Errorf("capacity %d: %d items came", capacity, want)
		}
	}
}

func TestAnIdleQueueHandsOverEverySingleItem(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 8})
	handled := make(chan int)
	startWorkers(t, q, func(_ context.Context, i int) error { handled <- i; return nil }, channelq.WorkerConfig[int]{Concurrency: 4})
	for i := range 10_000 {
		enqueue(t, q, i)
		if got := <-handled; got != i {
			t.Fatalf("got %d, want %d", got, i)
		}
	}
}
