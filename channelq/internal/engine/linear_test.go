package engine_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/steadgo/stead/channelq/internal/engine"
)

// A million is some minutes of processor time and, since the calls wait, most of an
// hour: go test -run Linearizable -histories 1000000 -timeout 0
var histories = flag.Int("histories", 2500, "how many random histories to check")

// subject is what a history is made with.
type subject interface {
	Put(ctx context.Context, v uint16) engine.Outcome
	TryPut(v uint16) engine.Outcome
	PutN(ctx context.Context, halt <-chan struct{}, vs []uint16) (int, engine.Outcome)
	TryPutN(vs []uint16) (int, engine.Outcome)
	PutOldest(v uint16) (uint16, bool, engine.Outcome)
	PutNewest(v uint16) (uint16, bool, engine.Outcome)
	Take(ctx context.Context) (uint16, engine.Outcome)
	TryTake() (uint16, engine.Outcome)
	TakeN(ctx context.Context, buf []uint16) (int, engine.Outcome)
	TryTakeN(buf []uint16) (int, engine.Outcome)
	Close() bool
}

// recorder notes when operations began and ended, on a clock that only counts.
type recorder struct {
	clock atomic.Int64
	mu    sync.Mutex
	ops   []porcupine.Operation
}

// record runs op, which returns its steps.
func (r *recorder) record(client int, op func() []step) {
	call := r.clock.Add(1)
	steps := op()
	end := r.clock.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range steps {
		r.ops = append(r.ops, porcupine.Operation{ClientId: client, Input: s, Call: call, Return: end})
	}
}

func puts(kind string, items []uint16, o engine.Outcome) []step {
	var steps []step
	for _, v := range items {
		steps = append(steps, step{kind: kind, item: v})
	}
	if o != engine.OK {
		steps = append(steps, step{kind: kind, outcome: o})
	}
	return steps
}

func one(kind string, v uint16, o engine.Outcome) []step {
	return []step{{kind: kind, item: v, outcome: o}}
}

func displacing(kind string, v, displaced uint16, was bool, o engine.Outcome) []step {
	if !was {
		displaced = 0
	}
	return []step{{kind: kind, item: v, outcome: o, displaced: displaced}}
}

// history makes a few clients use s at random, empties it, and returns what
// happened.
func history(s subject, r *rand.Rand, clients, ops int) []porcupine.Operation {
	rec := &recorder{}
	var items atomic.Uint32
	var all sync.WaitGroup
	for c := range clients {
		mine := rand.New(rand.NewPCG(r.Uint64(), 0))
		all.Go(func() {
			for range ops {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(mine.IntN(100))*time.Microsecond)
				rec.record(c, func() []step { return operate(ctx, s, mine, &items) })
				cancel()
				if mine.IntN(3) == 0 {
					runtime.Gosched()
				}
			}
		})
	}
	all.Wait()
	rec.record(0, func() []step { return []step{{kind: "close", first: s.Close()}} })
	for o := engine.OK; o != engine.Closed; {
		rec.record(0, func() []step {
			var v uint16
			v, o = s.TryTake()
			return one("take", v, o)
		})
	}
	return rec.ops
}

// operate does one random operation.
func operate(ctx context.Context, s subject, r *rand.Rand, items *atomic.Uint32) []step {
	fresh := func(n int) []uint16 {
		vs := make([]uint16, n)
		for i := range vs {
			vs[i] = uint16(items.Add(1))
		}
		return vs
	}
	switch r.IntN(23) {
	case 0, 1, 2:
		v := fresh(1)[0]
		return one("put", v, s.Put(ctx, v))
	case 3, 4:
		v := fresh(1)[0]
		return one("put", v, s.TryPut(v))
	case 5, 6:
		vs := fresh(1 + r.IntN(3))
		n, o := s.PutN(ctx, nil, vs)
		return puts("put", vs[:n], o)
	case 7:
		vs := fresh(1 + r.IntN(3))
		n, o := s.TryPutN(vs)
		return puts("put", vs[:n], o)
	case 8:
		v := fresh(1)[0]
		d, was, o := s.PutOldest(v)
		return displacing("oldest", v, d, was, o)
	case 9:
		v := fresh(1)[0]
		d, was, o := s.PutNewest(v)
		return displacing("newest", v, d, was, o)
	case 10, 11, 12, 13:
		v, o := s.Take(ctx)
		return one("take", v, o)
	case 14, 15, 16:
		v, o := s.TryTake()
		return one("take", v, o)
	case 17, 18, 19:
		buf := make([]uint16, 1+r.IntN(3))
		n, o := s.TakeN(ctx, buf)
		return puts("take", buf[:n], o)
	case 20, 21:
		buf := make([]uint16, 1+r.IntN(3))
		n, o := s.TryTakeN(buf)
		return puts("take", buf[:n], o)
	default:
		if r.IntN(8) > 0 {
			return nil
		}
		return []step{{kind: "close", first: s.Close()}}
	}
}

// check says whether a history is one that a sequential queue could have had.
func check(capacity int, ops []porcupine.Operation) porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(model(capacity), ops, 10*time.Second)
}

func TestHistoriesAreLinearizable(t *testing.T) {
	r := rand.New(rand.NewPCG(rand.Uint64(), 0))
	for i := range *histories {
		capacity := []int{0, 1, 1, 2, 3, 4, 7}[r.IntN(7)]
		start := []uint64{0, 1<<62 - 3, 1<<56 - 9}[r.IntN(3)]
		e := engine.NewAt[uint16](engine.Config{Capacity: capacity}, start)
		ops := history(e, r, 2+r.IntN(4), 6)
		if result := check(capacity, ops); result == porcupine.Illegal {
			for _, op := range ops {
				t.Logf("client %d [%d, %d] %+v", op.ClientId, op.Call, op.Return, op.Input)
			}
			t.Fatalf("history %d with capacity %d has no order that a queue could have", i, capacity)
		}
	}
}

// losing forgets one item in 10,000 of those put one at a time.
type losing struct {
	engine.ByValue[uint16]
	puts *atomic.Int64
}

func (l losing) Put(ctx context.Context, v uint16) engine.Outcome {
	if l.puts.Add(1)%10_000 == 0 {
		return engine.OK
	}
	return l.ByValue.Put(ctx, v)
}

func (l losing) TryPut(v uint16) engine.Outcome {
	if l.puts.Add(1)%10_000 == 0 {
		return engine.OK
	}
	return l.ByValue.TryPut(v)
}

func TestTheCheckNoticesOneLostItemInTenThousand(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var puts atomic.Int64
	for puts.Load() < 20_000 {
		e := engine.NewByValue[uint16](engine.Config{Capacity: 3})
		before := puts.Load() / 10_000
		ops := history(losing{e, &puts}, r, 4, 6)
		lost := puts.Load()/10_000 != before
		result := check(3, ops)
		if result == porcupine.Unknown {
			continue // there was no time to find out
		}
		if legal := result == porcupine.Ok; legal == lost {
			t.Fatalf("an item was lost: %t; the history is legal: %t", lost, legal)
		}
		if lost {
			return
		}
	}
	t.Fatal("no item was lost")
}
