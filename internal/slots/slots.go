// Package slots is what a schedule in memory and one in a store share: how the
// latest of many slots is found, how a run knows its slot, and what a schedule is
// called.
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

// Text is what a schedule says it is; empty if it says nothing. It may call the
// user's String and must be called without a lock. fmt makes a text of what that
// panics on.
func Text(s Schedule) string {
	if t, ok := s.(fmt.Stringer); ok {
		return fmt.Sprint(t)
	}
	return ""
}

type key struct{}

// With is ctx for a run that is for the slot.
func With(ctx context.Context, slot time.Time) context.Context {
	return context.WithValue(ctx, key{}, slot)
}

// From is the slot given to With, or the zero time.
func From(ctx context.Context) time.Time {
	slot, _ := ctx.Value(key{}).(time.Time)
	return slot
}

// Following is s.Next with its contract enforced: a slot that is not later would
// make a busy loop.
func Following(s Schedule, after time.Time) (time.Time, error) {
	next := s.Next(after)
	if !next.IsZero() && !next.After(after) {
		return next, fmt.Errorf("schedule: Next(%v) = %v is not later", after, next)
	}
	return next, nil
}

// countLimit bounds the slots that are counted one by one after a long gap.
const countLimit = 1000

// Latest is the last slot not after now, given that slot is one, and how many
// there are from slot to that, counted up to countLimit. A per-second job that
// slept a month has millions: it looks back from now in growing steps until there
// is a slot, then halves.
func Latest(s Schedule, slot, now time.Time) (latest time.Time, count int, err error) {
	// There is no slot in (high, now], and low is one.
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
		if !t.Before(latest) || count == countLimit {
			return latest, count, nil
		}
		if t, err = Following(s, t); err != nil {
			return latest, 0, err
		}
	}
}

// bisectLimit is more steps than it takes to halve the time that a Duration can say
// until nothing is left.
const bisectLimit = 128

// bisect is the last slot not after now, given that low is one and that there is
// none after high. Each step moves low forward or halves what is left of the span;
// one that goes on nonetheless is a schedule whose answers contradict each other.
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
