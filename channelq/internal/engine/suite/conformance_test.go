package suite_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	under "github.com/steadgo/stead/channelq/internal/engine"
)

var background = context.Background()

// rest takes everything out of a closed engine.
func rest[T any](e engine[T]) []T {
	var all []T
	for {
		v, o := e.TryTake()
		if o != under.OK {
			return all
		}
		all = append(all, v)
	}
}

func TestItHoldsExactlyItsCapacityAndNeverRefusesWithoutReason(t *testing.T) {
	for _, capacity := range []int{1, 2, 3, 7, 64, 1000} {
		e := newEngine[int](capacity, nil)
		for round := range 5 { // the ring wraps at a different place each time
			for i := range capacity {
				if o := e.TryPut(i); o != under.OK {
					t.Fatalf("capacity %d: put %d = %v", capacity, i, o)
				}
			}
			if o := e.TryPut(-1); o != under.Full || e.Len() != capacity {
				t.Fatalf("capacity %d: put into the full engine = %v, length %d", capacity, o, e.Len())
			}
			for i := range capacity {
				if v, o := e.TryTake(); v != i || o != under.OK {
					t.Fatalf("capacity %d: take %d = %d, %v", capacity, i, v, o)
				}
			}
			if _, o := e.TryTake(); o != under.Empty || e.Len() != 0 {
				t.Fatalf("capacity %d: take from the empty engine = %v", capacity, o)
			}
			if put, taken := e.Totals(); put != taken || put != uint64(capacity*(round+1)) {
				t.Fatalf("capacity %d: totals %d, %d", capacity, put, taken)
			}
		}
		if e.Cap() != capacity || e.HighWater() != capacity {
			t.Errorf("capacity %d, high water %d, want %d", e.Cap(), e.HighWater(), capacity)
		}
	}
}

func TestDisplacingPutsNeverWaitAndKeepTheTotals(t *testing.T) {
	for name, put := range map[string]func(engine[int], int) (int, bool, under.Outcome){
		"oldest": engine[int].PutOldest, "newest": engine[int].PutNewest,
	} {
		e := newEngine[int](3, nil)
		var evicted []int
		for i := range 10 {
			v, was, o := put(e, i)
			if o != under.OK || was != (i >= 3) {
				t.Fatalf("%s: put %d = %v, %v", name, i, was, o)
			}
			if was {
				evicted = append(evicted, v)
			}
		}
		in, out := e.Totals()
		if in != 10 || out != 7 || e.Len() != 3 {
			t.Errorf("%s: totals %d, %d with length %d", name, in, out, e.Len())
		}
		e.Close()
		if _, _, o := put(e, 99); o != under.Closed {
			t.Errorf("%s: put after close = %v", name, o)
		}
		got := rest(e)
		wantGot, wantOut := []int{7, 8, 9}, []int{0, 1, 2, 3, 4, 5, 6}
		if name == "newest" {
			wantGot, wantOut = []int{0, 1, 9}, []int{2, 3, 4, 5, 6, 7, 8}
		}
		if !slices.Equal(got, wantGot) || !slices.Equal(evicted, wantOut) {
			t.Errorf("%s: kept %v, evicted %v", name, got, evicted)
		}
	}
}

func TestWaitersAreServedInTheOrderTheyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine[int](1, nil)
		e.TryPut(0)
		for i := 1; i <= 5; i++ {
			go e.Put(background, i)
			synctest.Wait()
		}
		for want := range 6 {
			if v, o := e.Take(background); v != want || o != under.OK {
				t.Errorf("take = %d, %v, want %d", v, o, want)
			}
			synctest.Wait()
		}
		var got [5]int
		for i := range got {
			go func() { got[i], _ = e.Take(background) }()
			synctest.Wait()
		}
		for i := range got {
			if o := e.Put(background, 10+i); o != under.OK {
				t.Errorf("put = %v", o)
			}
			synctest.Wait()
		}
		if got != [5]int{10, 11, 12, 13, 14} {
			t.Errorf("the waiting takes got %v", got)
		}
	})
}

func TestACancelledWaitMovesNothingAndTheNextOneIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine[int](1, nil)
		ctx, cancel := context.WithCancel(background)
		var outcomes [5]under.Outcome
		for i := range outcomes {
			go func() { _, outcomes[i] = e.Take(ctx) }()
		}
		synctest.Wait()
		var got [7]int
		for i := range got {
			go func() { got[i], _ = e.Take(background) }()
			synctest.Wait()
		}
		cancel()
		synctest.Wait()
		for _, o := range outcomes {
			if o != under.Canceled {
				t.Errorf("a cancelled take = %v", o)
			}
		}
		for i := range got {
			e.TryPut(i)
			synctest.Wait()
		}
		if got != [7]int{0, 1, 2, 3, 4, 5, 6} {
			t.Errorf("the others got %v", got)
		}

		ctx, cancel = context.WithCancel(background)
		e.TryPut(0)
		var o under.Outcome
		go func() { o = e.Put(ctx, 1) }()
		synctest.Wait()
		go e.Put(background, 2)
		synctest.Wait()
		cancel()
		synctest.Wait()
		e.TryTake()
		synctest.Wait()
		if v, _ := e.TryTake(); v != 2 || o != under.Canceled {
			t.Errorf("took %d after the put of 1 ended with %v", v, o)
		}
	})
}

func TestADoneContextMovesNothingAlthoughItCould(t *testing.T) {
	ctx, cancel := context.WithCancel(background)
	cancel()
	e := newEngine[int](2, nil)
	e.TryPut(1)
	n, on := e.PutN(ctx, nil, []int{2})
	_, ot := e.Take(ctx)
	m, om := e.TakeN(ctx, make([]int, 1))
	if op := e.Put(ctx, 2); op != under.Canceled || on != under.Canceled || ot != under.Canceled || om != under.Canceled || n+m != 0 {
		t.Errorf("outcomes %v %v %v %v, moved %d and %d", op, on, ot, om, n, m)
	}
	if e.Len() != 1 {
		t.Errorf("length %d", e.Len())
	}
}

func TestBatchesMoveInPiecesAndAreAPrefixWhenCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine[int](3, nil)
		ctx, cancel := context.WithCancel(background)
		var n int
		var o under.Outcome
		go func() { n, o = e.PutN(ctx, nil, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) }()
		synctest.Wait()
		buf := make([]int, 2)
		if k, ot := e.TakeN(background, buf); k != 2 || ot != under.OK || !slices.Equal(buf, []int{0, 1}) {
			t.Errorf("take = %d, %v: %v", k, ot, buf)
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		if n != 5 || o != under.Canceled {
			t.Errorf("the cancelled put = %d, %v", n, o)
		}
		if k, o := e.TryPutN([]int{20}); k != 0 || o != under.Full {
			t.Errorf("put into the full engine = %d, %v", k, o)
		}
		buf = make([]int, 8)
		if k, _ := e.TakeN(background, buf); k != 3 || !slices.Equal(buf[:k], []int{2, 3, 4}) {
			t.Errorf("took %v", buf[:k])
		}
		if k, o := e.TryPutN([]int{20, 21, 22, 23}); k != 3 || o != under.Full {
			t.Errorf("put = %d, %v", k, o)
		}
		if k, o := e.TryTakeN(nil); k != 0 || o != under.OK {
			t.Errorf("take of nothing = %d, %v", k, o)
		}
	})
}
