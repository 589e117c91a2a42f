package metrics_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
)

// candidate is a service with the methods of those of package leader.
type candidate struct {
	hosted.Service
	leads   atomic.Bool
	changes atomic.Uint64
}

func (c *candidate) Group() string                  { return "news" }
func (c *candidate) Role() (bool, time.Time, int64) { return c.leads.Load(), time.Time{}, 1 }
func (c *candidate) Transitions() uint64            { return c.changes.Load() }
func (c *candidate) become(leader bool)             { c.leads.Store(leader); c.changes.Add(1) }
func newCandidate(inner hosted.Service) *candidate  { return &candidate{Service: inner} }
func (c *candidate) Unwrap() hosted.Service         { return c.Service }
func behind(s hosted.Service) *wrapper              { return &wrapper{s} }

type wrapper struct{ hosted.Service }

func (w *wrapper) Unwrap() hosted.Service { return w.Service }

func TestWhetherThisProcessLeadsIsReadAtTheScrape(t *testing.T) {
	c := newCandidate(hosted.Once(nil))
	host := hosted.New(hosted.Config{})
	host.Add("newsletter", behind(c))
	scrape(t, host).want(t, map[string]float64{
		`stead_leader{group="news"}`:                   0,
		`stead_leader_transitions_total{group="news"}`: 0,
	})
	c.become(true)
	scrape(t, host).want(t, map[string]float64{
		`stead_leader{group="news"}`:                   1,
		`stead_leader_transitions_total{group="news"}`: 1,
	})
	c.become(false)
	scrape(t, host).want(t, map[string]float64{
		`stead_leader{group="news"}`:                   0,
		`stead_leader_transitions_total{group="news"}`: 2,
	})
	scrape(t, hosted.New(hosted.Config{})).wantAbsent(t, "stead_leader")
}
