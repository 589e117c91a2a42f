package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// point is one counter or gauge of a scrape. The constant metrics of the library
// copy and sort the labels of each series, which took most of the time of a scrape.
type point struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair
	kind   prometheus.ValueType
	value  float64
}

func (p *point) Desc() *prometheus.Desc { return p.desc }

// Write implements [prometheus.Metric]. All series of one component share the label
// slice. The slice has no spare capacity, so a wrapping registry that appends
// labels gets a copy.
func (p *point) Write(out *dto.Metric) error {
	out.Label = p.labels
	if p.kind == prometheus.CounterValue {
		out.Counter = &dto.Counter{Value: &p.value}
	} else {
		out.Gauge = &dto.Gauge{Value: &p.value}
	}
	return nil
}

// valid replaces invalid UTF-8, as one odd name must not fail the scrape. It is
// called before names are compared, because two of them may become equal.
func valid(name string) string { return strings.ToValidUTF8(name, "\uFFFD") }

// labelPair returns a label with a valid value.
func labelPair(name, value string) *dto.LabelPair {
	return &dto.LabelPair{Name: &name, Value: &value}
}

// distribution is one histogram of a scrape, with explicit buckets.
type distribution struct {
	desc       *prometheus.Desc
	labels     []*dto.LabelPair
	count      uint64
	sum        float64
	bounds     []float64
	cumulative []uint64
}

func (d *distribution) Desc() *prometheus.Desc { return d.desc }

// Write makes the buckets in two pieces and not one by one: a queue has two
// histograms of some twenty each.
func (d *distribution) Write(out *dto.Metric) error {
	buckets := make([]dto.Bucket, len(d.bounds))
	all := make([]*dto.Bucket, len(d.bounds))
	for i := range buckets {
		buckets[i].UpperBound, buckets[i].CumulativeCount = &d.bounds[i], &d.cumulative[i]
		all[i] = &buckets[i]
	}
	out.Label = d.labels
	out.Histogram = &dto.Histogram{SampleCount: &d.count, SampleSum: &d.sum, Bucket: all}
	return nil
}
