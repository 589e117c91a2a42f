package metrics

import (
	"math"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// sample is one series of every thing of kind S, and how to read it.
type sample[S any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	split *dto.LabelPair // beside the thing's own name; nil: none
	value func(*S) float64
}

// subject is a thing with the label that names it, which all its series share.
type subject[S any] struct {
	label *dto.LabelPair
	alone []*dto.LabelPair // just label
	stats S
}

func newSubject[S any](kind, name string, stats S) subject[S] {
	label := labelPair(kind, name)
	return subject[S]{label, []*dto.LabelPair{label}, stats}
}

// labels are sorted by name, as a Metric has to write them. No capacity is left:
// whoever appends gets a copy.
func (s *subject[S]) labels(split *dto.LabelPair) []*dto.LabelPair {
	switch {
	case split == nil:
		return s.alone
	case s.label.GetName() < split.GetName():
		return []*dto.LabelPair{s.label, split}
	default:
		return []*dto.LabelPair{split, s.label}
	}
}

// describe names a metric. All names begin alike, so that one query finds them all.
func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("stead_"+name, help, labels, nil)
}

// counter and gauge are one series of each thing that has the label of.
func counter[S any](name, help, of string, value func(*S) float64) sample[S] {
	return sample[S]{describe(name, help, of), prometheus.CounterValue, nil, value}
}

func gauge[S any](name, help, of string, value func(*S) float64) sample[S] {
	return sample[S]{describe(name, help, of), prometheus.GaugeValue, nil, value}
}

// part is one value of a label of a counter.
type part[S any] struct {
	value string
	count func(*S) uint64
}

// parts is a counter that is split by a label. They are sorted by it, as in
// collect.
func parts[S any](name, help, of, by string, split ...part[S]) []sample[S] {
	slices.SortFunc(split, func(a, b part[S]) int { return strings.Compare(a.value, b.value) })
	desc := describe(name, help, of, by)
	all := make([]sample[S], len(split))
	for i, p := range split {
		all[i] = sample[S]{desc, prometheus.CounterValue, labelPair(by, p.value), func(s *S) float64 { return float64(p.count(s)) }}
	}
	return all
}

// describeAll sends each description once: the parts of a counter share theirs.
func describeAll[S any](ch chan<- *prometheus.Desc, all []sample[S]) {
	for i, s := range all {
		if i == 0 || s.desc != all[i-1].desc {
			ch <- s.desc
		}
	}
}

// collect goes metric by metric and not thing by thing, and within a metric in the
// order of its label values: the registry sorts, and what is sorted is quick.
func collect[S any](ch chan<- prometheus.Metric, all []sample[S], of []subject[S]) {
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].desc == all[0].desc {
			n++
		}
		collectOne(ch, all[:n], of)
		all = all[n:]
	}
}

// collectOne sends one metric, which may be split.
func collectOne[S any](ch chan<- prometheus.Metric, split []sample[S], of []subject[S]) {
	series := make([]point, len(split)*len(of)) // one allocation for all
	for i := range series {
		s, o := &split[i/len(of)], &of[i%len(of)]
		if s.split != nil && o.label.GetName() < s.split.GetName() {
			s, o = &split[i%len(split)], &of[i/len(split)]
		}
		if v := s.value(&o.stats); !math.IsNaN(v) {
			series[i] = point{s.desc, o.labels(s.split), s.kind, v}
			ch <- &series[i]
		}
	}
}

// absent is the value of a sample that is left out. 0 would be a claim: a timestamp
// of 1970, a store that is away.
var absent = math.NaN()
