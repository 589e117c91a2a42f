package dashboard

import (
	"context"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/internal/guard"
)

const (
	countedFor = 10 * time.Second
	countWait  = 50 * time.Millisecond // of a page for a count
	maxCounts  = 100
)

// counted is how many jobs there were.
type counted struct {
	n     int
	exact bool
	known bool
	at    time.Time

	asking bool
	stop   context.CancelFunc // of the one that asks
	ended  chan struct{}      // it has the answer
}

// count returns how many jobs match, as of the last countedFor: an open page asks every
// second, and a store may count for two. A page does not wait for that: the number is there
// when it asks again.
func (m *matching) count(at spot, q findSource, f channelq.JobFilter) counted {
	m.mu.Lock()
	c := m.counts[at]
	if c == nil {
		if m.counts == nil || len(m.counts) >= maxCounts {
			m.counts = map[spot]*counted{}
		}
		c = &counted{}
		m.counts[at] = c
	}
	if c.asking || time.Since(c.at) < countedFor {
		defer m.mu.Unlock()
		return *c
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeWait)
	ended := make(chan struct{})
	c.asking, c.stop, c.ended = true, cancel, ended
	m.mu.Unlock()
	go func() {
		defer close(ended)
		defer cancel()
		var n int
		var exact bool
		err := guard.Call(func() (err error) { n, exact, err = q.CountJobs(ctx, f); return err })
		m.mu.Lock()
		defer m.mu.Unlock()
		c.n, c.exact, c.known, c.asking, c.at = n, exact, err == nil, false, time.Now()
	}()
	timer := time.NewTimer(countWait)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return *c
}
