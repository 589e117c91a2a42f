package metrics_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

// stored is a service with a queue that is kept elsewhere.
type stored struct {
	hosted.Service
	queue storedQueue
}

func (s *stored) Queues() []interface{ Name() string } {
	return []interface{ Name() string }{&s.queue}
}

func (s *stored) ScheduleList() []interface{ Name() string } {
	return []interface{ Name() string }{storedSchedule{}}
}

type storedSchedule struct{}

func (storedSchedule) Name() string { return "nightly" }
func (storedSchedule) Stats() periodic.Stats {
	return periodic.Stats{Name: "nightly", Next: time.Unix(7, 0), LastStarted: time.Unix(5, 0)}
}

type storedQueue struct{ counted time.Time }

func (*storedQueue) Name() string { return "invoices" }
func (*storedQueue) Stats() channelq.Stats {
	return channelq.Stats{Name: "invoices", Depth: 4, Parked: 3, Handled: 9, OldestDue: time.Unix(8, 0)}
}
func (*storedQueue) States() map[string]int           { return map[string]int{"retryable": 3, "discarded": 0} }
func (q *storedQueue) Counted() (time.Time, []string) { return q.counted, nil }

func TestQueuesThatAServiceNamesAreShownWithTheStatesOfTheirJobs(t *testing.T) {
	s := &stored{Service: hosted.Once(func(context.Context) error { return nil })}
	s.queue.counted = time.Now()
	host := hosted.New(hosted.Config{})
	host.Add("jobs", s, hosted.Watch(&s.queue)) // twice is once
	p := scrape(t, host)
	p.want(t, map[string]float64{
		`stead_queue_handled_total{outcome="succeeded",queue="invoices"}`: 9,
		`stead_durable_jobs{queue="invoices",state="retryable"}`:          3,
		`stead_durable_jobs{queue="invoices",state="discarded"}`:          0,
		`stead_durable_oldest_due_timestamp_seconds{queue="invoices"}`:    8,
	})
	for _, name := range []string{"capacity", "high_water"} {
		if v, ok := p[`stead_queue_`+name+`{queue="invoices"}`]; ok {
			t.Errorf("%s is %v, but a store has none", name, v)
		}
	}
	p.wantAbsent(t, "stead_durable_store_up") // nobody said so
}

// Every process that uses a store tells the same of it. Under the names of what one
// process has, it would be added up, and be alerted on where nobody works.
func TestWhatIsOfTheWholeStoreIsNoSeriesOfTheProcess(t *testing.T) {
	s := &stored{Service: hosted.Once(func(context.Context) error { return nil })}
	s.queue.counted = time.Now()
	host := hosted.New(hosted.Config{})
	host.Add("jobs", s)
	p := scrape(t, host)
	for _, name := range []string{"stead_queue_depth", "stead_queue_parked", "stead_queue_oldest_due", "stead_job_"} {
		p.wantAbsent(t, name)
	}
}

func TestACountThatIsOldIsLeftOutAndSaysHowOldItIs(t *testing.T) {
	s := &stored{Service: hosted.Once(func(context.Context) error { return nil })}
	host := hosted.New(hosted.Config{})
	host.Add("jobs", s)
	scrape(t, host).wantAbsent(t, "stead_durable_counted") // never
	s.queue.counted = time.Now().Add(-time.Hour).Truncate(time.Second)
	p := scrape(t, host)
	p.want(t, map[string]float64{
		`stead_durable_counted_timestamp_seconds{queue="invoices"}`: float64(s.queue.counted.Unix()),
	})
	p.wantAbsent(t, "stead_durable_jobs")
	p.wantAbsent(t, "stead_durable_oldest_due")
}

// away is a service of durable jobs whose store may not answer.
type away struct {
	stored
	since time.Time
}

func (a *away) Outage() (time.Time, error) { return a.since, nil }

func TestAStoreOfJobsThatIsAwayIsSaid(t *testing.T) {
	a := &away{stored: stored{Service: hosted.Once(func(context.Context) error { return nil })}}
	host := hosted.New(hosted.Config{})
	host.Add("jobs", a)
	host.Add("newsletter", &leadingJobs{&reaching{candidate: newCandidate(a)}}) // its Outage is of leases
	scrape(t, host).want(t, map[string]float64{`stead_durable_store_up{service="jobs"}`: 1})
	a.since = time.Now()
	p := scrape(t, host)
	p.want(t, map[string]float64{`stead_durable_store_up{service="jobs"}`: 0})
	if n := p.sum("stead_durable_store_up", `service="newsletter"`); n != 0 {
		t.Error("the store of leases is taken for that of the jobs")
	}
}

// leadingJobs is a candidate that has queues itself.
type leadingJobs struct{ *reaching }

func (*leadingJobs) Queues() []interface{ Name() string } { return nil }

func TestSchedulesThatAServiceNamesShowTheirTimesAndNoFalseCounts(t *testing.T) {
	host := hosted.New(hosted.Config{})
	host.Add("jobs", &stored{Service: hosted.Once(func(context.Context) error { return nil })})
	p := scrape(t, host)
	p.want(t, map[string]float64{
		`stead_durable_schedule_next_run_timestamp_seconds{schedule="nightly"}`: 7,
		`stead_durable_schedule_last_run_timestamp_seconds{schedule="nightly"}`: 5,
	})
	for name := range p {
		if strings.Contains(name, `"nightly"`) && !strings.Contains(name, "_timestamp_seconds") {
			t.Errorf("nobody counts %s", name)
		}
	}
}
