package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/steadgo/stead/channelq/internal/engine"
)

var background = context.Background()

// capacities include the smallest, powers of two and others; the items of the
// largest are in more than one chunk.
var capacities = []int{1, 2, 3, 7, 8, 64, 1000, 5000}

func newEngine(capacity int) engine.ByValue[int] {
	return engine.NewByValue[int](engine.Config{Capacity: capacity})
}

// fill puts 0, 1, 2 ... until the engine is full.
func fill(t *testing.T, e engine.ByValue[int]) {
	t.Helper()
	for i := range e.Cap() {
		if o := e.TryPut(i); o != engine.OK {
			t.Fatalf("put %d of %d: %v", i, e.Cap(), o)
		}
	}
}

// rest takes all that is there without waiting.
func rest(e engine.ByValue[int]) []int {
	var all []int
	for {
		v, o := e.TryTake()
		if o != engine.OK {
			return all
		}
		all = append(all, v)
	}
}

func want[V comparable](t *testing.T, what string, got, want V) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func wantItems(t *testing.T, got []int, items ...int) {
	t.Helper()
	if !slices.Equal(got, items) {
		t.Errorf("took %v, want %v", got, items)
	}
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func eachCapacity(t *testing.T, test func(t *testing.T, capacity int)) {
	for _, capacity := range capacities {
		t.Run(fmt.Sprint(capacity), func(t *testing.T) { test(t, capacity) })
	}
}

func TestHoldsExactlyItsCapacity(t *testing.T) {
	eachCapacity(t, func(t *testing.T, capacity int) {
		e := newEngine(capacity)
		for range 3 { // also when the ring has wrapped
			fill(t, e)
			want(t, "the outcome of one put more", e.TryPut(-1), engine.Full)
			want(t, "the length", e.Len(), capacity)
			want(t, "the high-water mark", e.HighWater(), capacity)
			wantItems(t, rest(e), upTo(capacity)...)
			want(t, "the length", e.Len(), 0)
		}
	})
}

func TestBatchesPutAPrefixAndTakeWhatIsThere(t *testing.T) {
	eachCapacity(t, func(t *testing.T, capacity int) {
		e := newEngine(capacity)
		for _, size := range []int{1, 2, capacity, capacity + 1, 3*capacity + 300} {
			n, o := e.TryPutN(upTo(size))
			want(t, "what was put", n, min(size, capacity))
			want(t, "all of it", o == engine.OK, size <= capacity)
			buf := make([]int, capacity+500)
			m, o := e.TryTakeN(buf)
			want(t, "the outcome", o, engine.OK)
			wantItems(t, buf[:m], upTo(n)...)
		}
	})
}

func TestSingleItemsAndBatchesMix(t *testing.T) {
	e := newEngine(10)
	e.TryPutN([]int{0, 1, 2, 3})
	e.TryPut(4)
	v, _ := e.TryTake()
	want(t, "the first", v, 0)
	e.TryPutN([]int{5, 6, 7})
	buf := make([]int, 2)
	n, _ := e.TryTakeN(buf)
	wantItems(t, buf[:n], 1, 2)
	e.TryPut(8)
	wantItems(t, rest(e), 3, 4, 5, 6, 7, 8)
}

func TestEmptyBatchesDoNothing(t *testing.T) {
	e := newEngine(1)
	if n, o := e.PutN(background, nil, nil); n != 0 || o != engine.OK {
		t.Errorf("an empty put gave %d, %v", n, o)
	}
	if n, o := e.TakeN(background, nil); n != 0 || o != engine.OK {
		t.Errorf("an empty take gave %d, %v", n, o)
	}
}

func TestEmptyEngineHasNothingToTake(t *testing.T) {
	for _, capacity := range []int{0, 1, 7} {
		e := newEngine(capacity)
		_, o := e.TryTake()
		want(t, "the outcome", o, engine.Empty)
		_, o = e.TryTakeN(make([]int, 3))
		want(t, "the outcome of a batch", o, engine.Empty)
	}
}

func TestPutOldestKeepsTheLast(t *testing.T) {
	eachCapacity(t, func(t *testing.T, capacity int) {
		e := newEngine(capacity)
		var displaced []int
		for i := range 2*capacity + 1 {
			v, was, o := e.PutOldest(i)
			want(t, "the outcome", o, engine.OK)
			want(t, "that one gave way", was, i >= capacity)
			if was {
				displaced = append(displaced, v)
			}
		}
		wantItems(t, displaced, upTo(capacity+1)...)
		wantItems(t, rest(e), upTo(2*capacity + 1)[capacity+1:]...)
		put, taken := e.Totals()
		want(t, "the total put", put, uint64(2*capacity+1))
		want(t, "the total taken", taken, put)
	})
}

func TestPutNewestKeepsTheFirstAndTheLast(t *testing.T) {
	eachCapacity(t, func(t *testing.T, capacity int) {
		e := newEngine(capacity)
		e.TryPutN([]int{-1, -2}) // so that the ring has moved
		rest(e)
		before, _ := e.Totals()
		e.TryPutN(upTo(capacity)) // the newest is the end of a run
		for i := capacity; i < 2*capacity; i++ {
			v, was, o := e.PutNewest(i)
			if v != i-1 || !was || o != engine.OK {
				t.Fatalf("put %d: %d gave way (%t, %v), want %d", i, v, was, o, i-1)
			}
		}
		wantItems(t, rest(e), append(upTo(capacity-1), 2*capacity-1)...)
		put, taken := e.Totals()
		want(t, "the total put", put-before, uint64(2*capacity))
		want(t, "the total taken", taken, put)
	})
}

func TestDisplacingPutsAreRefusedAfterClose(t *testing.T) {
	for _, capacity := range []int{0, 1, 3} {
		e := newEngine(capacity)
		fill(t, e)
		e.Close()
		_, was, o := e.PutOldest(9)
		want(t, "the outcome of PutOldest", o, engine.Closed)
		want(t, "that one gave way", was, false)
		_, was, o = e.PutNewest(9)
		want(t, "the outcome of PutNewest", o, engine.Closed)
		want(t, "that one gave way", was, false)
		wantItems(t, rest(e), upTo(capacity)...)
	}
}

func TestCloseDrains(t *testing.T) {
	eachCapacity(t, func(t *testing.T, capacity int) {
		e := newEngine(capacity)
		fill(t, e)
		want(t, "the first Close", e.Close(), true)
		want(t, "the second Close", e.Close(), false)
		want(t, "a put", e.Put(background, 1), engine.Closed)
		want(t, "a try", e.TryPut(1), engine.Closed)
		n, o := e.PutN(background, nil, []int{1, 2})
		want(t, "what a batch put", n, 0)
		want(t, "a batch", o, engine.Closed)
		for i := range capacity {
			select {
			case <-e.Drained():
				t.Fatal("drained with items left")
			default:
			}
			if v, o := e.Take(background); v != i || o != engine.OK {
				t.Fatalf("take %d gave %d, %v", i, v, o)
			}
		}
		<-e.Drained()
		_, o = e.Take(background)
		want(t, "a take", o, engine.Closed)
		_, o = e.TryTake()
		want(t, "a try", o, engine.Closed)
		_, o = e.TakeN(background, make([]int, 2))
		want(t, "a batch", o, engine.Closed)
	})
}

func TestACloseRefusesPutsAlthoughThereIsRoom(t *testing.T) {
	eachCapacity(t, func(t *testing.T, capacity int) {
		e := newEngine(capacity)
		fill(t, e) // so that puts take their shortest way from here on
		rest(e)
		e.TryPut(0)
		e.Close()
		want(t, "a put", e.Put(background, -1), engine.Closed)
		want(t, "a try", e.TryPut(-1), engine.Closed)
		_, o := e.TryPutN([]int{-1, -2})
		want(t, "a batch", o, engine.Closed)
		wantItems(t, rest(e), 0)
		<-e.Drained()
	})
}

func TestCloseOfAnEmptyEngineDrainsItAtOnce(*testing.T) {
	for _, capacity := range []int{0, 1, 9} {
		e := newEngine(capacity)
		e.Close()
		<-e.Drained()
	}
}

func TestADoneContextWinsOverRoomAndItems(t *testing.T) {
	ctx, cancel := context.WithCancel(background)
	cancel()
	e := newEngine(4)
	e.TryPut(1)
	for range 100 {
		want(t, "a put", e.Put(ctx, 2), engine.Canceled)
		_, o := e.PutN(ctx, nil, []int{2})
		want(t, "a batch", o, engine.Canceled)
		_, o = e.Take(ctx)
		want(t, "a take", o, engine.Canceled)
		_, o = e.TakeN(ctx, make([]int, 1))
		want(t, "a batch", o, engine.Canceled)
	}
	wantItems(t, rest(e), 1)
}

func TestZeroSizeAndNilItems(t *testing.T) {
	nothing := engine.NewByValue[struct{}](engine.Config{Capacity: 3})
	for range 3 {
		want(t, "a put", nothing.TryPut(struct{}{}), engine.OK)
	}
	want(t, "one more", nothing.TryPut(struct{}{}), engine.Full)
	want(t, "the length", nothing.Len(), 3)
	pointers := engine.NewByValue[*int](engine.Config{Capacity: 2})
	pointers.TryPut(nil)
	v, o := pointers.TryTake()
	want(t, "the item", v, nil)
	want(t, "the outcome", o, engine.OK)
}

func TestNegativeCapacityPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	newEngine(-1)
}
