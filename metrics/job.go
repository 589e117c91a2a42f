package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/steadgo/stead/periodic"
)

type jobStats = periodic.Stats

var (
	jobDuration = describe("job_run_duration_seconds", "How long runs took.", "job")
	jobLateness = describe("job_lateness_seconds", "How much later than due runs began.", "job")

	jobSamples = slices.Concat(
		[]sample[jobStats]{
			gauge("job_last_run_timestamp_seconds", "When the last run began. Absent before the first.", "job",
				func(s *jobStats) float64 { return since1970(s.LastStarted) }),
			gauge("job_last_success_timestamp_seconds", "When the last successful run ended. Absent before the first.", "job",
				func(s *jobStats) float64 { return since1970(s.LastSuccess) }),
			gauge("job_next_run_timestamp_seconds", "When the next run is due. Absent when there is none, or while the job is paused.", "job",
				func(s *jobStats) float64 { return since1970(s.Next) }),
		},
		parts("job_runs_total", "Runs that ended, by how.", "job", "outcome", outcomes()...),
		parts("job_skipped_total", "Times the job was due and did not run.", "job", "reason",
			part[jobStats]{"overlap", func(s *jobStats) uint64 { return s.Skipped.Overlap }},
			part[jobStats]{"missed", func(s *jobStats) uint64 { return s.Skipped.Missed }},
			part[jobStats]{"paused", func(s *jobStats) uint64 { return s.Skipped.Paused }},
			part[jobStats]{"backoff", func(s *jobStats) uint64 { return s.Skipped.Backoff }},
			part[jobStats]{"stopped", func(s *jobStats) uint64 { return s.Skipped.Stopped }},
		),
	)
)

func outcomes() []part[jobStats] {
	var all []part[jobStats]
	for _, o := range periodic.Outcomes() {
		all = append(all, part[jobStats]{o.String(), func(s *jobStats) uint64 { return s.Runs[o] }})
	}
	return all
}

func collectJob(ch chan<- prometheus.Metric, s *jobStats) {
	collect(ch, jobSamples, s, s.Name)
	collectExact(ch, jobDuration, s.Duration, s.Name)
	collectExact(ch, jobLateness, s.Lateness, s.Name)
}

func collectExact(ch chan<- prometheus.Metric, desc *prometheus.Desc, h periodic.Histogram, name string) {
	buckets := make(map[float64]uint64, len(h.Buckets))
	for _, b := range h.Buckets {
		buckets[b.UpperBound.Seconds()] = b.Count
	}
	ch <- prometheus.MustNewConstHistogram(desc, h.Count, h.Sum.Seconds(), buckets, name)
}
