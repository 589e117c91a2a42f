package channelq_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
)

// gate lets handlers be switched, with none in between, to ones that only end
// when they are cancelled.
type gate struct {
	sync.RWMutex
	shut bool
}

func (g *gate) close() {
	g.Lock()
	defer g.Unlock()
	g.shut = true
}

// TestWorkersKeepTheBooksWhateverHappens lets everything happen at once:
// failures, retries, panics, Goexit, resizing, pauses and rate limits, with and
// without keys, and in the end each kind of stop.
func TestWorkersKeepTheBooksWhateverHappens(t *testing.T) {
	rounds := 48
	if testing.Short() {
		rounds = 12
	}
	for round := range rounds {
		var accepted, ended, left ledger
		var g gate
		q := newQueue(t, channelq.Config[tagged]{Capacity: []int{0, 1, 16, 64}[round%4]})
		handedOver := make(chan struct{})
		cfg := channelq.WorkerConfig[tagged]{
			Concurrency: 3,
			Retry:       channelq.Retry{Attempts: 3, Initial: 200 * time.Microsecond, Max: time.Millisecond},
			OnGiveUp:    func(_ context.Context, item tagged, _ error) { ended.add(item) },
			OnLeftover: func(_ context.Context, items []tagged) error {
				defer close(handedOver)
				for _, item := range items {
					left.add(item)
				}
				return nil
			},
			KeepFailures: 5,
		}
		if round/4%2 == 1 {
			cfg.Key = func(item tagged) string { return string(rune('a' + item.producer)) }
		}
		var running [6]atomic.Int32
		w := newWorkers(t, q, func(ctx context.Context, item tagged) error {
			if n := running[item.producer].Add(1); n > 1 && cfg.Key != nil {
				t.Errorf("%d handlers of one key run", n)
			}
			defer running[item.producer].Add(-1)
			g.RLock()
			if g.shut {
				g.RUnlock()
				<-ctx.Done()
				return ctx.Err()
			}
			defer g.RUnlock()
			return mishandle(&ended, item)
		}, cfg)
		if err := w.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		var producers sync.WaitGroup
		for p := range running {
			producers.Go(func() { produce(q, p, 100, &accepted) })
		}
		for range 30 {
			meddle(w)
		}
		patience := context.Background()
		atOnce := 0 // handlers that may return just when the stop gives up on them
		switch round / 8 % 3 {
		case 0: // everything is handled
		case 1: // the backlog is left over
			w.Pause()
		case 2: // and what is in the hands of handlers
			g.close()
			atOnce = 6
			patience = within(t, time.Duration(rand.IntN(20))*time.Millisecond)
		}
		_ = w.Stop(patience)
		if w.Leftover() > 0 {
			<-handedOver
		}
		producers.Wait()
		compareWithLeft(t, &accepted, &ended, &left, atOnce)
		if s := w.Stats(); s.InProgress != 0 || s.Parked != 0 || s.Depth != 0 || s.Accepted != uint64(len(accepted.seen)) {
			t.Errorf("after the stop: %+v", s)
		}
		checkBooks(t, w.Stats())
	}
}

// compareWithLeft checks that every accepted item was handled, given up or left
// over, each at most once. One whose handler returned while the stop gave up on
// it may be both, and so at most one a worker.
func compareWithLeft(t *testing.T, accepted, ended, left *ledger, atOnce int) {
	t.Helper()
	// A handler that the stop gave up on may still be on its way out.
	accepts, ends, lefts := accepted.all(), ended.all(), left.all()
	both := 0
	for item := range accepts {
		n, l := ends[item], lefts[item]
		if n > 1 || l > 1 || n+l == 0 {
			t.Errorf("accepted item %v ended %d times and was left over %d times", item, n, l)
		}
		if n+l == 2 {
			both++
		}
	}
	if both > atOnce {
		t.Errorf("%d items were handled and left over", both)
	}
	for _, l := range []map[tagged]int{ends, lefts} {
		for item := range l {
			if accepts[item] == 0 {
				t.Errorf("item %v was never accepted", item)
			}
		}
	}
}

// mishandle handles an item in one of the ways in which handlers do.
func mishandle(ended *ledger, item tagged) error {
	switch rand.IntN(10) {
	case 0:
		return context.DeadlineExceeded
	case 1:
		panic("boom")
	case 2:
		runtime.Goexit()
	case 3:
		return channelq.Permanent(context.Canceled)
	case 4:
		runtime.Gosched()
	}
	ended.add(item)
	return nil
}

func meddle(w *channelq.Workers[tagged]) {
	switch rand.IntN(4) {
	case 0:
		_ = w.Resize(1 + rand.IntN(6))
	case 1:
		w.Pause()
		w.Resume()
	case 2:
		_ = w.RateLimit(1e6, 10)
		_ = w.RateLimit(0, 0)
	case 3:
		_ = w.Stats()
	}
	time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
}
