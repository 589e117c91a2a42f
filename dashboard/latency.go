package dashboard

import (
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/periodic"
)

// bucket of a cumulative histogram.
type bucket struct {
	bound time.Duration
	count uint64
}

var queueBounds = channelq.HistogramBounds()

func latencyOfQueue(h channelq.Histogram) Latency {
	if h.Count == 0 {
		return Latency{}
	}
	buckets := make([]bucket, len(queueBounds))
	for i, b := range queueBounds {
		buckets[i] = bucket{b, h.Cumulative[i]}
	}
	return latency(h.Count, h.Sum, buckets)
}

func latencyOfSchedule(h periodic.Histogram) Latency {
	if h.Count == 0 {
		return Latency{}
	}
	buckets := make([]bucket, len(h.Bounds))
	for i, bound := range h.Bounds {
		buckets[i] = bucket{bound, h.Cumulative[i]}
	}
	return latency(h.Count, h.Sum, buckets)
}

func latency(count uint64, sum time.Duration, buckets []bucket) Latency {
	return Latency{
		Samples:     count,
		MeanSeconds: sum.Seconds() / float64(count),
		P50Seconds:  bound(count, sum, buckets, 0.50),
		P95Seconds:  bound(count, sum, buckets, 0.95),
	}
}

// bound is the bound of the first bucket that covers a share of all. To
// interpolate would show digits that nobody measured. Beyond the last bucket
// nothing is known but the sum: no single one took longer than all together.
func bound(count uint64, sum time.Duration, buckets []bucket, share float64) float64 {
	for _, b := range buckets {
		if float64(b.count) >= share*float64(count) {
			return min(b.bound, sum).Seconds()
		}
	}
	return sum.Seconds()
}
