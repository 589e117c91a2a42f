package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/steadgo/stead/periodic"
)

type jobStats = periodic.Stats

// A job is judged by its last success, which is the same for a job that fails, hangs or is
// not started. Its runs by outcome and skips by reason help to find the cause. Histograms
// have all runs, as these are few; those of a job in a scheduler begin with the first
// scrape.
var (
	jobDuration = describe("job_run_duration_seconds", "How long runs took.", "job")
	jobLateness = describe("job_lateness_seconds", "How much later than due runs began.", "job")

	jobTimes = []sample[jobStats]{
		gauge("job_last_run_timestamp_seconds", "When the last run began. Absent before the first.", "job",
			func(s *jobStats) float64 { return since1970(s.LastStarted) }),
		gauge("job_last_success_timestamp_seconds", "When the last successful run ended. Absent before the first.", "job",
			func(s *jobStats) float64 { return since1970(s.LastSuccess) }),
		gauge("job_next_run_timestamp_seconds", "When the next run is due. Absent when there is none, or while the job is paused.", "job",
			func(s *jobStats) float64 { return since1970(s.Next) }),
	}

	jobCounts = slices.Concat(
		parts("job_runs_total", "Runs that ended, by how.", "job", "outcome", outcomes()...),
		parts("job_skipped_total", "Times the job was due and did not run.", "job", "reason",
			part[jobStats]{"overlap", func(s *jobStats) uint64 { return s.Skipped.Overlap }},
			part[jobStats]{"missed", func(s *jobStats) uint64 { return s.Skipped.Missed }},
			part[jobStats]{"paused", func(s *jobStats) uint64 { return s.Skipped.Paused }},
			part[jobStats]{"stopped", func(s *jobStats) uint64 { return s.Skipped.Stopped }},
		),
	)
)

// outcomes lists all outcomes of package periodic, so that each is a series at 0 before
// the first run of its kind.
func outcomes() []part[jobStats] {
	var all []part[jobStats]
	for _, o := range []periodic.Outcome{periodic.Succeeded, periodic.Failed, periodic.Panicked, periodic.TimedOut, periodic.Canceled} {
		all = append(all, part[jobStats]{o.String(), func(s *jobStats) uint64 { return s.Runs[o] }})
	}
	return all
}

// collectJobs sends the metrics of all jobs, including those of schedulers.
func collectJobs(ch chan<- prometheus.Metric, of []subject[jobStats]) {
	collect(ch, jobTimes, of)
	collect(ch, jobCounts, of)
	for i := range of {
		ch <- exact(jobDuration, of[i].single, &of[i].stats.Duration)
		ch <- exact(jobLateness, of[i].single, &of[i].stats.Lateness)
	}
}

// exact returns a histogram of all runs, unlike the sampled one of a queue.
func exact(desc *prometheus.Desc, labels []*dto.LabelPair, h *periodic.Histogram) *distribution {
	d := &distribution{desc: desc, labels: labels, count: h.Count, sum: h.Sum.Seconds()}
	for i, bound := range h.Bounds {
		d.bounds = append(d.bounds, bound.Seconds())
		d.cumulative = append(d.cumulative, h.Cumulative[i])
	}
	return d
}
