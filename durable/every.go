package durable

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/periodic"
)

// Every enqueues what make returns whenever the schedule is due, once for all
// processes together: the one that leads does it, and a slot that two leaders
// came to is one job. Every working process has to call it with the same name and
// schedule, because any of them may lead. In mode InsertOnly the schedule is only
// shown, see [Jobs.Schedules].
//
// A slot that passes while nobody leads is missed: a leader that dies is replaced
// after about 20 seconds. make is called on a goroutine of the engine that it must
// not hold up; when it panics the slot is skipped and logged.
//
// The name is any string but the empty one, and unique among the jobs. Every may be
// called before Start and at run time; see [Jobs.Forget].
func Every[T, TTx any](q *Queue[T, TTx], name string, schedule periodic.Schedule, make func() T) error {
	fail := func(err error) error {
		return fmt.Errorf("stead/durable: every %q: %w", name, err)
	}
	switch {
	case q == nil:
		return fail(errors.New("the queue is nil"))
	case name == "":
		return fail(errors.New("the name is empty"))
	case schedule == nil:
		return fail(errors.New("the schedule is nil"))
	case make == nil:
		return fail(errors.New("the function is nil"))
	}
	log := q.jobs.log.With(slog.String("job", name))
	construct := func() (args river.JobArgs, opts *river.InsertOpts) {
		err := guard.Call(func() error {
			p, o, err := q.describe(make(), nil)
			if err != nil {
				return err
			}
			p.periodic = name
			// A slot stays taken also when its job has ended: the next leader may
			// come to it late.
			o.UniqueOpts = river.UniqueOpts{ByQueue: true, ByState: rivertype.JobStates()}
			args, opts = p, o
			return nil
		})
		if err != nil {
			log.Error("slot skipped", slog.Any("error", err))
		}
		return args, opts
	}
	job := river.NewPeriodicJob(guarded{schedule, log}, construct, &river.PeriodicJobOpts{ID: scheduleID(name)})
	if err := q.jobs.addPeriodic(&entry[TTx]{q.jobs, name, q.kind, schedule}, job); err != nil {
		return fail(err)
	}
	return nil
}

// scheduleID is the engine's name of a schedule. The engine takes only some
// characters, and panics about others when the client is made. It stores none.
func scheduleID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

func (j *Jobs[TTx]) addPeriodic(s *entry[TTx], job *river.PeriodicJob) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.indexLocked(s.name) >= 0 {
		return errors.New("there is a schedule of this name already")
	}
	if j.client == nil {
		j.periodic = append(j.periodic, job)
	} else if j.worksLocked() {
		if _, err := j.client.PeriodicJobs().AddSafely(job); err != nil {
			return err
		}
	}
	j.schedules = append(j.schedules, s)
	return nil
}

func (j *Jobs[TTx]) indexLocked(name string) int {
	return slices.IndexFunc(j.schedules, func(s *entry[TTx]) bool { return s.name == name })
}

// Forget ends what [Every] began under this name, in this process, and reports
// whether there was such a schedule. Jobs that were enqueued stay.
func (j *Jobs[TTx]) Forget(name string) (bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	i := j.indexLocked(name)
	if i < 0 {
		return false, nil
	}
	j.schedules = slices.Delete(slices.Clone(j.schedules), i, i+1)
	if j.client == nil {
		j.periodic = slices.Delete(j.periodic, i, i+1) // of the same length until then
	} else if j.worksLocked() {
		j.client.PeriodicJobs().RemoveByID(scheduleID(name))
	}
	return true, nil
}

// guarded is a schedule that cannot take the engine down and that may end.
type guarded struct {
	schedule periodic.Schedule
	log      *slog.Logger
}

func (g guarded) Next(after time.Time) (next time.Time) {
	err := guard.Call(func() error {
		if next = g.schedule.Next(after); !next.IsZero() && !next.After(after) {
			return fmt.Errorf("the schedule returned %v, which is not after %v", next, after)
		}
		return nil
	})
	if err != nil {
		g.log.Error("schedule ended", slog.Any("error", err))
		next = time.Time{}
	}
	if next.IsZero() {
		return river.NeverSchedule().Next(after)
	}
	return next
}
