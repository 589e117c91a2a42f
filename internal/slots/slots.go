// Package slots is shared by schedules in memory and in a store. It finds the
// latest of many slots, passes a slot to its run, and returns the text of a
// schedule.
package slots

import (
	"context"
	"fmt"
	"time"
)

// Schedule is periodic.Schedule.
type Schedule interface {
	Next(after time.Time) time.Time
}

// Text returns the String of a schedule, or "" if it has none. It may call user
// code and must be called without a lock. fmt turns a panic of String into text.
func Text(s Schedule) string {
	if t, ok := s.(fmt.Stringer); ok {
		return fmt.Sprint(t)
	}
	return ""
}

type key struct{}

// With returns ctx for a run with that slot.
func With(ctx context.Context, slot time.Time) context.Context {
	return context.WithValue(ctx, key{}, slot)
}

// From returns the slot given to With, or the zero time.
func From(ctx context.Context) time.Time {
	slot, _ := ctx.Value(key{}).(time.Time)
	return slot
}

// Following returns s.Next and checks its contract: a slot that is not later would
// cause a busy loop.
func Following(s Schedule, after time.Time) (time.Time, error) {
	next := s.Next(after)
	if !next.IsZero() && !next.After(after) {
		return next, fmt.Errorf("schedule: Next(%v) = %v is not later", after, next)
	}
	return next, nil
}

// CountLimit bounds the slots that are counted one by one after a long gap. A count
// of CountLimit means at least as many.
const CountLimit = 1000

// Latest returns the last slot not after now, where slot is one, and the number of
// slots from slot to the latest, counted up to CountLimit. A per-second job that
// slept a month has millions. Latest therefore looks back from now in growing steps
// until there is a slot, then bisects.
func Latest(s Schedule, slot, now time.Time) (latest time.Time, count int, err error) {
	// No slot is in (high, now], and low is a slot.
	low, high := slot, now
	for back := time.Second; ; back *= 2 {
		from := now.Add(-back)
		if back <= 0 || !from.After(slot) {
			break
		}
		next, err := Following(s, from)
		if err != nil {
			return low, 0, err
		}
		if !next.IsZero() && !next.After(now) {
			low = next
			break
		}
		high = from
	}
	if latest, err = bisect(s, low, high, now); err != nil {
		return latest, 0, err
	}
	for t := slot; ; {
		count++
		if !t.Before(latest) || count == CountLimit {
			return latest, count, nil
		}
		if t, err = Following(s, t); err != nil {
			return latest, 0, err
		}
	}
}

// bisectLimit is more steps than it takes to halve the longest Duration until
// nothing is left.
const bisectLimit = 128

// bisect returns the last slot not after now, where low is one and none is after
// high. Each step moves low forward or halves the remaining span. If it does not
// end, the results of the schedule contradict each other.
func bisect(s Schedule, low, high, now time.Time) (time.Time, error) {
	for range bisectLimit {
		next, err := Following(s, low)
		if err != nil || next.IsZero() || next.After(now) {
			return low, err
		}
		low = next
		middle := low.Add(high.Sub(low) / 2)
		if !middle.After(low) {
			continue
		}
		if next, err = Following(s, middle); err != nil {
			return low, err
		}
		if next.IsZero() || next.After(now) {
			high = middle
		} else {
			low = next
		}
	}
	return low, fmt.Errorf("schedule: Next has slots from %v on where it said that there are none", low)
}
