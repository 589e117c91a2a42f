package leader

import (
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/internal/guard"
)

// carryOver sums the counts of the inner services of all terms, so that the report
// of the last stop includes what an earlier loss left over.
type carryOver struct {
	left int
	base map[string]uint64 // sums of queues that ended with their terms
	last map[string]uint64 // counts of the last term that ended
}

// open begins a new term. The new service may reuse the queue of the previous term,
// whose counters continue, or have a new queue, whose counters restart at zero.
func (b *carryOver) open(now map[string]uint64) {
	for bucket, n := range b.last {
		if now[bucket] < n {
			if b.base == nil {
				b.base = map[string]uint64{}
			}
			b.base[bucket] += n
		}
	}
	b.last = nil
}

// total adds the counts of earlier queues to those of the current one.
func (b *carryOver) total(current map[string]uint64) map[string]uint64 {
	if b.base == nil {
		return current
	}
	sum := map[string]uint64{}
	for _, part := range []map[string]uint64{b.base, current} {
		for bucket, n := range part {
			sum[bucket] += n
		}
	}
	return sum
}

// open records the inner service of a new term. Its Counts, here and below, are
// called without the lock: they are user code, and may block or call the service.
func (s *Service) open(inner hosted.Service) {
	items := countsOf(inner)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inner = inner
	s.carried.open(items)
}

// close records the end of a term. inner is nil if the term had no service.
func (s *Service) close(inner hosted.Service) {
	items, left := countsOf(inner), leftoverOf(inner)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.working = false
	s.carried.left += left
	if inner != nil {
		s.carried.last = items
	}
}

// setWorking records whether work is running beside which no other may begin.
func (s *Service) setWorking(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.working = is
}

// current returns the inner service while its work is running, and otherwise nil.
func (s *Service) current() hosted.Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.working {
		return nil
	}
	return s.inner
}

// Unwrap returns the inner service while this process leads, and the last one after
// the stop. A follower returns nil. Hosts, dashboards and metrics use Unwrap to
// show the queues and jobs of the leader.
func (s *Service) Unwrap() hosted.Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.working || s.ctx != nil && s.ctx.Err() != nil {
		return s.inner
	}
	return nil
}

// Leftover returns how many items the stops of all inner services left over,
// including those stopped by a loss.
func (s *Service) Leftover() int {
	left := leftoverOf(s.current())
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.carried.left + left
}

// Counts returns the outcomes of the items of all inner services, as
// channelq.Stats.Counts does. It returns nil if there are none.
func (s *Service) Counts() map[string]uint64 {
	inner := s.current()
	items := countsOf(inner)
	s.mu.Lock()
	defer s.mu.Unlock()
	if inner == nil {
		items = s.carried.last
	}
	return s.carried.total(items)
}

// Backlog returns how many items the inner service still has to drain.
func (s *Service) Backlog() int {
	if b, ok := hosted.As[interface{ Backlog() int }](s.current()); ok {
		return b.Backlog()
	}
	return 0
}

// Stuck returns how many calls of the inner service have not returned after the
// service was stopped or failed, and 0 before. It returns 1 if the inner service
// does not count them. A host then reports a straggler.
func (s *Service) Stuck() int {
	s.mu.Lock()
	inner, is := s.inner, s.working && (s.ctx.Err() != nil || s.err != nil)
	s.mu.Unlock()
	if !is {
		return 0
	}
	if i, ok := hosted.As[interface{ Stuck() int }](inner); ok {
		return max(1, i.Stuck())
	}
	return 1
}

// leftoverOf and countsOf call the method of a service, or of one that it wraps. The
// service may be nil or have no such method.
func leftoverOf(inner hosted.Service) (n int) {
	if l, ok := hosted.As[interface{ Leftover() int }](inner); ok {
		_ = guard.Call(func() error { n = l.Leftover(); return nil }) // 0 if it panics
	}
	return n
}

func countsOf(inner hosted.Service) (items map[string]uint64) {
	if t, ok := hosted.As[interface{ Counts() map[string]uint64 }](inner); ok {
		_ = guard.Call(func() error { items = t.Counts(); return nil })
	}
	return items
}
