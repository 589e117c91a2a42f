package metrics_test

import (
	"context"
	"testing"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
)

// stored is a service with a queue that is kept elsewhere.
type stored struct {
	hosted.Service
	queue storedQueue
}

func (s *stored) Queues() []interface{ Name() string } {
	return []interface{ Name() string }{&s.queue}
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
