package suite_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	under "github.com/steadgo/stead/channelq/internal/engine"
)

func TestTakenItemsAreNotKeptAlive(*testing.T) {
	e := newEngine[*[1 << 10]byte](4, nil)
	gone := make(chan struct{}, 5)
	item := func() *[1 << 10]byte {
		v := new([1 << 10]byte)
		runtime.AddCleanup(v, func(c chan struct{}) { c <- struct{}{} }, gone)
		return v
	}
	var parked sync.WaitGroup
	parked.Go(func() { e.Take(background) })
	e.Put(background, item()) // perhaps through a waiter
	parked.Wait()
	for range 4 {
		e.TryPut(item())
	}
	e.TryTake()
	e.TakeN(background, make([]*[1 << 10]byte, 3))
	for n := 0; n < 5; {
		runtime.GC()
		select {
		case <-gone:
			n++
		default:
			runtime.Gosched()
		}
	}
	runtime.KeepAlive(e)
}

func TestManyCancelledWaitsLeaveNothing(t *testing.T) {
	e := newEngine[int](1, nil)
	full := newEngine[int](1, nil)
	full.TryPut(1)
	var before, after runtime.MemStats
	round := func(n int) {
		var wg sync.WaitGroup
		for range n / 100 {
			ctx, cancel := context.WithCancel(background)
			for range 50 {
				wg.Go(func() { e.Take(ctx) })
				wg.Go(func() { full.Put(ctx, 2) })
			}
			runtime.Gosched()
			cancel()
			wg.Wait()
		}
	}
	round(1000)
	goroutines := runtime.NumGoroutine()
	runtime.GC()
	runtime.ReadMemStats(&before)
	round(100_000)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > goroutines; runtime.Gosched() {
		if time.Now().After(end) { // one that has said that it is done takes its time to end
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), goroutines)
		}
	}
	if e.TryPut(1) != under.OK || e.Len() != 1 || full.Len() != 1 {
		t.Error("the waits left something behind")
	}
}

func TestNoItemCostsAnAllocation(t *testing.T) {
	e := newEngine[[4]int](8, func(time.Duration) {})
	buf := make([][4]int, 8)
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	if n := testing.AllocsPerRun(1000, func() {
		e.TryPut([4]int{})
		e.Put(ctx, [4]int{})
		e.PutN(ctx, nil, buf[:3])
		e.TryPutN(buf)
		e.PutOldest([4]int{})
		e.PutNewest([4]int{})
		e.Take(ctx)
		e.TryTake()
		e.TakeN(ctx, buf)
		e.TryTake()
		e.Oldest()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
