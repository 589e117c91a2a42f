package metrics

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/steadgo/stead/channelq"
)

type queueStats = channelq.Stats

// The counts of a queue add up on the page as in channelq.Stats: each count of its identity
// is one series, under a label that exists from the start. A lost item is therefore visible
// as a difference.
//
// Gauges are of the moment of the scrape. Events between two scrapes are in the counters
// and in the high-water mark.
//
// All series that begin with stead_queue_ describe one process; sum them over several.
// Those of a whole store are in stored.go, under other names.
var (
	queueWait   = describe("queue_wait_seconds", "From enqueue until a consumer took the item. A sample: one item in 64.", "queue")
	queueHandle = describe("queue_handle_duration_seconds", "One attempt to handle an item. A sample: one attempt in 64 of each worker.", "queue")

	queueSamples = slices.Concat(
		[]sample[queueStats]{
			gauge("queue_depth", "Items in the queue. Absent for a queue that is kept in a store.", "queue",
				func(s *queueStats) float64 { return bounded(s.Depth) }),
			gauge("queue_capacity", "Items that the queue can hold. Absent for a queue that is kept in a store.", "queue",
				func(s *queueStats) float64 { return bounded(s.Capacity) }),
			gauge("queue_high_water", "The greatest depth there ever was. Absent for a queue that is kept in a store.", "queue",
				func(s *queueStats) float64 { return bounded(s.HighWater) }),
			gauge("queue_in_progress", "Items that are being handled in this process.", "queue", func(s *queueStats) float64 { return float64(s.InProgress) }),
			gauge("queue_parked", "Items that wait for a retry, or for another item of their key. Absent for a queue that is kept in a store.", "queue",
				func(s *queueStats) float64 { return bounded(s.Parked) }),
			gauge("queue_workers", "Workers there are in this process.", "queue", func(s *queueStats) float64 { return float64(s.Workers) }),
			gauge("queue_oldest_due_timestamp_seconds", "When the oldest item that could be handled now was enqueued or came due. Absent when there is none, and for a queue that is kept in a store.", "queue",
				func(s *queueStats) float64 { return since1970(s.OldestDue) }),
			counter("queue_accepted_total", "Items that the queue took in.", "queue", func(s *queueStats) float64 { return float64(s.Accepted) }),
			counter("queue_retries_total", "Attempts after the first one.", "queue", func(s *queueStats) float64 { return float64(s.Retried) }),
			counter("queue_panics_total", "Panics of handlers and callbacks that were caught.", "queue", func(s *queueStats) float64 { return float64(s.Panics) }),
		},
		parts("queue_handled_total", "Accepted items by how they ended.", "queue", "outcome",
			part[queueStats]{"succeeded", func(s *queueStats) uint64 { return s.Handled }},
			part[queueStats]{"gave_up", func(s *queueStats) uint64 { return s.GaveUp }},
			part[queueStats]{"skipped", func(s *queueStats) uint64 { return s.Skipped }},
			part[queueStats]{"coalesced", func(s *queueStats) uint64 { return s.Coalesced }},
			part[queueStats]{"taken_by_hand", func(s *queueStats) uint64 { return s.TakenByHand }},
			part[queueStats]{"leftover", func(s *queueStats) uint64 { return s.Leftover }},
		),
		parts("queue_dropped_total", "Accepted items that were dropped to make room, by which one it was.", "queue", "reason",
			part[queueStats]{channelq.DroppedOldest.String(), func(s *queueStats) uint64 { return s.Dropped.Oldest }},
			part[queueStats]{channelq.DroppedNewest.String(), func(s *queueStats) uint64 { return s.Dropped.Newest }},
		),
		parts("queue_refused_total", "Items that were not accepted.", "queue", "reason",
			part[queueStats]{"full", func(s *queueStats) uint64 { return s.Refused.Full }},
			part[queueStats]{channelq.DroppedWrite.String(), func(s *queueStats) uint64 { return s.Refused.Write }},
			part[queueStats]{"closed", func(s *queueStats) uint64 { return s.Refused.Closed }},
			part[queueStats]{"cancelled", func(s *queueStats) uint64 { return s.Refused.Cancelled }},
		),
	)
)

// boundless replaces a number that a stored queue does not have. 0 would be a rendezvous,
// for which every waiting item is too many.
const boundless = -1

func bounded(n int) float64 {
	if n == boundless {
		return absent
	}
	return float64(n)
}

// collectQueues sends the metrics of all queues, in memory or stored.
func (c *Collector) collectQueues(ch chan<- prometheus.Metric, of []subject[queueStats]) {
	collect(ch, queueSamples, of)
	for i := range of {
		ch <- c.sampled(queueWait, of[i].single, &of[i].stats.Wait)
		ch <- c.sampled(queueHandle, of[i].single, &of[i].stats.Handle)
	}
}

// queueBounds are shared by all histograms of all scrapes, and never changed.
var queueBounds = seconds(channelq.HistogramBounds())

// sampled returns a histogram of one item in 64: its shape is that of all items, its count
// is not. A queue without exponential buckets has no native histogram.
func (c *Collector) sampled(desc *prometheus.Desc, labels []*dto.LabelPair, h *channelq.Histogram) prometheus.Metric {
	d := &distribution{desc, labels, h.Count, h.Sum.Seconds(), queueBounds, h.Cumulative[:]}
	if counts := h.Exponential(); c.native && counts != nil {
		return &nativeDistribution{d, counts}
	}
	return d
}

// seconds, as Prometheus has base units only.
func seconds(all []time.Duration) []float64 {
	s := make([]float64, len(all))
	for i, d := range all {
		s[i] = d.Seconds()
	}
	return s
}
