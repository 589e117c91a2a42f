package channelq_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/steadgo/stead/channelq"
)

// life is one random program with a queue and its consumers.
type life struct {
	t    *testing.T
	seed uint64
	rng  *rand.Rand // of the goroutine of the test
	q    *channelq.Queue[int]
	book lifeBook

	stubborn bool          // some handlers and callbacks obey no context
	release  chan struct{} // lets those go at the end
	keyed    bool
	keyLimit int
	settles  bool
	stamped  bool
	limit    *semaphore.Weighted // nil: none
	most     int32               // of it
	limited  atomic.Int32
	maxItems int
	tries    map[int]int
	running  [4]atomic.Int32
	paused   atomic.Bool
	over     atomic.Bool
	crews    []lifeCrew
	others   sync.WaitGroup // producers and consumers by hand
}

// lifeCrew is Workers or a Batcher.
type lifeCrew interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	Stats() channelq.Stats
	Failures() []channelq.Failure
	Requeue(id int64) error
	Discard(id int64) error
	Leftover() int
}

// TestMixedLives runs random programs of a queue, workers, batchers, producers and
// consumers by hand, with everything that can be set and called, and a stop at a
// random moment with a random budget. STEAD_TEST_SEED repeats a run, and
// STEAD_TEST_LIFE one of its lives.
func TestMixedLives(t *testing.T) {
	lives := uint64(1000)
	if testing.Short() {
		lives = 200
	}
	seed, first := rand.Uint64(), uint64(0)
	if set, err := strconv.ParseUint(os.Getenv("STEAD_TEST_SEED"), 10, 64); err == nil {
		seed = set
	}
	if one, err := strconv.ParseUint(os.Getenv("STEAD_TEST_LIFE"), 10, 64); err == nil {
		first, lives = one, one+1
	}
	t.Logf("STEAD_TEST_SEED=%d", seed)
	for n := first; n < lives && !t.Failed(); n++ {
		failed := true
		func() {
			defer func() {
				if failed {
					t.Logf("repeat with STEAD_TEST_SEED=%d STEAD_TEST_LIFE=%d", seed, n)
				}
			}()
			synctest.Test(t, func(t *testing.T) { newLife(t, seed+n).run() })
			failed = t.Failed()
		}()
	}
}

func newLife(t *testing.T, seed uint64) *life {
	l := &life{
		t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 0)),
		book:    lifeBook{accepted: map[int]int{}, ended: map[int]int{}, worked: map[int]time.Time{}, left: map[int]time.Time{}, told: map[int]int{}},
		release: make(chan struct{}), tries: map[int]int{},
	}
	l.stubborn = l.rng.IntN(4) == 0
	capacities := []int{0, 1, 2, 5, 16, 100}
	l.settles = l.rng.IntN(2) == 0
	var coalesce func(int) string
	var merge func(int, int) int
	if l.settles && l.rng.IntN(3) == 0 {
		coalesce = func(item int) string { return strconv.Itoa(item % 8) }
		if l.rng.IntN(2) == 0 {
			merge = func(waiting, _ int) int { return waiting }
		}
	}
	stamp := l.rng.IntN(8) == 0
	l.stamped = stamp || coalesce != nil
	if l.rng.IntN(4) == 0 {
		l.most = 1 + l.rng.Int32N(3)
		l.limit = semaphore.NewWeighted(int64(l.most))
	}
	l.q = newQueue(t, channelq.Config[int]{
		Coalesce: coalesce, Merge: merge, Stamp: stamp,
		Capacity: capacities[l.rng.IntN(len(capacities))], OnFull: allModes[l.rng.IntN(len(allModes))],
		OnDrop: func(item int, reason channelq.DropReason) {
			if reason != channelq.DroppedWrite {
				l.book.end(dropped, item)
			}
			if l.luck(item, 201).IntN(10) == 0 {
				panic("boom")
			}
		},
	})
	switch l.rng.IntN(4) {
	case 0:
		l.limit = nil
		l.crews = []lifeCrew{l.batcher(false)}
	case 1:
		one := l.workers(false)
		settles := l.settles
		l.settles = false // there can be one
		l.crews = []lifeCrew{one, l.workers(true)}
		l.settles = settles
	case 2:
		l.keyed = true
		l.crews = []lifeCrew{l.workers(false)}
	default:
		l.crews = []lifeCrew{l.workers(false)}
	}
	return l
}

func (l *life) pick(d ...time.Duration) time.Duration { return d[l.rng.IntN(len(d))] }

func (l *life) retry() (r channelq.Retry) {
	if r.Attempts = l.rng.IntN(5); r.Attempts < 2 {
		return r
	}
	r.Initial = l.pick(1, time.Millisecond, time.Second)
	if l.rng.IntN(4) == 0 {
		r.If = func(err error) bool {
			if len(err.Error())%5 == 0 {
				panic("boom")
			}
			return len(err.Error())%3 > 0
		}
	}
	return r
}

func (l *life) key(item int) int { return item % len(l.running) }

