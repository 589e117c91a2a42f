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

// The schedules are not the engine's: that one keeps them in the memory of the
// process that leads, so a slot is lost when nobody leads, and when its insert fails.
// Here every process that works runs all of them, and a slot belongs to the process whose
// transaction moves the schedule's place in the store past it. That transaction inserts
// the job, too.

const (
	tickLongest = 30 * time.Second // between two looks: timers stand still while a machine is suspended
	tickRetry   = time.Second      // after an error
	tickWait    = 5 * time.Second  // for the statements about one schedule

	aheadSaid = time.Hour // between two words on one schedule whose last slot is in the future

	// missedAfter is how late a slot is when it counts as missed.
	missedAfter = time.Second
)

// scheduler is the goroutine that runs the schedules.
type scheduler struct {
	wake   chan struct{}         // holds one: a schedule was added
	stored map[store.Rule]*entry // that are kept going here; nil for one that cannot be
	stop   context.CancelFunc
	done   chan struct{} // nil if it never ran
}

func (c *scheduler) look() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// checkSchedules finds out whether the store can keep them.
func (j *core) checkSchedules(ctx context.Context) error {
	if _, err := j.store.Rules(ctx); err != nil {
		return err
	}
	_, _, err := j.store.Places(ctx)
	return err
}

// startScheduler is called once. A stop ends it in any case, by cutNow.
func (j *core) startScheduler() {
	ctx, cancel := context.WithCancel(j.cut)
	done := make(chan struct{})
	j.mu.Lock()
	j.scheduler.stop, j.scheduler.done = cancel, done
	j.mu.Unlock()
	go func() {
		defer close(done)
		defer cancel()
		away := false
		for ctx.Err() == nil {
			wait, err := j.round(ctx)
			if err != nil && !away && ctx.Err() == nil {
				j.log.Warn("schedules wait for the store", slog.Any("error", hint(err)))
			}
			away = err != nil
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-j.scheduler.wake:
			case <-ctx.Done():
			}
			timer.Stop()
		}
	}()
}

// stopScheduler waits until no more slots are taken, or ctx is done.
func (j *core) stopScheduler(ctx context.Context) {
	j.mu.Lock()
	stop, done := j.scheduler.stop, j.scheduler.done
	j.mu.Unlock()
	if done == nil {
		return
	}
	stop()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// round runs all schedules once, and returns how long until it has to again.
func (j *core) round(ctx context.Context) (time.Duration, error) {
	j.mu.Lock()
	schedules := slices.Clone(j.schedules)
	j.mu.Unlock()
	stored, err := j.storedEntries(ctx)
	if err != nil {
		return tickRetry, err
	}
	if schedules = append(schedules, stored...); len(schedules) == 0 {
		return tickLongest, nil
	}
	places, now, err := j.places(ctx)
	if err != nil {
		return tickRetry, err
	}
	asked := time.Now()
	wait := tickLongest
	for _, s := range schedules {
		at := store.Place{Queue: s.kind, Name: s.name}
		for _, p := range places {
			if p.Queue == s.kind && p.Name == s.name {
				at = p
			}
		}
		next, failed := s.step(ctx, at, now)
		switch {
		case failed != nil:
			err, wait = errors.Join(err, failed), min(wait, tickRetry)
		case !next.IsZero():
			wait = min(wait, next.Sub(now)-time.Since(asked))
		}
	}
	return max(wait, 0), err
}

func (j *core) places(ctx context.Context) ([]store.Place, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, tickWait)
	defer cancel()
	return j.store.Places(ctx)
}

// step deals with what is due at now, a time of the store, of a schedule whose place is
// at. It returns when there is something to do next, or zero if never.
func (s *entry) step(ctx context.Context, at store.Place, now time.Time) (next time.Time, err error) {
	if s.broken.Load() {
		return next, nil
	}
	var first, latest, follows time.Time // written on a goroutine that may be abandoned
	var count int
	// Its slots until then would never come: the clock was ahead when it was moved on.
	ahead := unix(at.Last).After(now)
	begins := at.Last == 0 || ahead
	answered, err := s.ask(func() (err error) {
		if !begins {
			if first, err = slots.Following(s.of, unix(at.Last)); err != nil {
				return err
			}
			begins = (s.stored || !s.settled.Load()) && nanos(first) != at.Next
		}
		switch {
		case begins:
			latest = now
		case first.IsZero() || first.After(now):
			follows = first
			return nil
		default:
			if latest, count, err = slots.Latest(s.of, first, now); err != nil {
				return err
			}
		}
		follows, err = slots.Following(s.of, latest)
		return err
	})
	switch {
	case !answered:
		return now.Add(tickRetry), nil
	case err != nil:
		s.broken.Store(true)
		s.log().Error("schedule ended", slog.Any("error", err))
		return time.Time{}, nil
	}
	to := store.Place{Queue: s.kind, Name: s.name, Last: nanos(latest), Next: nanos(follows)}
	s.moving.Lock()
	defer s.moving.Unlock()
	switch {
	case s.forgotten:
		return time.Time{}, nil
	case begins:
		err = s.begin(ctx, at, to, ahead)
	case count > 0:
		err = s.take(ctx, at, to, due{first, latest, now, count})
	}
	switch {
	case errors.Is(err, errMoved): // by another process
		return now, nil
	case errors.Is(err, errMaking): // the scheduler is woken when that has ended
		return now.Add(tickRetry), nil
	case err == nil:
		s.settled.Store(true)
		if begins || count > 0 {
			s.jobs.seen.forget()
		}
	}
	return follows, err
}

// errMoved ends a transaction that came too late.
var errMoved = errors.New("the schedule was moved on")

// begin resets the place of a schedule that is new, whose rule has changed since the next
// slot was promised, or whose last slot is in the future. A slot until then that has a
// job already gets no other one: see slotKey.
func (s *entry) begin(ctx context.Context, at, to store.Place, ahead bool) error {
	if err := s.move(ctx, at, to, nil); err != nil {
		return err
	}
	if ahead {
		// Processes whose clocks differ, as on one file, move it to and fro.
		if time.Since(s.saidAhead) < aheadSaid {
			return nil
		}
		s.saidAhead = time.Now()
		s.log().Warn("schedule restarts, its last slot was in the future", slog.Time("slot", unix(at.Last)), slog.Time("next", unix(to.Next)))
		return nil
	}
	s.log().Info("schedule begins", slog.Bool("changed", at.Last != 0), slog.Time("next", unix(to.Next)))
	return nil
}
