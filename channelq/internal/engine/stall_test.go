package engine_test

import (
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/steadgo/stead/channelq/internal/engine"
)

// These tests hold a call between its two atomics for as long as they like,
// which an operating system does for milliseconds.

func TestATakeParksBehindAStalledTakeAndIsWokenByIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(4)
		e.TryPutN([]int{0, 1})
		resume := e.StallTake()
		var got int
		var o engine.Outcome
		go func() { got, o = e.Take(t.Context()) }()
		synctest.Wait()
		want(t, "the item of the stalled take", resume(), 0)
		synctest.Wait()
		want(t, "the item", got, 1)
		want(t, "the outcome", o, engine.OK)
	})
}

func TestATakeParksBehindAStalledPutAndIsWokenByIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(4)
		resume := e.StallPut(0)
		got := []int{-1, -1}
		for i := range got {
			go func() { got[i], _ = e.Take(t.Context()) }()
			synctest.Wait()
		}
		go e.TryPut(1)
		yield()
		wantItems(t, got, -1, -1)
		resume()
		synctest.Wait()
		wantItems(t, got, 0, 1)
	})
}

// yield lets the other goroutines of a test run, of which one may not park.
func yield() {
	for range 10_000 {
		runtime.Gosched()
	}
}

func TestPutsYieldBehindAStalledPutAndComeAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(4)
		resume := e.StallPut(0)
		o := make([]engine.Outcome, 3)
		for i := range o {
			o[i] = engine.Full
			go func() { o[i] = e.TryPut(1) }()
		}
		yield()
		want(t, "the length", e.Len(), 0)
		resume()
		synctest.Wait()
		want(t, "the outcomes", o[0]+o[1]+o[2], 3*engine.OK)
		buf := make([]int, 4)
		n, _ := e.TryTakeN(buf)
		wantItems(t, buf[:n], 0, 1, 1, 1)
	})
}

func TestATryWaitsForAStalledTakeBeforeItSaysEmpty(t *testing.T) {
	e := newEngine(4)
	e.TryPutN([]int{0, 1})
	resume := e.StallTake()
	go resume()
	v, o := e.TryTake() // "empty" would be wrong, and so would 0
	want(t, "the item", v, 1)
	want(t, "the outcome", o, engine.OK)
}

func TestAClosedEngineIsNotDrainedBeforeAStalledPut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(4)
		resume := e.StallPut(7)
		got := make([]engine.Outcome, 3)
		items := make([]int, 3)
		for i := range got {
			go func() { items[i], got[i] = e.Take(t.Context()) }()
			synctest.Wait()
		}
		go e.Close()
		yield()
		select {
		case <-e.Drained():
			t.Error("drained with an item on its way")
		default:
		}
		resume()
		<-e.Drained()
		synctest.Wait()
		want(t, "the item", items[0]+items[1]+items[2], 7)
		want(t, "the outcomes", got[0]+got[1]+got[2], engine.OK+2*engine.Closed)
	})
}
