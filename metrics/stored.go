package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Counts of the store of durable jobs belong to no process, and each process that uses the
// store reports the same. So these series have names of their own, and must not be summed
// over processes. Only whether the store answers belongs to the process.
var (
	storeUp = describe("durable_store_up", "1 if the store of the jobs answers this process and is what it was, 0 if not.", "service")

	durableJobs = describe("durable_jobs", "Jobs in the store, of all processes, by the state they are in. "+
		"Of many completed ones an estimate. Absent when they were not counted for a minute.", "queue", "state")

	storedSamples = []sample[storedQueue]{
		gauge("durable_oldest_due_timestamp_seconds", "When the oldest job in the store that could be taken now came due, of all processes. Absent when there is none.", "queue",
			func(k *storedQueue) float64 { return since1970(k.oldest) }),
		gauge("durable_counted_timestamp_seconds", "When this process last counted the jobs in the store. Absent before.", "queue",
			func(k *storedQueue) float64 { return since1970(k.counted) }),
	}

	scheduleTimes = []sample[jobStats]{
		gauge("durable_schedule_last_run_timestamp_seconds", "When the last run began, in whatever process. Absent before the first.", "schedule",
			func(s *jobStats) float64 { return since1970(s.LastStarted) }),
		gauge("durable_schedule_last_success_timestamp_seconds", "When the last successful run ended, in whatever process. Absent before the first.", "schedule",
			func(s *jobStats) float64 { return since1970(s.LastSuccess) }),
		gauge("durable_schedule_next_run_timestamp_seconds", "When the next run is due. Absent when there is none.", "schedule",
			func(s *jobStats) float64 { return since1970(s.Next) }),
	}
)

// countedWithin is how old a count may be. An older one is absent, as it would hide the
// newer one of another process.
const countedWithin = time.Minute

// storedQueue has the counts of one queue in one store.
type storedQueue struct {
	states          map[string]int
	oldest, counted time.Time
}

// storedOf reads a queue. If the queue does not say when it counted, that is now.
func storedOf(k stateCounter, s *queueStats) storedQueue {
	stored := storedQueue{states: k.States(), oldest: s.OldestDue}
	if d, ok := k.(dated); ok {
		stored.counted, _ = d.Counted()
		if stored.counted.IsZero() || time.Since(stored.counted) > countedWithin {
			stored.states, stored.oldest = nil, time.Time{}
		}
	}
	return stored
}

// stored is a service of durable jobs. A candidate has an Outage too, but of leases.
type stored interface {
	outage
	queues
}

func (c *components) addStore(service string, s stored) {
	if _, leads := s.(candidate); !leads {
		since, _ := s.Outage()
		c.stores[service] = oneIf(since.IsZero())
	}
}

// addSchedule adds a stored schedule. It has times but no counts; a 0 would be wrong.
func (c *components) addSchedule(w interface{ Name() string }, path string) {
	if j, ok := w.(job); ok {
		s := j.Stats()
		c.schedules.stats[c.schedules.name(j, path+s.Name)] = s
	}
}

// collectStored sends the metrics of the stores.
func collectStored(ch chan<- prometheus.Metric, found *components) {
	all := byName("queue", found.stored)
	for _, q := range all {
		for state, n := range q.stats.states {
			ch <- &point{durableJobs, q.labels(labelPair("state", valid(state))), prometheus.GaugeValue, float64(n)}
		}
	}
	collect(ch, storedSamples, all)
	collect(ch, scheduleTimes, byName("schedule", found.schedules.stats))
	for _, s := range byName("service", found.stores) {
		ch <- &point{storeUp, s.single, prometheus.GaugeValue, s.stats}
	}
}
