package durable

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/riverqueue/river"

	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/lifecycle"
	"github.com/steadgo/stead/periodic"
)

// ErrNoSchedule is the error for a schedule that is not in the store.
var ErrNoSchedule = errors.New("there is no such schedule in the store")

// Schedule is a schedule in the store, or one of [Every].
type Schedule struct {
	Name  string // 1 to 256 bytes, unique
	Cron  string // see periodic.Cron; empty if InCode
	Zone  string // such as "Europe/Zurich". If empty, UTC is used.
	Queue string // the kind of the queue that gets the jobs

	// Payload is the item of each job: anything that JSON can write. List returns a
	// json.RawMessage.
	Payload any

	Paused bool      // see Schedules.Pause; Put ignores it
	InCode bool      // the schedule is one of Every
	Last   time.Time // the last slot that has passed, or when the schedule began; zero if it has not begun
	Next   time.Time // the next slot; zero if there is none
}

// Schedules are the schedules in the store. Any process changes them at run time. Each
// process that works and has the queue of a schedule keeps the schedule going, and a slot
// is one job for all processes together. All methods are safe for concurrent use. With a
// context of [WithActor], what changes a schedule is written into the audit trail.
type Schedules struct{ jobs *core }

// Schedules returns the schedules of the store.
func (j *core) Schedules() Schedules { return Schedules{j} }

// Put creates the schedule of this name, or replaces the cron expression, zone, queue and
// payload of an existing one. The last Put holds: of two versions of a program that put
// different rules during a deployment, the one that started last. A schedule whose rule
// changes restarts with the next slot of the new rule. Putting the same again changes
// nothing, and a paused schedule remains paused. Slots missed while no process ran lead
// to one job, as for [Every].
//
// Put returns an error if a field is invalid, if the queue is one of this process and the
// payload is not an item of that, or if [Every] has a schedule of this name here.
func (s Schedules) Put(ctx context.Context, schedule Schedule) error {
	rule, err := s.rule(schedule)
	if err == nil {
		err = s.jobs.store.PutRule(ctx, rule)
	}
	return s.changed(ctx, "put", schedule.Name, schedule.Queue, err)
}

func (s Schedules) rule(schedule Schedule) (r store.Rule, err error) {
	if err := checkName(schedule.Name); err != nil {
		return r, err
	}
	if !validKind(schedule.Queue) {
		return r, fmt.Errorf("Queue is not the kind of a queue: %q", cut(schedule.Queue, maxName))
	}
	s.jobs.mu.Lock()
	inCode := s.jobs.indexLocked(schedule.Name) >= 0
	s.jobs.mu.Unlock()
	if inCode {
		return r, errors.New("the schedule of this name is one of Every")
	}
	raw, err := json.Marshal(schedule.Payload)
	if err == nil {
		err = checkItem(raw)
	}
	if err != nil {
		return r, fmt.Errorf("Payload: %w", err)
	}
	r = store.Rule{Name: schedule.Name, Queue: schedule.Queue, Cron: schedule.Cron, Zone: schedule.Zone, Item: string(raw)}
	if _, err := ruleOf(r); err != nil {
		return r, err
	}
	if q, ok := s.jobs.queueOf(schedule.Queue); ok {
		if _, _, err := q.fromJSON(raw); err != nil {
			return r, fmt.Errorf("Payload: %w", err)
		}
	}
	return r, nil
}

// ruleOf is when the jobs of a rule are due.
func ruleOf(r store.Rule) (periodic.Schedule, error) {
	zone, err := time.LoadLocation(r.Zone)
	if err != nil {
		return nil, fmt.Errorf("Zone: %w", err)
	}
	return periodic.Cron(r.Cron, zone)
}

// Pause keeps the schedule from enqueueing jobs until Resume. Slots that pass meanwhile
// get no job. Pause returns ErrNoSchedule if the schedule is not in the store.
func (s Schedules) Pause(ctx context.Context, name string) error {
	return s.change(ctx, "pause", name, func(ctx context.Context) (string, error) { return s.jobs.store.PauseRule(ctx, name, true) })
}

// Resume undoes Pause. The schedule goes on with its next slot. Resume returns
// ErrNoSchedule if the schedule is not in the store.
func (s Schedules) Resume(ctx context.Context, name string) error {
	return s.change(ctx, "resume", name, func(ctx context.Context) (string, error) { return s.jobs.store.PauseRule(ctx, name, false) })
}

// Delete removes the schedule. Jobs that were enqueued stay. Delete returns ErrNoSchedule
// if the schedule is not in the store.
func (s Schedules) Delete(ctx context.Context, name string) error {
	return s.change(ctx, "delete", name, func(ctx context.Context) (string, error) { return s.jobs.store.DeleteRule(ctx, name) })
}

// change does what returns the queue of the schedule, empty if there is none.
func (s Schedules) change(ctx context.Context, verb, name string, do func(context.Context) (string, error)) error {
	queue, err := do(ctx)
	if err == nil && queue == "" {
		err = ErrNoSchedule
	}
	return s.changed(ctx, verb, name, queue, err)
}

