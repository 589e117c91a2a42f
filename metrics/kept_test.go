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

func (s *stored) Schedules() []interface{ Name() string } {
	return []interface{ Name() string }{storedSchedule{}}
}

type storedSchedule struct{}

func (storedSchedule) Name() string { return "nightly" }
func (storedSchedule) Stats() periodic.Stats {
	return periodic.Stats{Name: "nightly", Next: time.Unix(7, 0), LastStarted: time.Unix(5, 0)}
}

type storedQueue struct{}

func (*storedQueue) Name() string { return "invoices" }
func (*storedQueue) Stats() channelq.Stats {
	return channelq.Stats{Name: "invoices", Depth: 4, Handled: 9}
}
func (*storedQueue) States() map[string]int { return map[string]int{"retryable": 3, "discarded": 0} }

func TestQueuesThatAServiceNamesAreShownWithTheStatesOfTheirJobs(t *testing.T) {
	s := &stored{Service: hosted.Once(func(context.Context) error { return nil })}
	host := hosted.New(hosted.Config{})
	host.Add("jobs", s, hosted.Watch(&s.queue)) // twice is once
	p := scrape(t, host)
	p.want(t, map[string]float64{
		`stead_queue_depth{queue="invoices"}`:                             4,
		`stead_queue_handled_total{outcome="succeeded",queue="invoices"}`: 9,
		`stead_queue_jobs{queue="invoices",state="retryable"}`:            3,
		`stead_queue_jobs{queue="invoices",state="discarded"}`:            0,
	})
	for _, name := range []string{"capacity", "high_water"} {
		if v, ok := p[`stead_queue_`+name+`{queue="invoices"}`]; ok {
			t.Errorf("%s is %v, but a store has none", name, v)
		}
	}
}

func TestSchedulesThatAServiceNamesShowTheirTimesAndNoFalseCounts(t *testing.T) {
	host := hosted.New(hosted.Config{})
	host.Add("jobs", &stored{Service: hosted.Once(func(context.Context) error { return nil })})
	p := scrape(t, host)
	p.want(t, map[string]float64{
		`stead_job_next_run_timestamp_seconds{job="nightly"}`: 7,
		`stead_job_last_run_timestamp_seconds{job="nightly"}`: 5,
	})
	for name := range p {
		if strings.Contains(name, `"nightly"`) && !strings.Contains(name, "_timestamp_seconds") {
			t.Errorf("nobody counts %s", name)
		}
	}
}
