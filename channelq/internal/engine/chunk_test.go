package engine_test

import (
	"math"
	"runtime"
	"testing"

	"github.com/steadgo/stead/channelq/internal/engine"
)

// heap is how many bytes are in use after a collection.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestAnEngineCostsMemoryOnlyAsItFills(t *testing.T) {
	const capacity, size = 1_000_000, 128
	before := heap()
	e := engine.NewByValue[[size]byte](engine.Config{Capacity: capacity})
	batch, buf := make([][size]byte, 100), make([][size]byte, 100)
	check := func(when string, most int64) {
		t.Helper()
		if grown := heap() - before; grown > most {
			t.Errorf("%s it has %d bytes, want at most %d", when, grown, most)
		}
	}
	check("empty", 50_000)
	for range 200 {
		e.TryPutN(batch)
	}
	check("with 20,000 items", 21_000*size)
	for range 200 {
		e.TryTakeN(buf)
	}
	check("empty again", 1_200_000) // what is kept for the next time
	for range 1000 {
		e.TryPutN(batch)
		e.TryTakeN(buf)
	}
	check("after 100,000 more that did not stay", 1_200_000)
	runtime.KeepAlive(e)
}

func TestAShortQueueOfALargeCapacityAllocatesNothing(t *testing.T) {
	e := engine.NewByValue[[128]byte](engine.Config{Capacity: math.MaxInt >> 3})
	batch, buf := make([][128]byte, 100), make([][128]byte, 100)
	round := func() {
		e.TryPutN(batch)
		e.TryTakeN(buf)
	}
	round()
	if n := testing.AllocsPerRun(1000, round); n != 0 {
		t.Errorf("%v allocations a round", n)
	}
}

// The items of several chunks, put and taken in pieces that do not end where those do.
func TestOrderHoldsOverChunks(t *testing.T) {
	e := newEngine(20_000)
	batch, buf := make([]int, 777), make([]int, 333)
	put, taken := 0, 0
	for range 200 {
		for i := range batch {
			batch[i] = put + i
		}
		n, _ := e.TryPutN(batch)
		put += n
		if e.TryPut(put) == engine.OK {
			put++
		}
		for range 2 {
			n, _ := e.TryTakeN(buf)
			for _, v := range buf[:n] {
				if v != taken {
					t.Fatalf("took %d, want %d", v, taken)
				}
				taken++
			}
		}
	}
	want(t, "the length", e.Len(), put-taken)
	want(t, "the high-water mark", e.HighWater() > 15_000, true)
	for _, v := range rest(e) {
		want(t, "an item", v, taken)
		taken++
	}
	want(t, "all that was taken", taken, put)
}
