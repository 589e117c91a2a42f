package dashboard

import (
	"math"
	"slices"
	"sync"
	"time"
)

// history keeps the last samples of every queue. Nothing runs for it: whoever
// looks, a request, an open stream or the service that Dashboard is, adds a
// sample when one is due. A program that nobody looks at pays nothing; one that
// wants to know what was before somebody looked adds the dashboard to its host.
type history struct {
	interval time.Duration // between samples
	keep     int           // samples a queue

	mu     sync.Mutex
	last   time.Time
	queues map[string]*ring
}

// sample is what a chart is drawn of. Counters are kept as they are: rates come
// from the difference of any two samples.
type sample struct {
	at                    time.Time
	depth                 int32
	inProgress            int32
	oldest                time.Duration
	in, out, failed, lost uint64
	ended                 uint64 // moves with attempts that end, whatever comes of them
}

// ring is the last samples, overwritten in a circle once it is full.
type ring struct {
	samples []sample
	next    int // where the next goes once it is full
}

func (r *ring) add(s sample, keep int) {
	if len(r.samples) < keep {
		r.samples = append(r.samples, s)
		return
	}
	r.samples[r.next] = s
	r.next = (r.next + 1) % keep
}

// ordered are the samples since a moment, oldest first.
func (r *ring) ordered(since time.Time) []sample {
	all := make([]sample, 0, len(r.samples))
	for i := range r.samples {
		if s := r.samples[(r.next+i)%len(r.samples)]; !s.at.Before(since) {
			all = append(all, s)
		}
	}
	return all
}

func sampleOf(q *Queue, now time.Time) sample {
	s := sample{
		at: now, depth: clamped(q.Depth), inProgress: clamped(q.InProgress),
		in: q.Accepted, out: q.Handled + q.TakenByHand, failed: q.GaveUp,
		ended: q.Handled + q.GaveUp + q.Skipped + q.Retried + q.Handle.Samples,
		lost:  q.Dropped.Oldest + q.Dropped.Newest + q.Refused.Full + q.Refused.Write,
	}
	if q.States == nil { // of all processes it would say nothing of this one; there every attempt is in Handle
		s.ended += uint64(len(q.Retrying))
	}
	if !q.OldestDue.IsZero() {
		s.oldest = max(0, now.Sub(q.OldestDue))
	}
	return s
}

func clamped(n int) int32 { return int32(min(max(n, 0), math.MaxInt32)) }

// idleSince is since when nothing has ended although something is in progress all
// the time, which does not need a sample of every second: what had been begun at
// the first of them has not come back at the last. Zero if something did.
func idleSince(recent []sample, now sample) (since time.Time) {
	for i := len(recent) - 1; i >= 0 && now.inProgress > 0; i-- {
		if s := recent[i]; s.inProgress == 0 || s.ended != now.ended {
			break
		}
		since = recent[i].at
	}
	return since
}

// record adds a sample of every queue if one is due, and forgets the queues that
// are gone.
func (h *history) record(s *State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	// A tenth early is on time: tickers of several viewers are never quite in
	// step.
	if !h.last.IsZero() && s.Time.Sub(h.last) < h.interval-h.interval/10 {
		return
	}
	h.last = s.Time
	queues := make(map[string]*ring, len(s.Queues))
	for i := range s.Queues {
		q := &s.Queues[i]
		r := h.queues[q.Name]
		if r == nil {
			r = &ring{}
		}
		r.add(sampleOf(q, s.Time), h.keep)
		queues[q.Name] = r
	}
	h.queues = queues
}

// rateWindow is over how long the current rates are taken: short enough to be
// current, long enough not to flicker.
const rateWindow = 10 * time.Second

// addRates gives every queue its current rates, from the samples so far, and since
// when it stands still.
func (h *history) addRates(s *State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range s.Queues {
		q := &s.Queues[i]
		r := h.queues[q.Name]
		if r == nil {
			continue
		}
		now := sampleOf(q, s.Time)
		all := r.ordered(s.Time.Add(-h.span()))
		q.idleSince = idleSince(all, now)
		window := s.Time.Add(-max(rateWindow, 3*h.interval))
		if i := slices.IndexFunc(all, func(s sample) bool { return !s.at.Before(window) }); i >= 0 {
			q.Rates = rates(all[i], now)
		}
	}
}

// rates between two samples, nil if they are too close to tell.
func rates(from, to sample) *Rates {
	seconds := to.at.Sub(from.at).Seconds()
	if seconds < 0.05 {
		return nil
	}
	per := func(a, b uint64) float64 {
		if b < a { // another queue of that name
			return 0
		}
		return float64(b-a) / seconds
	}
	return &Rates{In: per(from.in, to.in), Out: per(from.out, to.out), Failed: per(from.failed, to.failed), Lost: per(from.lost, to.lost)}
}

// span is how far back the history goes at most.
func (h *history) span() time.Duration { return time.Duration(h.keep) * h.interval }

// points are the history of one queue, oldest first.
func (h *history) points(queue string, now time.Time) []Point {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.queues[queue]
	if r == nil {
		return nil
	}
	samples := r.ordered(now.Add(-h.span()))
	points := make([]Point, len(samples))
	for i, s := range samples {
		points[i] = Point{Time: s.at, Depth: int(s.depth), OldestSeconds: s.oldest.Seconds()}
		// After a time without samples the rate is unknown, not an average of it.
		if i > 0 && s.at.Sub(samples[i-1].at) <= 3*h.interval {
			points[i].Rates = rates(samples[i-1], s)
		}
	}
	return points
}
