package engine_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/steadgo/stead/channelq/internal/engine"
)

func TestNothingIsAllocatedPerItem(t *testing.T) {
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	e := engine.NewByValue[[16]int](engine.Config{Capacity: 100})
	batch, buf := make([][16]int, 50), make([][16]int, 50)
	var v [16]int
	ways := map[string]func(){
		"single items":   func() { e.Put(ctx, v); e.Take(ctx) },
		"tries":          func() { e.TryPut(v); e.TryTake() },
		"batches":        func() { e.PutN(ctx, nil, batch); e.TakeN(ctx, buf) },
		"tried batches":  func() { e.TryPutN(batch); e.TryTakeN(buf) },
		"displacing":     func() { e.PutOldest(v); e.PutNewest(v) },
		"measuring":      func() { e.Len(); e.Totals(); e.HighWater(); e.Oldest() },
		"failed attempt": func() { e.TryTakeN(buf); e.TryTake() },
	}
	for name, way := range ways {
		if n := testing.AllocsPerRun(1000, way); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// A pair of goroutines that park for each other's items.
func TestWaitingAllocatesNothing(t *testing.T) {
	for _, capacity := range []int{0, 1} {
		there, back := newEngine(capacity), newEngine(capacity)
		go func() {
			for {
				v, o := there.Take(background)
				if o != engine.OK {
					back.Close()
					return
				}
				back.Put(background, v)
			}
		}()
		round := func() {
			there.Put(background, 1)
			back.Take(background)
		}
		round()
		if n := testing.AllocsPerRun(1000, round); n != 0 {
			t.Errorf("capacity %d: %v allocations a round", capacity, n)
		}
		there.Close()
		<-back.Drained()
	}
}

func TestConsumedItemsAreCollected(t *testing.T) {
	ways := map[string]func(e engine.ByValue[*[64]int]){
		"take":       func(e engine.ByValue[*[64]int]) { e.TryTake() },
		"batch":      func(e engine.ByValue[*[64]int]) { e.TryTakeN(make([]*[64]int, 3)) },
		"put oldest": func(e engine.ByValue[*[64]int]) { e.PutOldest(nil) },
		"put newest": func(e engine.ByValue[*[64]int]) { e.TryTake(); e.PutNewest(nil) },
		// The second take does not look at tail.
		"take of two": func(e engine.ByValue[*[64]int]) { e.TryTake(); e.TryTake() },
	}
	for name, consume := range ways {
		t.Run(name, func(t *testing.T) {
			e := engine.NewByValue[*[64]int](engine.Config{Capacity: 1})
			if name == "take of two" {
				e = engine.NewByValue[*[64]int](engine.Config{Capacity: 2})
				e.TryPut(nil)
			}
			var gone atomic.Bool
			func() {
				item := new([64]int)
				runtime.AddCleanup(item, func(int) { gone.Store(true) }, 0)
				e.TryPut(item)
				consume(e)
			}()
			for i := 0; !gone.Load(); i++ {
				if i == 1000 {
					t.Fatal("the engine keeps a consumed item alive")
				}
				runtime.GC()
			}
			runtime.KeepAlive(e)
		})
	}
}

func TestAWaitingPutDoesNotKeepItsItemAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := engine.NewByValue[*[64]int](engine.Config{Capacity: 1})
		e.TryPut(nil)
		var gone atomic.Bool
		go func() {
			item := new([64]int)
			runtime.AddCleanup(item, func(int) { gone.Store(true) }, 0)
			e.Put(t.Context(), item)
		}()
		synctest.Wait()
		e.TryTake()
		e.TryTake()
		synctest.Wait()
		for i := 0; !gone.Load(); i++ {
			if i == 1000 {
				t.Fatal("the engine keeps a consumed item alive")
			}
			runtime.GC()
		}
		runtime.KeepAlive(e)
	})
}

func TestAForgottenEngineIsCollected(t *testing.T) {
	var gone atomic.Bool
	func() {
		e := newEngine(10)
		runtime.AddCleanup(e.Engine, func(int) { gone.Store(true) }, 0)
		e.TryPut(1)
	}()
	for i := 0; !gone.Load(); i++ {
		if i == 1000 {
			t.Fatal("an engine that nobody holds is still there")
		}
		runtime.GC()
	}
}

func TestCancelledWaitsLeaveNothing(t *testing.T) {
	for _, capacity := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			full, empty := newEngine(capacity), newEngine(capacity)
			fill(t, full)
			heap := func() uint64 {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return m.HeapAlloc
			}
			var before uint64
			for i := range 100 {
				if i == 1 {
					before = heap()
				}
				ctx, cancel := context.WithCancel(t.Context())
				for range 500 {
					go full.Put(ctx, 1)
					go empty.Take(ctx)
				}
				synctest.Wait()
				cancel()
				synctest.Wait()
			}
			if grown := int64(heap()) - int64(before); grown > 1<<20 {
				t.Errorf("the heap has grown by %d bytes", grown)
			}
			want(t, "the length of the full one", full.Len(), capacity)
			want(t, "the length of the empty one", empty.Len(), 0)
			go full.Put(t.Context(), capacity)
			synctest.Wait()
			wantItems(t, rest(full), upTo(capacity+1)...)
		})
	}
}
