package metrics_test

import (
	"context"
	"maps"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/metrics"
)

// The counts of a native histogram by the upper bounds of their buckets, in the
// way that Prometheus reads spans and deltas.
func nativeBuckets(h *dto.Histogram) map[float64]int64 {
	counts := map[float64]int64{}
	index, at, last := int32(0), 0, int64(0)
	for _, span := range h.GetPositiveSpan() {
		index += span.GetOffset()
		for range span.GetLength() {
			last += h.GetPositiveDelta()[at]
			at++
			counts[math.Pow(2, float64(index)/math.Pow(2, float64(h.GetSchema())))] = last
			index++
		}
	}
	return counts
}

func waitHistogram(t *testing.T, q *channelq.Queue[int], options ...metrics.Option) *dto.Histogram {
	t.Helper()
	host := hosted.New(hosted.Config{})
	host.Task("reader", func(context.Context) error { return nil }, hosted.Watch(q))
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(metrics.NewCollector(host, options...))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "stead_queue_wait_seconds" {
			return f.GetMetric()[0].GetHistogram()
		}
	}
	t.Fatal("there is no histogram of waits")
	return nil
}

func TestNativeHistogramsHaveEveryWaitInTheNarrowestBucketThatHoldsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue("items", 64, channelq.Wait)
		waits := []time.Duration{time.Millisecond, 30 * time.Millisecond, 30 * time.Millisecond, time.Second, 7 * time.Second, 3 * time.Hour}
		for _, wait := range waits {
			for range 64 { // one of them is sampled
				must(0, q.TryEnqueue(1))
			}
			time.Sleep(wait)
			for range 64 {
				must(q.TryDequeue())
			}
		}

		h := waitHistogram(t, q, metrics.NativeHistograms())

		want := map[float64]int64{}
		for _, wait := range waits {
			index := min(math.Ceil(4*math.Log2(wait.Seconds())), 4*12) // the last bucket has all that is longer
			want[math.Pow(2, index/4)]++
		}
		if got := nativeBuckets(h); !maps.Equal(got, want) || h.GetSampleCount() != uint64(len(waits)) {
			t.Errorf("%d samples in %v, want %v", h.GetSampleCount(), got, want)
		}
	})
}

func TestWithoutTheOptionHistogramsAreNotNative(t *testing.T) {
	q := newQueue("items", 64, channelq.Wait)
	if h := waitHistogram(t, q); h.Schema != nil || len(h.GetBucket()) == 0 {
		t.Errorf("got %v", h)
	}
	h := waitHistogram(t, q, metrics.NativeHistograms())
	if h.GetSchema() != 2 || len(h.GetPositiveSpan()) != 1 || len(h.GetBucket()) == 0 {
		t.Errorf("an empty native histogram is %v", h)
	}
}
