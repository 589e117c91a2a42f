package metrics_test

import (
	"errors"
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

// reaching is a candidate that knows since when it does not reach its store.
type reaching struct {
	*candidate
	since time.Time
}

func (r *reaching) Outage() (time.Time, error) {
	if r.since.IsZero() {
		return time.Time{}, nil
	}
	return r.since, errors.New("connection refused")
}

func TestAStoreOfLeasesThatDoesNotAnswerCanBeAlertedOn(t *testing.T) {
	r := &reaching{candidate: newCandidate(hosted.Once(nil))}
	host := hosted.New(hosted.Config{})
	host.Add("newsletter", behind(r))
	scrape(t, host).want(t, map[string]float64{`stead_leader_store_up{group="news"}`: 1})
	r.since = time.Now()
	scrape(t, host).want(t, map[string]float64{
		`stead_leader_store_up{group="news"}`: 0,
		`stead_leader{group="news"}`:          0,
	})
	r.since = time.Time{}
	scrape(t, host).want(t, map[string]float64{`stead_leader_store_up{group="news"}`: 1})
	plain := hosted.New(hosted.Config{})
	plain.Add("newsletter", newCandidate(hosted.Once(nil))) // does not say
	scrape(t, plain).wantAbsent(t, "stead_leader_store_up")
}

func TestCandidatesOfOneGroupInOneProcessAreOneLine(t *testing.T) {
	host := hosted.New(hosted.Config{})
	var all []*reaching
	for _, name := range []string{"a", "b", "c"} {
		r := &reaching{candidate: newCandidate(hosted.Once(nil))}
		host.Add(name, r)
		all = append(all, r)
	}
	host.Add("d", newCandidate(hosted.Once(nil))) // does not say
	all[1].become(true)
	all[2].since = time.Now()
	scrape(t, host).want(t, map[string]float64{
		`stead_leader{group="news"}`:                   1,
		`stead_leader_store_up{group="news"}`:          0,
		`stead_leader_transitions_total{group="news"}`: 1,
	})
}
