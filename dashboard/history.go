package dashboard

import (
	"sync"
	"time"
)

// history keeps the last samples of every queue. Nothing runs for it: a request, an
// open stream or the Dashboard as a service adds a sample when one is due. A program
// without a viewer pays nothing. To have samples from before the first view, add the
// dashboard to the host.
//
// The samples of one moment are one row: to write a row of 10,000 queues costs little
// more than to read their counts, and nothing in it is for the garbage collector.
type history struct {
	interval time.Duration // between samples, if there are not too many queues
	keep     int           // rows at most
	many     int           // queues, see manyQueues

	mu    sync.Mutex
	rows  []tick         // a circle once it is full
	next  int            // where the next row goes then
	of    map[string]int // places of the queues in each row
	place []place
	free  []int // places of queues that are gone
}

// tick is a row.
type tick struct {
	at      time.Time
	samples []sample
}

// place is what is known of the queue that has it.
type place struct {
	since time.Time // its first sample; those before are of another queue
	last  time.Time
	still time.Time // nothing has ended from then to last, although something was in progress; zero if not
}

// manyQueues is how many are sampled in each interval. With more the samples are as
// many times further apart: what a sample costs is bounded.
const manyQueues = 4000

// stepLocked is how far apart samples are.
func (h *history) stepLocked() time.Duration {
	return h.interval * time.Duration(1+len(h.of)/h.many)
}

// due reports whether it is time for a sample.
func (h *history) due(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.dueLocked(now)
}

// dueLocked takes a tenth early for on time: tickers of several viewers are never quite
// in step.
func (h *history) dueLocked(now time.Time) bool {
	last := h.lastLocked()
	return last == nil || now.Sub(last.at) >= h.stepLocked()-h.interval/10
}

// lastLocked is the newest row, nil if there is none.
func (h *history) lastLocked() *tick {
	if len(h.rows) == 0 {
		return nil
	}
	return h.rowLocked(len(h.rows) - 1)
}

// rowLocked is the i-th row, the oldest first.
func (h *history) rowLocked(i int) *tick { return &h.rows[(h.next+i)%len(h.rows)] }

// record adds a row if one is due, and forgets the queues that are gone.
func (h *history) record(now time.Time, queues []sampled) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.dueLocked(now) {
		return
	}
	var before []sample
	if last := h.lastLocked(); last != nil {
		before = last.samples
	}
	r, there := h.addRowLocked(now), 0
	for i := range queues {
		if h.recordLocked(r, before, &queues[i]) {
			there++
		}
	}
	if there == len(h.of) {
		return
	}
	for name, at := range h.of {
		if !h.place[at].last.Equal(now) {
			delete(h.of, name)
			h.free = append(h.free, at)
		}
	}
}

func (h *history) addRowLocked(now time.Time) *tick {
	if len(h.rows) < h.keep && h.next == 0 && (len(h.rows) == 0 || now.Sub(h.rows[0].at) < h.span()) {
		h.rows = append(h.rows, tick{at: now})
		return &h.rows[len(h.rows)-1]
	}
	r := &h.rows[h.next]
	h.next = (h.next + 1) % len(h.rows)
	r.at = now
	return r
}

// recordLocked returns false for a queue that is in the row already, by another of its
// consumers.
func (h *history) recordLocked(r *tick, before []sample, q *sampled) bool {
	at, known := h.of[q.name]
	if !known {
		at = h.settleLocked(q.name, r.at)
	}
	for len(r.samples) <= at {
		r.samples = append(r.samples, sample{})
	}
	p := &h.place[at]
	switch {
	case known && p.last.Equal(r.at):
		r.samples[at].oldest = max(r.samples[at].oldest, q.oldest)
		return false
	case q.inProgress == 0:
		p.still = time.Time{}
	case !known || p.still.IsZero() || before[at].ended != q.ended:
		p.still = r.at
	}
	p.last = r.at
	r.samples[at] = q.sample
	return true
}

// settleLocked gives a queue a place.
func (h *history) settleLocked(name string, now time.Time) (at int) {
	if n := len(h.free); n > 0 {
		at = h.free[n-1]
		h.free = h.free[:n-1]
	} else {
		at = len(h.place)
		h.place = append(h.place, place{})
	}
	if h.of == nil {
		h.of = map[string]int{}
	}
	h.of[name] = at
	h.place[at] = place{since: now}
	return at
}

// rateWindow is the period that the current rates cover: short enough to be current,
// long enough not to flicker.
const rateWindow = 10 * time.Second

// addRates gives every queue its current rates, from the samples so far, and since
// when it stands still, which does not need a sample of every second: what had been
// begun at the first of them has not come back at the last.
func (h *history) addRates(s *State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	last := h.lastLocked()
	if last == nil {
		return
	}
	window, span := s.Time.Add(-max(rateWindow, 3*h.stepLocked())), s.Time.Add(-h.span())
	first := len(h.rows)
	for first > 0 && !h.rowLocked(first-1).at.Before(window) {
		first--
	}
	for i := range s.Queues {
		q := &s.Queues[i]
		at, known := h.of[q.Name]
		if !known {
			continue
		}
		p := &h.place[at]
		now := q.sample(s.Time)
		if !p.still.IsZero() && !p.last.Before(span) && now.inProgress > 0 && last.samples[at].ended == now.ended {
			q.idleSince = p.still
		}
		from := first
		for from < len(h.rows) && h.rowLocked(from).at.Before(p.since) {
			from++
		}
		if from < len(h.rows) {
			r := h.rowLocked(from)
			q.Rates = rates(r.samples[at], now, s.Time.Sub(r.at))
		}
	}
}

// span is how far back the history goes at most.
func (h *history) span() time.Duration { return time.Duration(h.keep) * h.interval }

// step is how far apart samples are. After three without one a chart has a gap.
func (h *history) step() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stepLocked()
}

// points are the history of one queue, oldest first.
func (h *history) points(queue string, now time.Time) []Point {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, known := h.of[queue]
	if !known {
		return nil
	}
	since := h.place[at].since
	if early := now.Add(-h.span()); early.After(since) {
		since = early
	}
	points := make([]Point, 0, len(h.rows))
	var before *tick
	for i := range h.rows {
		r := h.rowLocked(i)
		if r.at.Before(since) {
			continue
		}
		s := &r.samples[at]
		p := Point{Time: r.at, Depth: int(s.depth), OldestSeconds: float64(s.oldest) / 1000}
		// After a time without samples the rate is unknown, not an average of it.
		if before != nil && r.at.Sub(before.at) <= 3*h.stepLocked() {
			p.Rates = rates(before.samples[at], *s, r.at.Sub(before.at))
		}
		points, before = append(points, p), r
	}
	return points
}
