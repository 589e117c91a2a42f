package channelq

import (
	"sync/atomic"
	"time"
)

// bounds are the upper ends of the buckets; what is longer counts in none.
var bounds = [...]time.Duration{
	1 * time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	1 * time.Second, 2500 * time.Millisecond, 5 * time.Second,
	10 * time.Second, 30 * time.Second, 60 * time.Second,
}

// Histogram is the distribution of sampled durations: of one slot in 64 or, for
// a handler, of one run in 64 of each worker. Its Count is therefore not the
// number of items.
type Histogram struct {
	Count uint64
	Sum   time.Duration
	// Cumulative holds for each of HistogramBounds how many were at most that
	// long.
	Cumulative [len(bounds)]uint64
}

// HistogramBounds returns the upper bounds of the buckets of every Histogram,
// from 1 ms to 60 s.
func HistogramBounds() []time.Duration { return append([]time.Duration(nil), bounds[:]...) }

// histogram is the live form: one counter a bucket, the last one for what is
// beyond all bounds.
type histogram struct {
	counts [len(bounds) + 1]atomic.Uint64
	sum    atomic.Int64
}

func (h *histogram) observe(d time.Duration) {
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.sum.Add(int64(d))
	h.counts[i].Add(1)
}

// snapshot derives Count from the buckets, so that the two always agree.
func (h *histogram) snapshot() Histogram {
	var s Histogram
	s.Sum = time.Duration(h.sum.Load())
	for i := range bounds {
		s.Count += h.counts[i].Load()
		s.Cumulative[i] = s.Count
	}
	s.Count += h.counts[len(bounds)].Load()
	return s
}
