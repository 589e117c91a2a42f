package periodic

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/steadgo/stead/internal/slots"
)

// Schedule says when a job is due. A due time is called a slot.
//
// Next returns the first slot strictly after the given instant, or the zero time if
// there is none. It must do a bounded amount of work however far after lies in the
// past, must be safe for concurrent use, and must depend on its argument only: a
// [Job] calls it again after pauses and clock changes. A Next that returns an
// instant not after its argument, panics, or calls runtime.Goexit ends its job with
// an error. While a Next does not return, only its own job waits, and the log and
// [Stats].StuckInNext say so. For this, a job calls a schedule that is not of this
// package, or has a [Calendar], on a separate goroutine.
//
// A schedule may have a String method, whose text is shown on pages. Those of this
// package have one: `every 5m0s`, `cron "30 2 * * *" Europe/Berlin`.
//
// The schedules of this package are immutable and may be shared by many jobs.
type Schedule interface {
	Next(after time.Time) time.Time
}

// Periods outside these bounds are refused. Below, a job would be a busy loop, because no
// timer is that exact. Above, sums of instants would overflow.
const (
	minPeriod = time.Millisecond
	maxPeriod = 100 * 365 * 24 * time.Hour
)

// Every returns a schedule with a fixed rate: slots are d apart, however long the
// runs take. The first slot is due within d of the start. A hash of the name of the
// job, the host name and the process ID decides where, so that neither the jobs of
// a process nor its replicas run together. A container that is restarted has its
// place again, and so has a job with a LastRun store, whose grid goes on, or with a
// Config.Phase. In a test program the name alone decides. If Config.Phase is
// [OnePeriod], the first slot is due d after the start. If Config.RunAtStart is
// set, the start is the first slot. The grid lies on the monotonic clock, so a
// change of the wall clock does not move runs.
//
// Inside [Union], [Except] and [Bounded] the grid begins at the start too, without
// the spread of [Config.Phase], and lies on the wall clock. Outside a job it is
// counted from the Unix epoch.
//
// d must be from one millisecond to a hundred years. For any other value New,
// SetSchedule and Scheduler.Add return an error and Next returns the zero time.
func Every(d time.Duration) Schedule { return rate{d: d} }

// After returns a schedule with a fixed delay: the next run is due d after the end
// of the last one, the first d after the start. It is valid only as Config.Schedule
// itself, not inside another schedule. The bounds of d are those of [Every].
func After(d time.Duration) Schedule { return delay{d} }

// At returns a schedule of fixed instants, in any order. At(t) is a job that runs
// once. An empty list is never due.
func At(times ...time.Time) Schedule {
	sorted := make(list, len(times))
	for i, t := range times {
		sorted[i] = t.Round(0)
	}
	slices.SortFunc(sorted, time.Time.Compare)
	return sorted
}

// Union returns a schedule that is due whenever one of the schedules is. A slot
// that several share is one slot. An empty union is never due.
func Union(schedules ...Schedule) Schedule { return union(slices.Clone(schedules)) }

// Bounded returns s from the instant from, inclusive, to the instant until,
// exclusive. A zero instant leaves that side open. The job ends after until.
func Bounded(s Schedule, from, until time.Time) Schedule {
	return bounded{s, from.Round(0), until.Round(0)}
}

// part is what the schedules of this package have beyond Next. check reports what
// is wrong with a schedule, since the constructors return no error. bind lays the
// grid of a rate.
type part interface {
	Schedule
	check() error
	bind(anchor time.Time) Schedule
}

// check validates s. nested is set if s is inside another schedule.
func check(s Schedule, nested bool) error {
	if s == nil {
		return errors.New("Schedule is nil")
	}
	if _, ok := s.(delay); ok && nested {
		return errors.New("Schedule has After inside another schedule")
	}
	if p, ok := s.(part); ok {
		return p.check()
	}
	return nil
}

