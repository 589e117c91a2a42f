package durable

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/periodic"
)

// Every enqueues what make returns whenever the schedule is due: a slot is one job,
// however many processes call Every with this name and schedule. Each process that
// works has to, and any of them that lives keeps the schedule going; in mode
// EnqueueOnly it is only shown, see [Jobs.ScheduleList]. The handler learns the slot from
// [periodic.Scheduled]. The clock is the store's.
//
// The store remembers the last slot. Slots that passed while no process ran, or the store
// was unreachable, are made up for by one job at once, for the latest of them, however
// late that is; how many there were is logged. [MissedGrace] and [Missed] say otherwise.
// What counts as missed is what was promised:
//
//   - A schedule begins when a process first works with it, and has no slots before.
//   - A schedule whose rule was changed restarts, as soon as a process with the new rule
//     works, unless the slot that was missed first is one of the new rule too. Both rules
//     enqueue as long as processes with both run.
//   - So does one whose last slot is in the future, because a clock was wrong.
//   - So does one that came back after [Jobs.Forget], or on another queue.
//
// make is called on a goroutine of its own, possibly in several processes for one slot.
// When it panics, ends its goroutine, has not returned within 5 s, or the item cannot be
// stored, the slot is skipped and logged with the name; other schedules do not wait for
// it. As long as one call has not returned there is no other one of that schedule.
//
// The name is unique among the jobs: 1 to 256 bytes of UTF-8 without a NUL. Every may be
// called before Start and at run time; see [Jobs.Forget].
func Every[T any](q *Queue[T], name string, schedule periodic.Schedule, make func() T, opts ...EveryOption) error {
	fail := func(err error) error {
		return fmt.Errorf("stead/durable: every %q: %w", cut(name, maxName), err)
	}
	if err := checkName(name); err != nil {
		return fail(err)
	}
	switch {
	case q == nil:
		return fail(errors.New("the queue is nil"))
	case schedule == nil:
		return fail(errors.New("the schedule is nil"))
	case make == nil:
		return fail(errors.New("the function is nil"))
	}
	s := &entry{jobs: q.jobs, name: name, kind: q.kind, of: schedule, accepted: &q.books.accepted}
	for _, o := range opts {
		if o == nil {
			return fail(errors.New("an option is nil"))
		}
		if err := o.applyEvery(&s.late); err != nil {
			return fail(err)
		}
	}
	s.describe = func() (payload, *river.InsertOpts, error) { return q.describe(make(), nil) }
	if err := q.jobs.addSchedule(s); err != nil {
		return fail(err)
	}
	return nil
}

// stamp makes the job of a slot out of one that describe returned.
func (s *entry) stamp(p payload, o *river.InsertOpts, slot time.Time) (payload, error) {
	if err := checkTime(slot); err != nil {
		return p, err
	}
	p.periodic, p.slot = s.name, slot
	o.ScheduledAt = notBefore(slot)
	// A second lock on the slot: processes of a version that does not know of
	// places in the store keep to it as well.
	o.UniqueOpts = river.UniqueOpts{ByQueue: true, ByState: rivertype.JobStates()}
	var err error
	p.note.Slot, p.note.Schedule = slot, s.name
	o.Metadata, err = p.note.metadata()
	return p, err
}

// EveryOption is a wish about the missed slots of [Every]: [Missed], [MissedGrace].
type EveryOption interface{ applyEvery(*lateness) error }

// lateness is what becomes of slots that are late.
type lateness struct {
	skip  bool
	grace time.Duration // 0 if there is no limit
}

// limit returns how late a slot may be enqueued, or 0 if there is no limit.
func (l lateness) limit() time.Duration {
	if l.skip && l.grace == 0 {
		return time.Minute // as in periodic: what is noticed that late is not missed yet
	}
	return l.grace
}

type everyOption func(*lateness) error

func (o everyOption) applyEvery(l *lateness) error { return o(l) }

// Missed sets what becomes of missed slots. periodic.Coalesce, the default, makes up for
// the latest of them. periodic.SkipMissed makes up for none, but a slot that is noticed
// less than a minute late, or than [MissedGrace], is not missed yet. A periodic.CatchUp
// is refused: a job per slot comes to too many after a long stop.
func Missed(m periodic.Missed) EveryOption {
	return everyOption(func(l *lateness) error {
		if m != periodic.Coalesce && m != periodic.SkipMissed {
			return fmt.Errorf("Missed is neither Coalesce nor SkipMissed: %v", m)
		}
		l.skip = m == periodic.SkipMissed
		return nil
	})
}

// MissedGrace sets how late a slot may still be made up for. If zero, there is no limit,
// or a minute with periodic.SkipMissed.
func MissedGrace(d time.Duration) EveryOption {
	return everyOption(func(l *lateness) error {
		if l.grace = d; d < 0 {
			return fmt.Errorf("MissedGrace is negative: %v", d)
		}
		return nil
	})
}

func (j *core) addSchedule(s *entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.indexLocked(s.name) >= 0 {
		return errors.New("there is a schedule of this name already")
	}
	j.schedules = append(j.schedules, s)
	j.scheduler.look()
	return nil
}

func (j *core) indexLocked(name string) int {
	return slices.IndexFunc(j.schedules, func(s *entry) bool { return s.name == name })
}

// Forget ends what [Every] began under this name, in this process, and reports
// whether there was such a schedule. Jobs that were enqueued stay. In a process that
// works it writes to the store, within 10 s, that slots from now on need not be made
// up for; the error is that this failed.
func (j *core) Forget(name string) (bool, error) {
	j.mu.Lock()
	i := j.indexLocked(name)
	if i < 0 {
		j.mu.Unlock()
		return false, nil
	}
	s := j.schedules[i]
	j.schedules = slices.Delete(slices.Clone(j.schedules), i, i+1)
	j.mu.Unlock()
	if err := s.withdraw(); err != nil {
		return true, fmt.Errorf("stead/durable: forget %q: %w", name, hint(err))
	}
	return true, nil
}
