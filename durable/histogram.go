package durable

import (
	"sync"
	"time"

	"github.com/steadgo/stead/channelq"
)

// histogram counts every attempt, not a sample: beside the statements that a job
// costs, the lock is nothing.
type histogram struct {
	mu sync.Mutex
	h  channelq.Histogram
}

func (h *histogram) observe(d time.Duration) {
	d = max(0, d) // the clocks of two machines
	h.mu.Lock()
	defer h.mu.Unlock()
	h.h.Count++
	h.h.Sum += d
	for i, bound := range bounds {
		if d <= bound {
			h.h.Cumulative[i]++
		}
	}
}

func (h *histogram) snapshot() channelq.Histogram {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.h
}

var bounds = channelq.HistogramBounds()
