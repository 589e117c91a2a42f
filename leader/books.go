package leader

import (
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/internal/guard"
)

// books add up what the inner services of all terms say of their items, so that
// what was left over by a loss long ago is in the report of the last stop.
type books struct {
	left int
	base map[string]uint64 // of queues that ended with their terms
	last map[string]uint64 // of the last term that ended
}

// open takes a new inner service in. Its queue may be that of the term before it,
// which then counts on, or a new one, which begins below what the last one had.
func (b *books) open(now map[string]uint64) {
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

// total adds what queues of earlier terms counted to what the current one counts.
func (b *books) total(current map[string]uint64) map[string]uint64 {
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

// open notes the inner service of a new term. Its counts are asked for before the
// lock is taken, here and below: they are not ours, and may block or ask us back.
func (s *Service) open(inner hosted.Service) {
	items := countsOf(inner)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inner = inner
	s.books.open(items)
}

// close notes the end of a term, of which inner is nil if none was made.
func (s *Service) close(inner hosted.Service) {
	items, left := countsOf(inner), leftoverOf(inner)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.working = false
	s.books.left += left
	if inner != nil {
		s.books.last = items
	}
}

// setWorking notes whether there is work that must not be begun beside.
func (s *Service) setWorking(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.working = is
}

// current is the inner service while its work goes on; nil otherwise.
func (s *Service) current() hosted.Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.working {
		return nil
	}
	return s.inner
}

// Unwrap is the inner service: while this process leads, and the last one after
// the stop, when it is asked how it went. A follower has none. Hosts, dashboards and
// metrics look behind it, so that the queues and jobs of the leader are seen.
func (s *Service) Unwrap() hosted.Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.working || s.ctx != nil && s.ctx.Err() != nil {
		return s.inner
	}
	return nil
}

// Leftover is what the stops of all inner services left over, those that a loss
// ended too.
func (s *Service) Leftover() int {
	left := leftoverOf(s.current())
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.books.left + left
}

// Counts is where the items of all inner services ended, by bucket, as
// channelq.Stats.Counts has it. nil if none has any.
func (s *Service) Counts() map[string]uint64 {
	inner := s.current()
	items := countsOf(inner)
	s.mu.Lock()
	defer s.mu.Unlock()
	if inner == nil {
		items = s.books.last
	}
	return s.books.total(items)
}

// Backlog is what the inner service has still to drain.
func (s *Service) Backlog() int {
	if b, ok := hosted.As[interface{ Backlog() int }](s.current()); ok {
		return b.Backlog()
	}
	return 0
}

// Stuck is not 0 when the service was told to stop, or has failed, and the work of
// its last term has not returned: how many calls the inner service says there are,
// or 1 if it does not say. A host then reports a straggler.
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

// leftoverOf and countsOf ask a service that may have such a method, or one behind
// it. It may be nil.
func leftoverOf(inner hosted.Service) (n int) {
	if l, ok := hosted.As[interface{ Leftover() int }](inner); ok {
		_ = guard.Call(func() error { n = l.Leftover(); return nil }) // a panic counts as none
	}
	return n
}

func countsOf(inner hosted.Service) (items map[string]uint64) {
	if t, ok := hosted.As[interface{ Counts() map[string]uint64 }](inner); ok {
		_ = guard.Call(func() error { items = t.Counts(); return nil })
	}
	return items
}
