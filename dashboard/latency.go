package dashboard

import (
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/periodic"
)

var queueBounds = channelq.HistogramBounds()

func latencyOfQueue(h *channelq.Histogram) Latency {
	return latency(h.Count, h.Sum, queueBounds, h.Cumulative[:])
}

func latencyOfSchedule(h *periodic.Histogram) Latency {
	return latency(h.Count, h.Sum, h.Bounds, h.Cumulative)
}

func latency(count uint64, sum time.Duration, bounds []time.Duration, cumulative []uint64) Latency {
	if count == 0 {
		return Latency{}
	}
	// bound is the bound of the first bucket that covers a share of all. To
	// interpolate would show digits that nobody measured. Beyond the last bucket
	// nothing is known but the sum: no single one took longer than all together.
	bound := func(share float64) float64 {
		for i, bound := range bounds {
			if float64(cumulative[i]) >= share*float64(count) {
				return min(bound, sum).Seconds()
			}
		}
		return sum.Seconds()
	}
	return Latency{Samples: count, MeanSeconds: sum.Seconds() / float64(count), P50Seconds: bound(0.50), P95Seconds: bound(0.95)}
}
