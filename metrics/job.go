package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/steadgo/stead/periodic"
)

type jobStats = periodic.Stats

// A job is judged by when it last succeeded: that says the same of one that fails,
// one that hangs and one that is not started at all. Its runs and skips, by how and
// why, are for whoever then looks for the reason. Histograms are of all runs, as
// there are few of them; those of a job in a scheduler begin with the first scrape.
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

// outcomes are all that package periodic has. They are listed, and not taken from
// the runs there were, so that each is a series at 0 before the first of its kind.
func outcomes() []part[jobStats] {
	var all []part[jobStats]
	for _, o := range []periodic.Outcome{periodic.Succeeded, periodic.Failed, periodic.Panicked, periodic.TimedOut, periodic.Canceled} {
		all = append(all, part[jobStats]{o.String(), func(s *jobStats) uint64 { return s.Runs[o] }})
	}
	return all
}

// collectJobs sends what all jobs have, those of a scheduler among them.
func collectJobs(ch chan<- prometheus.Metric, of []subject[jobStats]) {
	collect(ch, jobTimes, of)
	collect(ch, jobCounts, of)
	for i := range of {
		ch <- exact(jobDuration, of[i].alone, &of[i].stats.Duration)
		ch <- exact(jobLateness, of[i].alone, &of[i].stats.Lateness)
	}
}

// exact is a histogram of everything, unlike that of a queue.
func exact(desc *prometheus.Desc, labels []*dto.LabelPair, h *periodic.Histogram) *distribution {
	d := &distribution{desc: desc, labels: labels, count: h.Count, sum: h.Sum.Seconds()}
	for i, bound := range h.Bounds {
		d.bounds = append(d.bounds, bound.Seconds())
		d.cumulative = append(d.cumulative, h.Cumulative[i])
	}
	return d
}
