package channelq

import (
	"math"
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

	fine *fine // the live one: copying it into every Stats would cost more than all the rest
}

// Exponential returns the observations in narrower buckets, as the native
// histograms of Prometheus have them with schema 2: four for each doubling. The
// i-th counts those longer than the bucket before and up to 2^(i/4-20) seconds,
// from about 1 us in the first, which has all that is shorter, to 68 minutes in
// the last, which has all that is longer. It is read now and not when the
// snapshot was made. The result is nil for a Histogram that no queue made.
func (h Histogram) Exponential() []uint64 {
	if h.fine == nil {
		return nil
	}
	all := make([]uint64, len(h.fine))
	for i := range all {
		all[i] = h.fine[i].Load()
	}
	return all
}

// HistogramBounds returns the upper bounds of the buckets of every Histogram,
// from 1 ms to 60 s.
func HistogramBounds() []time.Duration { return append([]time.Duration(nil), bounds[:]...) }

// histogram is the live form: one counter a bucket, the last one for what is
// beyond all bounds.
type histogram struct {
	counts [len(bounds) + 1]atomic.Uint64
	sum    atomic.Int64
	fine   fine
}

// fine are the counters of Exponential.
type fine [4*(fineMax-fineMin) + 1]atomic.Uint64

// The exponents of two of the shortest and the longest bucket, in seconds.
const fineMin, fineMax = -20, 12

func (f *fine) observe(d time.Duration) {
	fraction, exponent := math.Frexp(d.Seconds()) // fraction * 2^exponent, fraction from 0.5 to 1
	i := 4 * (exponent - fineMin)
	for _, bound := range [...]float64{0.8408964152537145, math.Sqrt2 / 2, 0.5946035575013605, 0.5} { // 2^(-1/4) ... 2^(-4/4)
		if fraction > bound {
			break
		}
		i--
	}
	f[min(max(i, 0), len(f)-1)].Add(1)
}

func (h *histogram) observe(d time.Duration) {
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.sum.Add(int64(d))
	h.counts[i].Add(1)
	h.fine.observe(d)
}

// snapshot derives Count from the buckets, so that the two always agree.
func (h *histogram) snapshot() Histogram {
	s := Histogram{fine: &h.fine}
	s.Sum = time.Duration(h.sum.Load())
	for i := range bounds {
		s.Count += h.counts[i].Load()
		s.Cumulative[i] = s.Count
	}
	s.Count += h.counts[len(bounds)].Load()
	return s
}
