package channelq_test

import (
	"runtime"
	"testing"

	"github.com/steadgo/stead/channelq"
)

func TestALargeCapacityCostsMemoryOnlyAsItFills(t *testing.T) {
	type record [128]byte
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	q := newQueue(t, channelq.Config[record]{Capacity: 1_000_000})
	if grown := heap() - before; grown > 100_000 {
		t.Errorf("empty, it costs %d bytes", grown)
	}
	if n, err := q.EnqueueAll(t.Context(), make([]record, 1000)); n != 1000 || err != nil {
		t.Fatal(n, err)
	}
	if grown := heap() - before; grown > 300_000 {
		t.Errorf("with 1000 items of 128 bytes it costs %d bytes", grown)
	}
	if q.Cap() != 1_000_000 || q.Len() != 1000 {
		t.Errorf("capacity %d, length %d", q.Cap(), q.Len())
	}
}
