package dashboard

import (
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
	"github.com/steadgo/stead/periodic"
)

// The page looks for these methods in a service, in the services behind its Unwrap
// methods, and in what was given to hosted.Watch. The package comment documents them for
// authors of sources.
type (
	queueSource     interface{ Stats() channelq.Stats }
	scheduleSource  interface{ Stats() periodic.Stats }
	schedulerSource interface{ Jobs() []*periodic.Job }
	hostSource      interface {
		Services() []hosted.ServiceStatus
	}

	failureSource interface{ Failures() []channelq.Failure }
	retrySource   interface{ Retrying() []channelq.Retrying }
	stateSource   interface{ States() map[string]int }
	backlogSource interface{ Backlog() int }
	stuckSource   interface{ Stuck() int }

	queuesSource interface {
		Queues() []interface{ Name() string }
	}
	schedulesSource interface {
		ScheduleList() []interface{ Name() string }
	}
	keptSource interface {
		Jobs(state string) []channelq.StoredJob
	}
	pagedSource interface {
		JobsPage(state, after string) (list []channelq.StoredJob, next string, err error)
	}
	findSource interface {
		FindJobs(ctx context.Context, f channelq.JobFilter, after string) (list []channelq.StoredJob, next string, err error)
		CountJobs(ctx context.Context, f channelq.JobFilter) (n int, exact bool, err error)
	}
	matchingSource interface {
		RequeueJobs(ctx context.Context, f channelq.JobFilter, progress func(done, skipped int)) (done, skipped int, err error)
		CancelJobs(ctx context.Context, f channelq.JobFilter, progress func(done, skipped int)) (done, skipped int, err error)
		DiscardJobs(ctx context.Context, f channelq.JobFilter, progress func(done, skipped int)) (done, skipped int, err error)
	}
	countedSource interface {
		Counted() (at time.Time, estimates []string)
	}
	listedSource   interface{ Listed() time.Time }
	desertedSource interface {
		Deserted() (n int, freed time.Time)
	}
	instanceSource interface{ Instances() []lifecycle.Instance }
	canceller      interface{ Cancel(id int64) error }
	detailSource   interface {
		Job(ctx context.Context, id int64) (channelq.JobDetail, error)
	}
	onceRequeuer interface {
		RequeueIf(id int64, attempts int) error
	}
	rescheduler interface {
		RescheduleIf(id int64, from, at time.Time) error
	}
	hoursSource interface {
		History(ctx context.Context, since time.Time) ([]channelq.HourCounts, error)
	}
	auditor interface {
		Audit(ctx context.Context, entries ...lifecycle.AuditEntry) error
	}
	trailSource interface {
		AuditTrail(ctx context.Context, before int64) (list []lifecycle.AuditEntry, next int64, err error)
	}

	pauser interface {
		Pause()
		Resume()
	}
	pausedSource interface{ Paused() bool }
	requeuer     interface {
		Requeue(id int64) error
		Discard(id int64) error
	}
	trigger interface{ Trigger() error }
	retrier interface {
		RetryNow(id int64) error
		GiveUp(id int64) error
	}

	candidate interface {
		Group() string
		Role() (leading bool, since time.Time, fence int64)
		Transitions() uint64
	}
	// outageSource is a candidate, or a service of durable jobs, that knows since when
	// its store does not answer.
	outageSource interface {
		Outage() (since time.Time, err error)
	}
)

// source is one thing that may have the methods above.
type source struct {
	path    string         // of the hosts it is in: "" or "outer/"
	service string         // the name it is known by
	wrapped hosted.Service // looked into by Unwrap; if nil, thing is used
	thing   any
}

// same reports whether both are one thing, that two services watch or one both is
// and watches.
func (s source) same(other source) bool {
	return s.thing != nil && other.thing != nil && reflect.TypeOf(s.thing).Comparable() && s.thing == other.thing
}

// find returns s as a T.
func find[T any](s source) (T, bool) {
	if s.wrapped != nil {
		return hosted.As[T](s.wrapped)
	}
	t, ok := s.thing.(T)
	return t, ok
}

// queuesOf adds a service, what it watches, and its queues: all that may be a queue.
func queuesOf(all []source, path string, s *hosted.ServiceStatus) []source {
	name := path + s.Name
	all = append(all, source{path: path, service: name, wrapped: s.Service})
	for _, w := range s.Watched {
		all = append(all, source{path: path, service: name, thing: w})
	}
	if many, ok := hosted.As[queuesSource](s.Service); ok {
		for _, q := range many.Queues() {
			all = append(all, source{path: path, service: name, thing: q})
		}
	}
	return all
}

// sourcesOf adds all that a service has: its queues, its schedules, and every job of a
// scheduler.
func sourcesOf(all []source, path string, s *hosted.ServiceStatus) []source {
	name, from := path+s.Name, len(all)
	all = queuesOf(all, path, s)
	if many, ok := hosted.As[schedulesSource](s.Service); ok {
		for _, e := range many.ScheduleList() {
			all = append(all, source{path: path, service: name, thing: e})
		}
	}
	for _, one := range all[from:] {
		if many, ok := find[schedulerSource](one); ok {
			jobs := many.Jobs()
			all = slices.Grow(all, len(jobs))
			for _, j := range jobs {
				all = append(all, source{path: path, service: name, thing: j})
			}
		}
	}
	return all
}
