package durable

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/internal/slots"
	"github.com/steadgo/stead/lifecycle"
	"github.com/steadgo/stead/periodic"
)

// ScheduleList returns the schedules of [Every] in this process, in the order in which
// they were added, and then those of the store that this process keeps going: metrics and
// the dashboard look for them here. Each has three more methods.
//
// Stats() periodic.Stats: it is active when there is a process that works, the next slot
// is that which the store has for the schedule, and the runs are the jobs of the last
// five slots, whatever process handled them, as long as the jobs are kept, see [Config];
// Runs is nil, because nobody counts further back. Skipped.Missed are the missed slots
// that this process found and that got no job, at least: of one gap no more than a
// thousand are counted. The rest is at most a second old, older when the store does not
// answer.
//
// Trigger() error enqueues one job now, beside the slots, and waits for the store for
// at most 5 s. It is among the runs of the process that was asked, as triggered.
//
// Audit(ctx, entries...) error is [Queue.Audit] of the schedule.
func (j *core) ScheduleList() []interface{ Name() string } {
	j.mu.Lock()
	defer j.mu.Unlock()
	shown := j.shownLocked()
	all := make([]interface{ Name() string }, len(shown))
	for i, s := range shown {
		all[i] = s
	}
	return all
}

// shownLocked are all schedules of this process.
func (j *core) shownLocked() []*entry {
	all := slices.Clone(j.schedules)
	for _, e := range j.scheduler.stored {
		if e != nil {
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all[len(j.schedules):], func(a, b *entry) int { return cmp.Compare(a.name, b.name) })
	return all
}

// shownSlots is how many slots of a schedule are looked up.
const shownSlots = 5

// entry is what a page shows of one that Every began.
type entry struct {
	jobs       *core
	name, kind string
	of         periodic.Schedule
	late       lateness
	describe   func() (payload, *river.InsertOpts, error) // of its job, without the slot
	accepted   *atomic.Uint64                             // of the queue

	stored bool // the rule is in the store: all processes have the same

	skipped atomic.Uint64 // slots that were missed and got no job
	settled atomic.Bool   // this process has found the schedule's place, or made it
	broken  atomic.Bool   // the schedule panicked or went backwards

	saidAhead time.Time // only the scheduler has it

	making *making    // for the slot that is due; only the scheduler has it
	asking chan error // of a call of the schedule that has not returned; so too

	// moving is held while the schedule is moved on in the store, so that what is forgotten
	// meanwhile is not moved after that.
	moving    sync.Mutex
	forgotten bool

	mu        sync.Mutex
	triggered []time.Time // the latest, the newest first
}

func (s *entry) Name() string { return s.name }

func (s *entry) log() *slog.Logger { return s.jobs.log.With(slog.String("job", s.name)) }

// Trigger enqueues a job now, see [Jobs.ScheduleList].
func (s *entry) Trigger() error {
	err := s.trigger(time.Now().UTC())
	if err != nil {
		return fmt.Errorf("stead/durable: trigger %q: %w", s.name, hint(err))
	}
	return nil
}

func (s *entry) trigger(now time.Time) error {
	s.jobs.mu.Lock()
	over := s.jobs.life == over
	s.jobs.mu.Unlock()
	if over {
		return errClosed
	}
	client, err := s.jobs.connected()
	if err != nil {
		return err
	}
	m := s.make()
	if !m.wait(makeMost) {
		return m.overdue()
	}
	if m.err != nil {
		return m.err
	}
	args, err := s.stamp(m.args, m.opts, now)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), manageWait)
	defer cancel()
	defer s.jobs.inserting(s.kind)()
	if _, err := client.Insert(ctx, args, m.opts); err != nil {
		return err
	}
	s.accepted.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.triggered = append([]time.Time{now}, s.triggered[:min(len(s.triggered), shownSlots-1)]...)
	s.jobs.slots.forget()
	return nil
}

// moment is when a run of a schedule was due.
type moment struct {
	at        time.Time
	triggered bool
}

// moments are the latest slots and triggers, the newest first.
func (s *entry) moments(now time.Time) (all []moment) {
	for _, at := range s.last(now) {
		all = append(all, moment{at: at})
	}
	s.mu.Lock()
	for _, at := range s.triggered {
		all = append(all, moment{at, true})
	}
	s.mu.Unlock()
	slices.SortStableFunc(all, func(a, b moment) int { return b.at.Compare(a.at) })
	return all[:min(len(all), shownSlots)]
}

