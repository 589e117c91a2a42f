package dashboard

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/internal/guard"
)

// undoFor is how long a discarded failure can be taken back.
const undoFor = time.Minute

// discarded is a failure that was discarded on the page.
type discarded struct {
	queue, service string
	id             int64
}

// discards are the failures of queues in memory that were discarded on the page less than
// undoFor ago. Until then the queue has them, and nobody sees them: a failure that the
// queue has discarded itself is gone.
type discards struct {
	mu   sync.Mutex
	held map[discarded]held
}

type held struct {
	timer   *time.Timer
	forGood func() // discards it permanently
}

// hold discards a failure permanently after undoFor.
func (s *discards) hold(f discarded, forGood func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == nil {
		s.held = map[discarded]held{}
	}
	s.held[f] = held{forGood: forGood, timer: time.AfterFunc(undoFor, func() {
		forGood() // while it is held, so that nobody sees it again
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.held, f)
	})}
}

// restore takes a discard back, and reports whether there was one that is not being done.
func (s *discards) restore(f discarded) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.held[f]
	if !ok || !h.timer.Stop() {
		return false
	}
	delete(s.held, f)
	return true
}

func (s *discards) has(f discarded) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.held[f]
	return ok
}

// flush permanently discards what is held, at the end of the program.
func (s *discards) flush() {
	s.mu.Lock()
	all := s.held
	s.held = nil
	s.mu.Unlock()
	for _, h := range all {
		if h.timer.Stop() {
			h.forGood()
		}
	}
}

// discard discards a failure of a queue in memory so that it can be restored. It returns
// false if the source has none of that id: the source then says what is wrong. A failure
// in a store is discarded at once, as other processes see it.
func (inv *inventory) discard(s source, a Action) bool {
	q, can := find[requeuer](s)
	_, stored := find[keptSource](s)
	listed, lists := find[failureSource](s)
	f := discarded{a.Name, s.service, a.ID}
	if !can || stored || !lists || inv.d.discards.has(f) {
		return false
	}
	if !slices.ContainsFunc(listed.Failures(), func(f channelq.Failure) bool { return f.ID == a.ID }) {
		return false
	}
	inv.d.discards.hold(f, func() {
		if err := guard.Call(func() error { return q.Discard(a.ID) }); err != nil {
			inv.d.logger().Warn("dashboard discard not done", slog.String("queue", a.Name), slog.Int64("id", a.ID), slog.Any("error", err))
		}
	})
	return true
}

// seen are the failures of a source that were not discarded on the page.
func (inv *inventory) seen(queue string, s source, f failureSource) []channelq.Failure {
	return slices.DeleteFunc(slices.Clone(f.Failures()), func(f channelq.Failure) bool {
		return inv.d.discards.has(discarded{queue, s.service, f.ID})
	})
}
