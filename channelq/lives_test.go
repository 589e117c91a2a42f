package channelq_test

import (
	"context"
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
