package metrics

import (
	"math"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// sample is one series of every component of kind S, and how to read it.
type sample[S any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	split *dto.LabelPair // a second label, or nil
	value func(*S) float64
}

// subject is a component with the label that names it, which all its series share.
type subject[S any] struct {
	label  *dto.LabelPair
	single []*dto.LabelPair // just label
	stats  S
}

func newSubject[S any](kind, name string, stats S) subject[S] {
	label := labelPair(kind, name)
	return subject[S]{label, []*dto.LabelPair{label}, stats}
}

// labels are sorted by name, as a Metric must write them. The slice has no spare
// capacity, so appending copies it.
func (s *subject[S]) labels(split *dto.LabelPair) []*dto.LabelPair {
	switch {
	case split == nil:
		return s.single
	case s.label.GetName() < split.GetName():
		return []*dto.LabelPair{s.label, split}
	default:
		return []*dto.LabelPair{split, s.label}
	}
}

// describe names a metric. All names have one prefix, so that one query finds them
// all.
func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("stead_"+name, help, labels, nil)
}

// counter and gauge return one series of each component that has the label of.
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

// parts returns a counter that is split by a label, sorted by it as collect
// requires.
func parts[S any](name, help, of, by string, split ...part[S]) []sample[S] {
	slices.SortFunc(split, func(a, b part[S]) int { return strings.Compare(a.value, b.value) })
	desc := describe(name, help, of, by)
	all := make([]sample[S], len(split))
	for i, p := range split {
		all[i] = sample[S]{desc, prometheus.CounterValue, labelPair(by, p.value), func(s *S) float64 { return float64(p.count(s)) }}
	}
	return all
}

// describeAll sends each description once, as the parts of a counter share theirs.
func describeAll[S any](ch chan<- *prometheus.Desc, all []sample[S]) {
	for i, s := range all {
		if i == 0 || s.desc != all[i-1].desc {
			ch <- s.desc
		}
	}
}

// collect goes metric by metric, not component by component, and within a metric in
// the order of its label values. The registry sorts, and sorting sorted input is
// fast.
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

// absent is the value of a sample that is not sent. A 0 would be wrong: a timestamp
// of 1970, or an unreachable store.
var absent = math.NaN()
