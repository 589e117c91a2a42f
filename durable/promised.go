package durable

import (
	"context"
	"time"

	"github.com/steadgo/stead/durable/internal/store"
)

// promised is the next slot by the schedule's place in the store, which is what it
// goes by; by its rule as long as it has none.
func (s *entry) promised(now time.Time) time.Time {
	for _, p := range s.jobs.placesSeen() {
		if p.Queue != s.kind || p.Name != s.name || p.Next == 0 {
			continue
		}
		// What is due since the store was asked has most likely been taken.
		if next := unix(p.Next); next.After(now) || next.Before(now.Add(-2*glanceAge)) {
			return next
		}
	}
	return s.next(now)
}

func (j *core) placesSeen() []store.Place {
	if !j.inUse() {
		return nil
	}
	return j.seen.look(func(ctx context.Context) ([]store.Place, error) {
		all, _, err := j.store.Places(ctx)
		return all, err
	})
}
