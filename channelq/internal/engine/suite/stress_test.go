package suite_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	under "github.com/steadgo/stead/channelq/internal/engine"
)

// item is the n-th of a producer.
type item struct{ producer, n int }

// tally counts where items came from and went, without a lock that would put the
// calls under test in a row.
type tally struct {
	put, out [8][]atomic.Int32
}

func newTally(n int) *tally {
	t := new(tally)
	for p := range t.put {
		t.put[p], t.out[p] = make([]atomic.Int32, n), make([]atomic.Int32, n)
	}
	return t
}

func (t *tally) gotIn(vs ...item) {
	for _, v := range vs {
		t.put[v.producer][v.n].Add(1)
	}
}

func (t *tally) gotOut(vs ...item) {
	for _, v := range vs {
		t.out[v.producer][v.n].Add(1)
	}
}

// impatient is a context that ends soon, or sometimes not.
func impatient() (context.Context, context.CancelFunc) {
	if rand.IntN(4) == 0 {
		return context.WithCancel(background)
	}
	return context.WithTimeout(background, time.Duration(rand.IntN(60))*time.Microsecond)
}

// feed puts the items 0 to n-1 of a producer in every way.
func feed(e engine[item], producer, n int, t *tally, displace func(engine[item], item) (item, bool, under.Outcome)) {
	for i := 0; i+3 <= n; i += 3 {
		vs := []item{{producer, i}, {producer, i + 1}, {producer, i + 2}}
		ctx, cancel := impatient()
		switch rand.IntN(4) {
		case 0:
			for _, v := range vs {
				if e.Put(ctx, v) == under.OK {
					t.gotIn(v)
				}
			}
		case 1:
			k, _ := e.PutN(ctx, nil, vs)
			t.gotIn(vs[:k]...)
		case 2:
			k, _ := e.TryPutN(vs)
			t.gotIn(vs[:k]...)
		case 3:
			for _, v := range vs {
				if displace == nil {
					if e.TryPut(v) == under.OK {
						t.gotIn(v)
					}
					continue
				}
				old, was, o := displace(e, v)
				if o == under.OK {
					t.gotIn(v)
				}
				if was {
					t.gotOut(old)
				}
			}
		}
		cancel()
	}
}

// eat takes in every way until the engine is drained, and checks that the items
// of each producer rise.
func eat(t *testing.T, e engine[item], to *tally) {
	last := [8]int{}
	got := func(vs ...item) {
		to.gotOut(vs...)
		for _, v := range vs {
			if v.n < last[v.producer] {
				t.Errorf("item %d of producer %d came after %d", v.n, v.producer, last[v.producer]-1)
			}
			last[v.producer] = v.n + 1
		}
	}
	buf := make([]item, 4)
	for o := under.OK; o != under.Closed; {
		var v item
		var n int
		ctx, cancel := impatient()
		switch rand.IntN(4) {
		case 0:
			if v, o = e.Take(ctx); o == under.OK {
				got(v)
			}
		case 1:
			if v, o = e.TryTake(); o == under.OK {
				got(v)
			}
		case 2:
			n, o = e.TakeN(ctx, buf)
			got(buf[:n]...)
		case 3:
			n, o = e.TryTakeN(buf)
			got(buf[:n]...)
		}
		cancel()
	}
}

func TestEveryItemThatGotInComesOutOnceWhateverIsCancelledAndWheneverItIsClosed(t *testing.T) {
	rounds, items := 24, 600
	if testing.Short() {
		rounds, items = 6, 150
	}
	displacers := []func(engine[item], item) (item, bool, under.Outcome){nil, engine[item].PutOldest, engine[item].PutNewest}
	for round := range rounds {
		capacity := []int{0, 1, 7, 64}[round%4]
		displace := displacers[round/4%3]
		if capacity == 0 {
			displace = nil // gives back what was never in
		}
		e := newEngine[item](capacity, func(time.Duration) {})
		to := newTally(items)
		var producers, consumers sync.WaitGroup
		for p := range to.put {
			producers.Go(func() { feed(e, p, items, to, displace) })
		}
		for range 4 {
			consumers.Go(func() { eat(t, e, to) })
		}
		if round%2 == 0 {
			time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
		} else {
			producers.Wait()
		}
		e.Close()
		producers.Wait()
		consumers.Wait()
		<-e.Drained()
		var in uint64
		for p := range to.put {
			for i := range to.put[p] {
				if put, out := to.put[p][i].Load(), to.out[p][i].Load(); put != out || put > 1 {
					t.Fatalf("round %d: item %d of producer %d was put %d times and came out %d times", round, i, p, put, out)
				}
				in += uint64(to.put[p][i].Load())
			}
		}
		if put, taken := e.Totals(); put != in || taken != in || e.Len() != 0 || e.HighWater() > capacity {
			t.Errorf("round %d: totals %d and %d, want %d; length %d, high water %d of %d", round, put, taken, in, e.Len(), e.HighWater(), capacity)
		}
	}
}

func TestProducersThatWaitGetTheSameShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const producers, each, capacity = 16, 50, 4
		e := newEngine[item](capacity, nil)
		for p := range producers {
			go func() {
				for i := range each {
					e.Put(background, item{p, i})
				}
			}()
		}
		counts := [producers]int{}
		for i := range producers * each {
			synctest.Wait() // all of them wait; the first to come had filled the engine
			v, _ := e.Take(background)
			counts[v.producer]++
			if low, high := slices.Min(counts[:]), slices.Max(counts[:]); i < producers*(each-capacity) && high-low > capacity+2 {
				t.Errorf("after %d items the shares are %v", i, counts)
			}
		}
	})
}