// next returns the slot after an instant, or zero if there is none. What is wrong with a
// schedule is logged where it is run, not at each look.
func (s *entry) next(after time.Time) (next time.Time) {
	if s.broken.Load() {
		return time.Time{}
	}
	err := guard.Call(func() (err error) { next, err = slots.Following(s.of, after); return err })
	if err != nil {
		return time.Time{}
	}
	return next
}

// last returns the latest slots that have passed at an instant, the newest first. A
// schedule only knows what comes next, so this looks from further and further back; the
// bound on the steps is for one with very uneven slots.
func (s *entry) last(now time.Time) (all []time.Time) {
	const longest, steps = 366 * 24 * time.Hour, 4096
	for back := time.Second; len(all) < shownSlots && back < longest; back *= 4 {
		var list []time.Time
		at := s.next(now.Add(-back))
		for n := 0; !at.IsZero() && !at.After(now); n++ {
			if n == steps {
				return all
			}
			if list = append(list, at); len(list) > shownSlots {
				list = list[1:]
			}
			at = s.next(at)
		}
		all = list
		slices.Reverse(all)
	}
	return all
}

// slotKey is what keeps a slot from being enqueued twice, and what it is found by.
func slotKey(kind, name string, slot time.Time) []byte {
	sum := sha256.Sum256([]byte("periodic\x00" + kind + "\x00" + name + "\x00" + slot.UTC().Format(time.RFC3339Nano)))
	return sum[:]
}

// Stats has the shape of a periodic job's; see [Jobs.ScheduleList].
func (s *entry) Stats() periodic.Stats {
	now := time.Now()
	st := periodic.Stats{Name: s.name, Next: s.promised(now)}
	st.Skipped.Missed = s.skipped.Load()
	st.Schedule = slots.Text(s.of)
	st.Active = !st.Next.IsZero() &&
		slices.ContainsFunc(s.jobs.Instances(), func(i lifecycle.Instance) bool { return i.Role != enqueues })
	rows := s.jobs.slotRows(now)
	for _, m := range s.moments(now) {
		if row := rows[string(slotKey(s.kind, s.name, m.at))]; row != nil {
			addRun(&st, m, row)
		}
	}
	for _, run := range st.History {
		if run.Outcome == periodic.Succeeded {
			break
		}
		st.Streak++
	}
	return st
}

// addRun adds one job; they come newest first.
func addRun(st *periodic.Stats, m moment, row *rivertype.JobRow) {
	open := slices.Contains(unfinished, row.State)
	// No process has taken it, or the one that did released it in a stop: no fault of it.
	if row.AttemptedAt == nil || open && row.State != rivertype.JobStateRunning && len(row.Errors) == 0 {
		if open {
			st.Waiting++
		}
		return
	}
	run := periodic.Run{Slot: m.at, Started: *row.AttemptedAt, Lateness: row.AttemptedAt.Sub(m.at), Trigger: m.triggered}
	if st.LastStarted.IsZero() {
		st.LastStarted = run.Started
	}
	if n := len(row.Errors); n > 0 {
		run.Err = errors.New(plain(row.Errors[n-1].Error))
	}
	switch row.State {
	case rivertype.JobStateRunning:
		st.Running++
		return
	case rivertype.JobStateCompleted:
		run.Outcome, run.Err = periodic.Succeeded, nil
	case rivertype.JobStateCancelled:
		run.Outcome = periodic.Failed
		// By a request, whatever the handler made of that. Otherwise its error was permanent.
		if run.Err == nil || hasWish(row.Metadata) {
			run.Outcome = periodic.Canceled
		}
	default: // discarded, or it waits for its next attempt
		run.Outcome = periodic.Failed
	}
	if row.FinalizedAt != nil {
		run.Duration = row.FinalizedAt.Sub(run.Started)
		if run.Outcome == periodic.Succeeded && st.LastSuccess.IsZero() {
			st.LastSuccess = *row.FinalizedAt
		}
	}
	if len(st.History) == 0 {
		st.Last = run
	}
	st.History = append(st.History, run)
}