func (l *life) workers(detach bool) lifeCrew {
	cfg := channelq.WorkerConfig[int]{
		Concurrency: 1 + l.rng.IntN(5), Retry: l.retry(), Detach: detach,
		Timeout: l.pick(0, 0, time.Second), KeepFailures: l.rng.IntN(4) - 1,
		OnGiveUp: l.onGiveUp, OnLeftover: l.onLeftover,
		LeftoverReserve: l.pick(0, 0, time.Millisecond, 3*time.Second),
	}
	if l.keyed {
		cfg.Key = func(item int) string {
			if l.luck(item, 202).IntN(50) == 0 {
				panic("boom")
			}
			return strconv.Itoa(l.key(item))
		}
	}
	switch l.rng.IntN(8) {
	case 0, 1:
		cfg.RateLimit, cfg.Burst = 20, l.rng.IntN(3)
	case 2:
		cfg.Limiter = rate.NewLimiter(20, 1)
	}
	if l.keyed {
		l.keyLimit = l.rng.IntN(3)
		cfg.KeyLimit = l.keyLimit
	}
	if l.limit != nil {
		cfg.Limit = l.limit
	}
	if l.settles {
		cfg.OnSettled = l.onSettled
		if l.rng.IntN(2) == 0 {
			cfg.Skip = l.skip
		}
	}
	if l.rng.IntN(6) == 0 {
		cfg.Drain = channelq.DropOnStop
	}
	return newWorkers(l.t, l.q, l.handle, cfg)
}

func (l *life) batcher(detach bool) lifeCrew {
	l.maxItems = 1 + l.rng.IntN(7)
	var onSettled func(int, channelq.Outcome, error)
	if l.settles {
		onSettled = l.onSettled
	}
	b, err := channelq.NewBatcher(l.q, l.handleBatch, channelq.BatchConfig[int]{
		OnSettled: onSettled, Drain: channelq.Drain(l.rng.IntN(6) / 5),
		MaxItems: l.maxItems, MaxWait: l.pick(0, time.Millisecond, time.Second), Retry: l.retry(), Detach: detach,
		Timeout: l.pick(0, 0, time.Second), KeepFailures: l.rng.IntN(4) - 1,
		OnGiveUp: l.onGiveUp, OnLeftover: l.onLeftover,
		LeftoverReserve: l.pick(0, 0, time.Millisecond, 3*time.Second),
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return b
}

// enqueue puts up to three items, from first on, in one of the ways there are.
func (l *life) enqueue(ctx context.Context, luck *rand.Rand, first int) {
	var err error
	switch luck.IntN(3) {
	case 0:
		err = l.q.TryEnqueue(first)
	case 1:
		err = l.q.Enqueue(ctx, first)
	default:
		items := []int{first, first + 100_000, first + 200_000}
		if s := l.q.Stats(); s.Mode == channelq.DropWrite || s.Capacity == 0 && s.Mode != channelq.Wait {
			items = items[:1] // of more, nobody says which were accepted
		}
		n, err := l.q.EnqueueAll(ctx, items)
		l.book.accept(items[:n]...)
		l.book.refuse(len(items) - n)
		if (err == nil) != (n == len(items)) {
			l.t.Errorf("EnqueueAll = %d, %v", n, err)
		}
		return
	}
	if err != nil {
		l.book.refuse(1)
		return
	}
	l.book.accept(first)
}

func (l *life) produce(producer int) {
	luck := l.luck(producer, 203)
	for i := range luck.IntN(40) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(luck.IntN(3000))*time.Millisecond)
		l.enqueue(ctx, luck, 10_000*(producer+1)+i)
		cancel()
		time.Sleep(time.Duration(luck.IntN(20)) * time.Millisecond)
	}
}

func (l *life) consume() {
	luck := l.luck(0, 204)
	for range luck.IntN(20) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(luck.IntN(300))*time.Millisecond)
		switch luck.IntN(3) {
		case 0:
			if item, err := l.q.Dequeue(ctx); err == nil {
				l.book.end(byHand, item)
			}
		case 1:
			buf := make([]int, 3)
			n, _ := l.q.DequeueBatch(ctx, buf)
			l.book.end(byHand, buf[:n]...)
		case 2:
			for item := range l.q.All(ctx) {
				l.book.end(byHand, item)
				if luck.IntN(3) == 0 {
					break
				}
			}
		}
		cancel()
	}
}

// meddle does one of the things that people do from outside.
func (l *life) meddle(rng *rand.Rand, c lifeCrew) {
	for _, f := range c.Failures() {
		if rng.IntN(4) == 0 {
			err := c.Requeue(f.ID)
			switch {
			case err == nil:
				l.book.accept(f.Item.(int))
			case errors.Is(err, channelq.ErrFull) || errors.Is(err, channelq.ErrClosed):
				l.book.refuse(1)
			}
		} else if rng.IntN(4) == 0 {
			_ = c.Discard(f.ID)
		}
	}
	switch c := c.(type) {
	case *channelq.Workers[int]:
		switch rng.IntN(3) {
		case 0:
			_ = c.Resize(1 + rng.IntN(6))
		case 1:
			_ = c.RateLimit(50, rng.IntN(3))
		case 2:
			_ = c.RateLimit(0, 0)
		}
	case *channelq.Batcher[int]:
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rng.IntN(500))*time.Millisecond)
		_ = c.Flush(ctx)
		cancel()
	}
	_ = fmt.Sprint(c.Stats())
}