// changed tells the processes that work the queue.
func (s Schedules) changed(ctx context.Context, verb, name, queue string, err error) error {
	if err != nil {
		return fmt.Errorf("stead/durable: %s schedule %q: %w", verb, cut(name, maxName), hint(err))
	}
	s.jobs.seen.forget()
	s.jobs.scheduler.look()
	if s.jobs.engine.announces() {
		s.jobs.waker.say(announcement{Queue: queue, Schedules: true})
	}
	s.jobs.audit(ctx, lifecycle.AuditEntry{Action: verb, Kind: "schedule", Name: name})
	return nil
}

// Trigger enqueues one job of the schedule now, beside its slots, also while the schedule
// is paused. It returns ErrNoSchedule if the schedule is neither in the store nor one of
// [Every] in this process, and an error if this process does not have the queue.
func (s Schedules) Trigger(ctx context.Context, name string) error {
	err := s.trigger(ctx, name)
	if err != nil {
		return fmt.Errorf("stead/durable: trigger schedule %q: %w", cut(name, maxName), hint(err))
	}
	s.jobs.audit(ctx, lifecycle.AuditEntry{Action: "trigger", Kind: "schedule", Name: name})
	return nil
}

func (s Schedules) trigger(ctx context.Context, name string) error {
	s.jobs.mu.Lock()
	i := s.jobs.indexLocked(name)
	var e *entry
	if i >= 0 {
		e = s.jobs.schedules[i]
	}
	s.jobs.mu.Unlock()
	if e == nil {
		rules, err := s.jobs.store.Rules(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(rules, func(r store.Rule) bool { return r.Name == name })
		if i < 0 {
			return ErrNoSchedule
		}
		if e, err = s.jobs.entryOf(rules[i]); err != nil {
			return err
		}
	}
	return e.trigger(time.Now().UTC())
}

// List returns the schedules in the store and those of [Every], by name.
func (s Schedules) List(ctx context.Context) ([]Schedule, error) {
	fail := func(err error) ([]Schedule, error) {
		return nil, fmt.Errorf("stead/durable: list schedules: %w", hint(err))
	}
	rules, err := s.jobs.store.Rules(ctx)
	if err != nil {
		return fail(err)
	}
	places, _, err := s.jobs.store.Places(ctx)
	if err != nil {
		return fail(err)
	}
	all := make([]Schedule, 0, len(places))
	for _, r := range rules {
		all = append(all, Schedule{Name: r.Name, Queue: r.Queue, Cron: r.Cron, Zone: r.Zone, Payload: json.RawMessage(r.Item), Paused: r.Paused})
	}
	for _, p := range places {
		at := slices.IndexFunc(all, func(s Schedule) bool { return s.Name == p.Name && s.Queue == p.Queue })
		if at < 0 {
			at = len(all)
			all = append(all, Schedule{Name: p.Name, Queue: p.Queue, InCode: true})
		}
		all[at].Last = unix(p.Last)
		if !all[at].Paused {
			all[at].Next = unix(p.Next)
		}
	}
	slices.SortFunc(all, func(a, b Schedule) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Queue, b.Queue))
	})
	return all, nil
}

// fromJSON describes a job whose item is JSON already, which may have more than T.
func (q *Queue[T]) fromJSON(raw json.RawMessage) (payload, *river.InsertOpts, error) {
	var item T
	if err := json.Unmarshal(raw, &item); err != nil {
		return payload{}, nil, fmt.Errorf("it is no %T: %w", item, err)
	}
	return q.describeJSON(item, raw, jobOptions{})
}

// entryOf is what keeps a rule of the store going here.
func (j *core) entryOf(r store.Rule) (*entry, error) {
	q, ok := j.queueOf(r.Queue)
	if !ok {
		return nil, fmt.Errorf("this process does not have the queue %q", r.Queue)
	}
	of, err := ruleOf(r)
	if err != nil {
		return nil, err
	}
	return &entry{
		jobs: j, name: r.Name, kind: r.Queue, of: of, accepted: &q.books.accepted, stored: true,
		describe: func() (payload, *river.InsertOpts, error) { return q.fromJSON(json.RawMessage(r.Item)) },
	}, nil
}

// storedEntries are those of the rules that are to be kept going here. What was made for a rule
// before is used as long as the rule is the same.
func (j *core) storedEntries(ctx context.Context) ([]*entry, error) {
	ctx, cancel := context.WithTimeout(ctx, tickWait)
	defer cancel()
	rules, err := j.store.Rules(ctx)
	if err != nil {
		return nil, err
	}
	entries := map[store.Rule]*entry{}
	var list []*entry
	for _, r := range rules {
		j.mu.Lock()
		inCode := j.indexLocked(r.Name) >= 0
		j.mu.Unlock()
		if _, mine := j.queueOf(r.Queue); r.Paused || inCode || !mine {
			continue
		}
		e, known := j.scheduler.stored[r]
		if !known {
			if e, err = j.entryOf(r); err != nil {
				j.log.Error("schedule of the store cannot be kept", slog.String("job", r.Name), slog.Any("error", err))
			}
		}
		entries[r] = e // nil if it cannot be kept, so that this is logged once
		if e != nil {
			list = append(list, e)
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.scheduler.stored = entries
	return list, nil
}
