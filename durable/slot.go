package durable

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/internal/slots"
)

// due are slots that are due, the first and the latest of them.
type due struct {
	first, latest, now time.Time
	count              int
}

// take makes a job of the latest slot, unless that is too late.
func (s *entry) take(ctx context.Context, at, to store.Place, d due) error {
	var insert func(context.Context, any) error
	limit := s.late.limit()
	made, skipped := limit == 0 || d.now.Sub(d.latest) <= limit, d.count-1
	if !made {
		skipped++
	}
	isNew := false
	if made {
		args, opts, err := s.made(d.latest)
		switch {
		case errors.Is(err, errMaking):
			return err
		case err != nil:
			s.skip(d.latest, err)
			made, skipped = false, skipped+1
		default:
			insert = func(ctx context.Context, tx any) error {
				res, err := s.jobs.engine.insertTx(ctx, tx, args, opts)
				isNew = err == nil && !res.UniqueSkippedAsDuplicate
				return err
			}
		}
	}
	defer s.jobs.inserting(s.kind)()
	err := s.move(ctx, at, to, insert)
	if insert != nil && isRefusal(err) {
		s.skip(d.latest, err)
		made, skipped = false, skipped+1
		err = s.move(ctx, at, to, nil)
	}
	if err != nil {
		return err
	}
	if isNew {
		s.accepted.Add(1)
	}
	s.skipped.Add(uint64(skipped))
	if d.now.Sub(d.first) >= missedAfter {
		key := "missed"
		if d.count >= slots.CountLimit {
			key = "missed_at_least"
		}
		s.log().Info("slots missed", slog.Int(key, d.count), slog.Time("slot", d.latest), slog.Bool("made_up_for", made))
	}
	return nil
}

// move moves the schedule on, and with it does what insert does, which may be nil.
func (s *entry) move(ctx context.Context, from, to store.Place, insert func(context.Context, any) error) error {
	ctx, cancel := context.WithTimeout(ctx, tickWait)
	defer cancel()
	return s.jobs.engine.inTx(ctx, func(tx any) error {
		moved, err := s.jobs.engine.move(ctx, tx, from, to)
		switch {
		case err != nil:
			return err
		case !moved:
			return errMoved
		case insert != nil:
			return insert(ctx, tx)
		}
		return nil
	})
}

// withdraw clears the promised next slot, so that a process that finds the place later
// restarts the schedule.
func (s *entry) withdraw() error {
	s.moving.Lock()
	defer s.moving.Unlock()
	s.forgotten = true
	if !s.settled.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), manageWait)
	defer cancel()
	for {
		places, _, err := s.jobs.store.Places(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(places, func(p store.Place) bool { return p.Queue == s.kind && p.Name == s.name })
		if i < 0 {
			return nil
		}
		to := places[i]
		to.Next = 0
		if err := s.move(ctx, places[i], to, nil); !errors.Is(err, errMoved) {
			return err
		}
	}
}
