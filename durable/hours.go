package durable

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable/internal/store"
)

// What jobs came to is counted by the hour in a table of its own, which outlives the jobs. A
// statement for each job, or a trigger, would have all that end wait for one row. So each
// process adds up what it wrote into the store itself, and tells the store the sums every
// two seconds beside its sign of life. Who dies takes the sums since then along.

const (
	// keepHours is how long an hour is kept.
	keepHours = 30 * 24 * time.Hour

	// forgetPiece is how many rows one statement deletes.
	forgetPiece = 500

	// forgetEvery is how often a process looks for what is too old.
	forgetEvery = 10 * time.Minute
)

// recorder has what jobs came to here of which the store has not been told.
type recorder struct {
	mu     sync.Mutex
	queues map[string]Ends

	// Of the one goroutine that tells the store:

	failing bool
	forget  time.Time // when to look for what is too old
}

// note counts those of the jobs that have ended.
func (r *recorder) note(rows ...*rivertype.JobRow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, row := range rows {
		switch {
		case row.FinalizedAt == nil:
		case row.State == rivertype.JobStateCompleted:
			r.addLocked(row.Queue, Ends{Handled: 1})
		case isCanceled(row):
			r.addLocked(row.Queue, Ends{Canceled: 1})
		default:
			r.addLocked(row.Queue, Ends{GaveUp: 1})
		}
	}
}

// canceled counts jobs that were canceled while they waited.
func (r *recorder) canceled(queue string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.addLocked(queue, Ends{Canceled: n})
}

func (r *recorder) addLocked(queue string, more Ends) {
	if r.queues == nil {
		r.queues = map[string]Ends{}
	}
	e := r.queues[queue]
	r.queues[queue] = Ends{Handled: e.Handled + more.Handled, GaveUp: e.GaveUp + more.GaveUp, Canceled: e.Canceled + more.Canceled}
}

// take takes all that was counted.
func (r *recorder) take() []store.Hour {
	r.mu.Lock()
	all := r.queues
	r.queues = nil
	r.mu.Unlock()
	list := make([]store.Hour, 0, len(all))
	for _, queue := range slices.Sorted(maps.Keys(all)) {
		e := all[queue]
		list = append(list, store.Hour{Queue: queue, Handled: e.Handled, GaveUp: e.GaveUp, Canceled: e.Canceled})
	}
	return list
}

// giveBack undoes take.
func (r *recorder) giveBack(list []store.Hour) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range list {
		r.addLocked(h.Queue, Ends{Handled: h.Handled, GaveUp: h.GaveUp, Canceled: h.Canceled})
	}
}

// record tells the store what was counted. Of what fails in a row the first is logged.
// Each statement has so long.
func (j *core) record(ctx context.Context, wait time.Duration) {
	err := j.writeHour(ctx, wait)
	if err == nil {
		err = j.forgetOld(ctx, wait)
	}
	if err != nil && !j.recorder.failing && ctx.Err() == nil && !isClosed(err) {
		j.log.Warn("history not written", slog.Any("error", hint(err)))
	}
	j.recorder.failing = err != nil
}

func (j *core) writeHour(ctx context.Context, wait time.Duration) error {
	list := j.recorder.take()
	if len(list) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	err := j.store.AddHour(ctx, list)
	if err != nil {
		j.recorder.giveBack(list)
	}
	return err
}

// recordNow tells the store what was counted if nobody else will, as in a program that does
// not start its jobs, and after the stop.
func (j *core) recordNow(ctx context.Context) {
	j.mu.Lock()
	told := j.left != nil && j.leaving.Err() == nil
	j.mu.Unlock()
	if told {
		return
	}
	if err := j.writeHour(context.WithoutCancel(ctx), beatWait); err != nil {
		j.log.Warn("history not written", slog.Any("error", hint(err)))
	}
}

// forgetOld deletes a piece of what is too old, now and then, and as long as there is more
// the next piece with the next sums.
func (j *core) forgetOld(ctx context.Context, wait time.Duration) error {
	now := time.Now()
	if now.Before(j.recorder.forget) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	more, err := j.store.Forget(ctx, keepHours, j.cfg.KeepAudit, forgetPiece)
	if err == nil && !more {
		j.recorder.forget = now.Add(forgetEvery)
	}
	return err
}

// History returns how many jobs of the queue ended in each hour since then, the oldest hour
// first, from the store and of all processes. Hours in which none ended are left out. Of the
// last 30 days the store knows at most; the present hour grows. A job that is requeued and
// ends again counts again.
//
// Each process counts what it ended itself, and adds its sums to the store every two seconds
// and at the stop; before Start and after the stop with each call. So History is up to two
// seconds behind, and a process that is killed takes what it counted since then along. Sums
// whose statement got no answer are added again: after an outage they may be there twice. Not
// counted is what ends by another way than this package, such as by Client.
//
// It blocks until the store answers or ctx is done. It returns an error if the store does
// not answer, and if the year of since is not from 1 to 9999.
func (q *Queue[T]) History(ctx context.Context, since time.Time) ([]channelq.HourCounts, error) {
	err := errors.Join(q.jobs.reachable(), checkTime(since))
	var hours []store.Hour
	if err == nil {
		hours, err = q.jobs.store.Hours(ctx, q.kind, since)
	}
	if err != nil {
		return nil, fmt.Errorf("stead/durable: history of %q: %w", q.kind, hint(err))
	}
	list := make([]channelq.HourCounts, len(hours))
	for i, h := range hours {
		list[i] = channelq.HourCounts{Hour: h.At.UTC(), Handled: h.Handled, GaveUp: h.GaveUp, Canceled: h.Canceled}
	}
	return list, nil
}

// reachable returns an error if there is no store at all.
func (j *core) reachable() error {
	if !j.engine.usable() {
		return errNoStore
	}
	return nil
}
