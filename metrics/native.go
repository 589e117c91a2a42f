package metrics

import (
	dto "github.com/prometheus/client_model/go"
)

// nativeDistribution adds native buckets to a distribution. It does not use the
// library, whose constant native histograms have no explicit buckets.
type nativeDistribution struct {
	*distribution
	counts []uint64 // see channelq.Histogram.Exponential
}

// Both are those of channelq.Histogram.Exponential, whose counts are used unchanged.
const (
	nativeSchema = 2   // four buckets for each doubling
	nativeFirst  = -80 // the index of the first bucket: up to 2^(-80/4) s
)

// Write adds native buckets to the explicit ones. From the same page, a Prometheus that
// knows native histograms uses these, and any other uses the explicit ones.
func (n *nativeDistribution) Write(out *dto.Metric) error {
	if err := n.distribution.Write(out); err != nil {
		return err
	}
	h := out.GetHistogram()
	schema, threshold, zero := int32(nativeSchema), 0.0, uint64(0)
	h.Schema, h.ZeroThreshold, h.ZeroCount = &schema, &threshold, &zero
	var total uint64
	for i, count := range n.counts {
		if count > 0 {
			total += count
			addNative(h, int32(nativeFirst+i), int64(count))
		}
	}
	if total > h.GetSampleCount() { // observed since the explicit buckets were read
		h.SampleCount = &total
	}
	if len(h.GetPositiveSpan()) == 0 { // marks a native histogram without observations
		h.PositiveSpan = []*dto.BucketSpan{{Offset: new(int32), Length: new(uint32)}}
	}
	return nil
}

// addNative appends a bucket: its distance from the last one if there is a gap, and its
// count as the difference from the last count.
func addNative(h *dto.Histogram, index int32, count int64) {
	next, last := int32(0), int64(0)
	for _, span := range h.GetPositiveSpan() {
		next += span.GetOffset() + int32(span.GetLength())
	}
	for _, delta := range h.GetPositiveDelta() {
		last += delta
	}
	length := uint32(1)
	if spans := h.GetPositiveSpan(); len(spans) > 0 && index == next {
		length += spans[len(spans)-1].GetLength()
		spans[len(spans)-1].Length = &length
	} else {
		offset := index - next
		h.PositiveSpan = append(h.PositiveSpan, &dto.BucketSpan{Offset: &offset, Length: &length})
	}
	h.PositiveDelta = append(h.PositiveDelta, count-last)
}
