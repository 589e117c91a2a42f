package metrics

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"
)

// sample is one series of every thing of kind S, and how to read it.
type sample[S any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	label []string // values after the thing's own name
	value func(*S) float64
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("stead_"+name, help, labels, nil)
}

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

// parts is a counter that is split by a label.
func parts[S any](name, help, of, by string, split ...part[S]) []sample[S] {
	desc := describe(name, help, of, by)
	all := make([]sample[S], len(split))
	for i, p := range split {
		all[i] = sample[S]{desc, prometheus.CounterValue, []string{p.value}, func(s *S) float64 { return float64(p.count(s)) }}
	}
	return all
}

func describeAll[S any](ch chan<- *prometheus.Desc, all []sample[S]) {
	for i, s := range all {
		if i == 0 || s.desc != all[i-1].desc {
			ch <- s.desc
		}
	}
}

func collect[S any](ch chan<- prometheus.Metric, all []sample[S], from *S, name string) {
	for _, s := range all {
		if v := s.value(from); !math.IsNaN(v) {
			ch <- prometheus.MustNewConstMetric(s.desc, s.kind, v, append([]string{name}, s.label...)...)
		}
	}
}
