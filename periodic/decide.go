package periodic

import (
	"errors"
	"math"
	"time"

	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/internal/slots"
)

// This file decides what a due slot leads to. Everything here is a function of its
// arguments: the state of jobs is elsewhere, and user schedules are called without a
// lock.

// decideInput is a due slot and the rules for it.
type decideInput struct {
	schedule Schedule
	slot     time.Time // the due slot; if zero, only the next slot is planned
	now      time.Time
	missed   Missed
	grace    time.Duration
	jitter   time.Duration
	seed     uint64
	resumed  bool // the job was paused when the slot was due
	first    bool // now is the next slot
}

// decision is what to do about a decideInput.
type decision struct {
	run    []time.Time // slots to run, oldest first
	missed int         // number of slots that will not run
	next   time.Time   // the slot after now, or zero
	fire   time.Time   // when next is due, jitter included
}

// defaultGrace is how late a slot may be noticed and still be on time under
// SkipMissed. Quartz.NET calls it the misfire threshold and has the same minute.
// The second of APScheduler makes jobs vanish.
const defaultGrace = time.Minute

// decide decides about q. It appends slots to buffer. It returns an error if a
// schedule panics or breaks its contract.
func decide(q decideInput, buffer []time.Time) (a decision, err error) {
	caught := guard.Call(func() error {
		a, err = q.decision(buffer)
		return nil
	})
	return a, errors.Join(err, caught)
}

func (q decideInput) decision(buffer []time.Time) (a decision, err error) {
	if q.slot.IsZero() {
		if a.next, err = following(q.schedule, q.now); err != nil {
			return a, err
		}
		if q.first {
			a.next = q.now
		}
		a.fire, err = q.jittered(a.next)
		return a, err
	}
	if d, ok := q.schedule.(delay); ok {
		if a.run, err = q.choose(buffer, q.slot, 1); len(a.run) == 0 {
			a.missed, a.next = 1, d.Next(q.now)
			a.fire, err = q.jittered(a.next)
		}
		return a, err
	}
	latest, count := q.slot, 1
	if a.next, err = following(q.schedule, q.slot); err != nil {
		return a, err
	}
	if !a.next.IsZero() && !a.next.After(q.now) {
		if latest, count, err = latestSlot(q.schedule, q.slot, q.now); err != nil {
			return a, err
		}
		if a.next, err = following(q.schedule, latest); err != nil {
			return a, err
		}
	}
	// The next slot must be known first: a slot that was overtaken by the next one is
	// missed, a slot that is merely late is not.
	if a.run, err = q.choose(buffer, latest, count); err != nil {
		return a, err
	}
	a.missed = max(count-len(a.run), 0)
	a.fire, err = q.jittered(a.next)
	return a, err
}

// choose returns which of the due slots run.
func (q decideInput) choose(run []time.Time, latest time.Time, count int) ([]time.Time, error) {
	oldest := q.slot
	grace := q.grace
	switch {
	case q.missed == SkipMissed && q.resumed:
		return run, nil // however recent: the slot was due while the job was paused
	case q.missed == SkipMissed && grace == 0:
		grace = defaultGrace
	}
	if grace > 0 {
		if latest.Before(q.now.Add(-grace)) {
			return run, nil
		}
		if edge := q.now.Add(-grace); oldest.Before(edge) {
			oldest = edge
		}
	}
	if q.missed < 1 || count == 1 {
		return append(run, latest), nil
	}
	return lastSlots(run, q.schedule, oldest, latest, int(q.missed))
}

// lastSlots appends the last slots from oldest to latest, at most n, in order. A
// Schedule cannot be asked backwards, so each slot is searched for like the latest
// one. That is n times a bounded effort, where walking from the oldest slot has no
// bound.
func lastSlots(run []time.Time, s Schedule, oldest, latest time.Time, n int) ([]time.Time, error) {
	first := len(run)
	for t := latest; ; {
		run = append(run, t)
		if len(run)-first == n || !t.After(oldest) {
			break
		}
		earlier, err := following(s, oldest.Add(-1))
		if err != nil {
			return nil, err
		}
		if !earlier.Before(t) {
			break
		}
		if t, _, err = latestSlot(s, earlier, t.Add(-1)); err != nil {
			return nil, err
		}
	}
	for i, j := first, len(run)-1; i < j; i, j = i+1, j-1 {
		run[i], run[j] = run[j], run[i]
	}
	return run, nil
}

func following(s Schedule, after time.Time) (time.Time, error) { return slots.Following(s, after) }

// latestSlot is [slots.Latest]. For a fixed rate it computes the result directly.
func latestSlot(s Schedule, slot, now time.Time) (latest time.Time, count int, err error) {
	if r, ok := s.(rate); ok {
		latest = r.latest(now)
		return latest, int(min(int64(latest.Sub(slot)/r.d), math.MaxInt-1)) + 1, nil // an int may have 32 bits
	}
	return slots.Latest(s, slot, now)
}

// jittered returns when slot is due: at most jitter later, before the next slot,
// and always the same for one name and slot.
func (q decideInput) jittered(slot time.Time) (time.Time, error) {
	if q.jitter <= 0 || slot.IsZero() {
		return slot, nil
	}
	room := q.jitter
	if room < maxPeriod {
		room++ // so that the full jitter is possible
	}
	next, err := following(q.schedule, slot)
	if err != nil {
		return slot, err
	}
	if gap := next.Sub(slot); !next.IsZero() && gap < room {
		room = gap
	}
	return slot.Add(spread(q.seed^mix(uint64(slot.UnixNano())), room)), nil
}
