package metrics

import "github.com/prometheus/client_golang/prometheus"

var queueJobs = describe("queue_jobs", "Jobs of a durable queue in the store, of all processes, by the state they are in.", "queue", "state")

// collectStates counts in the store, of which several processes may be users. It shows all processes the same: take the maximum over them, not the
// sum.
func collectStates(ch chan<- prometheus.Metric, queues map[string]map[string]int) {
	for _, q := range byName("queue", queues) {
		for state, n := range q.stats {
			ch <- &point{queueJobs, q.labels(labelPair("state", valid(state))), prometheus.GaugeValue, float64(n)}
		}
	}
}