func bind(s Schedule, anchor time.Time) Schedule {
	if p, ok := s.(part); ok {
		return p.bind(anchor)
	}
	return s
}

// later is s.Next for a schedule inside another one. The outer schedule may have
// asked for a time other than its own argument, so only later can check that the
// result moved forward. A nil schedule, which New refuses, has no slot.
func later(s Schedule, after time.Time) time.Time {
	if s == nil {
		return time.Time{}
	}
	next, err := slots.Following(s, after)
	if err != nil {
		panic(err)
	}
	return next
}

func checkPeriod(d time.Duration) error {
	if d < minPeriod || d > maxPeriod {
		return fmt.Errorf("period %v is not between %v and 100 years", d, minPeriod)
	}
	return nil
}

// rate counts its slots from an anchor in Unix nanoseconds. The anchor is a single
// word because a hundred thousand jobs have one each.
type rate struct {
	d      time.Duration
	anchor int64
}

func (r rate) Next(after time.Time) time.Time {
	if year := after.Year(); year < 1700 || year > 2150 || checkPeriod(r.d) != nil {
		return time.Time{} // such years do not fit into nanoseconds
	}
	next := after.UnixNano() - r.since(after) + int64(r.d)
	return time.Unix(0, next).In(after.Location())
}

// since returns the time from the last slot not after t to t.
func (r rate) since(t time.Time) int64 {
	rest := (t.UnixNano() - r.anchor) % int64(r.d)
	if rest < 0 {
		rest += int64(r.d)
	}
	return rest
}

// latest returns the last slot not after t.
func (r rate) latest(t time.Time) time.Time { return t.Add(-time.Duration(r.since(t))) }

func (r rate) check() error {
	if err := checkPeriod(r.d); err != nil {
		return fmt.Errorf("Schedule: Every: %w", err)
	}
	return nil
}

func (r rate) bind(anchor time.Time) Schedule { return rate{r.d, anchor.UnixNano()} }

type delay struct{ d time.Duration }

func (d delay) Next(after time.Time) time.Time {
	if checkPeriod(d.d) != nil {
		return time.Time{}
	}
	return after.Add(d.d)
}

func (d delay) check() error {
	if err := checkPeriod(d.d); err != nil {
		return fmt.Errorf("Schedule: After: %w", err)
	}
	return nil
}

func (d delay) bind(time.Time) Schedule { return d }

type list []time.Time

func (l list) Next(after time.Time) time.Time {
	i, found := slices.BinarySearchFunc(l, after, time.Time.Compare)
	if found { // skip it and its duplicates
		for i < len(l) && !l[i].After(after) {
			i++
		}
	}
	if i == len(l) {
		return time.Time{}
	}
	return l[i]
}

func (l list) check() error            { return nil }
func (l list) bind(time.Time) Schedule { return l }

type union []Schedule

func (u union) Next(after time.Time) time.Time {
	var first time.Time
	for _, s := range u {
		if next := later(s, after); !next.IsZero() && (first.IsZero() || next.Before(first)) {
			first = next
		}
	}
	return first
}

func (u union) check() error {
	var errs []error
	for _, s := range u {
		errs = append(errs, check(s, true))
	}
	return errors.Join(errs...)
}

func (u union) bind(anchor time.Time) Schedule {
	bound := make(union, len(u))
	for i, s := range u {
		bound[i] = bind(s, anchor)
	}
	return bound
}

type bounded struct {
	Schedule
	from, until time.Time
}

func (b bounded) Next(after time.Time) time.Time {
	if !b.from.IsZero() && after.Before(b.from) {
		after = b.from.Add(-1) // from itself may be a slot
	}
	next := later(b.Schedule, after)
	if !b.until.IsZero() && !next.Before(b.until) {
		return time.Time{}
	}
	return next
}

func (b bounded) check() error { return check(b.Schedule, true) }

func (b bounded) bind(anchor time.Time) Schedule {
	return bounded{bind(b.Schedule, anchor), b.from, b.until}
}
