package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq/internal/engine"
)

// item says who put it and as which one. It is so large that 64 are a chunk.
type item struct {
	producer, seq int
	_             [30]int
}

// traffic is many producers and consumers on one engine, each call chosen at
// random, some of them cancelled. It returns what went in and what came out, per
// producer.
type traffic struct {
	capacity, producers, consumers, items int
	start                                 uint64
	cancels                               bool // some calls get contexts that end early
	closeEarly                            bool // Close while producers are at work
	displacing                            bool // some puts are PutOldest and PutNewest
}

type tally struct {
	mu   sync.Mutex
	put  map[item]bool
	gone map[item]int
	errs []string
	// tried counts the items offered; halfway is closed when it reaches half.
	tried   atomic.Int64
	halfway chan struct{}
}

func (c *tally) accepted(items ...item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, it := range items {
		c.put[it] = true
	}
}

func (c *tally) left(items ...item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, it := range items {
		c.gone[it]++
	}
}

func (c *tally) errorf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.errs = append(c.errs, fmt.Sprintf(format, args...))
}

func (tr traffic) run(t *testing.T) {
	t.Helper()
	e := engine.NewAt[item](engine.Config{Capacity: tr.capacity}, tr.start)
	c := &tally{put: map[item]bool{}, gone: map[item]int{}, halfway: make(chan struct{})}
	half := int64(tr.items * tr.producers / 2)
	var producers, consumers sync.WaitGroup
	for p := range tr.producers {
		producers.Go(func() { tr.produce(e, c, p, half) })
	}
	for range tr.consumers {
		consumers.Go(func() { tr.consume(e, c) })
	}
	if tr.closeEarly {
		<-c.halfway
		e.Close()
	}
	producers.Wait()
	e.Close()
	consumers.Wait()
	select {
	case <-e.Drained():
	default:
		c.errorf("closed and emptied, but not drained")
	}
	tr.check(t, e, c)
}

func (tr traffic) check(t *testing.T, e engine.ByValue[item], c *tally) {
	t.Helper()
	for it := range c.put {
		if c.gone[it] != 1 {
			c.errorf("item %v was accepted and came out %d times", it, c.gone[it])
		}
	}
	for it := range c.gone {
		if !c.put[it] {
			c.errorf("item %v came out and was not accepted", it)
		}
	}
	put, taken := e.Totals()
	if put != taken || put != uint64(len(c.put)) {
		c.errorf("totals are %d put and %d taken, want both %d", put, taken, len(c.put))
	}
	if n := e.Len(); n != 0 {
		c.errorf("%d items in a drained engine", n)
	}
	if n := e.HighWater(); n > tr.capacity || n < min(1, tr.capacity) {
		c.errorf("high water is %d with capacity %d", n, tr.capacity)
	}
	for i, err := range c.errs {
		if i == 10 {
			t.Fatalf("and %d more", len(c.errs)-i)
		}
		t.Error(err)
	}
}

// context returns one that ends early now and then.
func (tr traffic) context(r *rand.Rand) (context.Context, context.CancelFunc) {
	if !tr.cancels {
		return context.Background(), func() {}
	}
	return context.WithTimeout(context.Background(), time.Duration(r.IntN(60))*time.Microsecond)
}

func (tr traffic) produce(e engine.ByValue[item], c *tally, p int, half int64) {
	r := rand.New(rand.NewPCG(uint64(p), 1))
	for seq := 0; seq < tr.items; {
		batch := make([]item, 1+r.IntN(9))
		for i := range batch {
			batch[i] = item{producer: p, seq: seq + i}
		}
		seq += len(batch)
		if n := c.tried.Add(int64(len(batch))); n >= half && n-int64(len(batch)) < half {
			close(c.halfway)
		}
		ctx, cancel := tr.context(r)
		n, o := tr.putSomehow(ctx, e, c, r, batch)
		cancel()
		c.accepted(batch[:n]...)
		if o == engine.Closed {
			return
		}
	}
}

// putSomehow puts a prefix of batch by one of the ways there are.
func (tr traffic) putSomehow(ctx context.Context, e engine.ByValue[item], c *tally, r *rand.Rand, batch []item) (int, engine.Outcome) {
	single := func(o engine.Outcome) (int, engine.Outcome) {
		if o == engine.OK {
			return 1, o
		}
		return 0, o
	}
	ways := 4
	if tr.displacing {
		ways = 6
	}
	switch r.IntN(ways) {
	case 0:
		return single(e.TryPut(batch[0]))
	case 1:
		return e.PutN(ctx, nil, batch)
	case 2:
		return e.TryPutN(batch)
	case 4, 5:
		put := e.PutOldest
		if r.IntN(2) == 0 {
			put = e.PutNewest
		}
		displaced, was, o := put(batch[0])
		if was {
			c.left(displaced)
		}
		return single(o)
	default:
		return single(e.Put(ctx, batch[0]))
	}
}

func (tr traffic) consume(e engine.ByValue[item], c *tally) {
	r := rand.New(rand.NewPCG(uint64(tr.items), 2))
	last := map[int]int{}
	buf := make([]item, 16)
	for {
		ctx, cancel := tr.context(r)
		var n int
		var o engine.Outcome
		switch r.IntN(4) {
		case 0:
			n, o = e.TakeN(ctx, buf)
		case 1:
			n, o = e.TryTakeN(buf[:1+r.IntN(16)])
		case 2:
			if buf[0], o = e.TryTake(); o == engine.OK {
				n = 1
			}
		default:
			if buf[0], o = e.Take(ctx); o == engine.OK {
				n = 1
			}
		}
		cancel()
		if o == engine.Closed {
			return
		}
		if o == engine.OK && n == 0 {
			c.errorf("a take returned OK without an item")
		}
		c.left(buf[:n]...)
		for _, it := range buf[:n] {
			if prev, seen := last[it.producer]; seen && prev >= it.seq {
				c.errorf("a consumer got %v after item %d of that producer", it, prev)
			}
			last[it.producer] = it.seq
		}
	}
}

func TestNothingIsLostDoubledOrReordered(t *testing.T) {
	for _, capacity := range []int{0, 1, 2, 7, 64, 1000} { // 1000 are 16 chunks
		for _, cancels := range []bool{false, true} {
			for _, displacing := range []bool{false, true} {
				name := fmt.Sprintf("capacity %d cancels %t displacing %t", capacity, cancels, displacing)
				t.Run(name, func(t *testing.T) {
					for _, closeEarly := range []bool{false, true} {
						traffic{capacity: capacity, producers: 8, consumers: 4, items: 600,
							cancels: cancels, displacing: displacing, closeEarly: closeEarly}.run(t)
					}
				})
			}
		}
	}
}

func TestIndicesWrap(t *testing.T) {
	for _, capacity := range []int{1, 3, 64, 200} {
		for _, back := range []uint64{0, 1, 5, 700} {
			traffic{capacity: capacity, producers: 4, consumers: 2, items: 500, start: 1<<62 - back, displacing: true}.run(t)
			traffic{capacity: capacity, producers: 4, consumers: 2, items: 500, start: 1<<56 - back, displacing: true}.run(t)
		}
	}
}
