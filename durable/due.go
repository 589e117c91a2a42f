package durable

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// The engine asks the store for jobs of each queue every PollInterval, whether there are
// any or not. Here one statement for all queues of the process says when the next job of
// each is due, and the engine is told when that time has come, as if the job had been
// announced. Its own poll stays, for jobs of which it was not told.

const (
	// enginePoll is the least time between two polls of the engine.
	enginePoll = 5 * time.Second

	// lookAgain is how soon the store is looked at again after a job was due: the next
	// one of the queue may follow at once.
	lookAgain = 50 * time.Millisecond
)

// agenda knows when the jobs of this process's queues are due, and tells the engine.
type agenda struct {
	wake chan struct{} // holds one: a time was added

	mu     sync.Mutex
	queues []string             // that this process works
	due    map[string]time.Time // by the clock of this process
	called []string             // queues of which the engine is to be told
	cut    context.CancelFunc   // ends the wait of the listener; nil if it does not wait
}

// add makes the agenda one of the queue too.
func (a *agenda) add(queue string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queues = append(a.queues, queue)
}

// note says that a job of a queue is due at a time by the clock of this process.
func (a *agenda) note(queue string, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if was, ok := a.due[queue]; !slices.Contains(a.queues, queue) || ok && !at.Before(was) {
		return
	}
	a.due[queue] = at
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// clear forgets what was noted, before the store is asked: what is noted meanwhile may
// not be in its answer.
func (a *agenda) clear() (was map[string]time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	was, a.due = a.due, map[string]time.Time{}
	return was
}

// ring tells the engine of the queues whose time has come, and returns when the next one
// is due, zero if none is.
func (a *agenda) ring(now time.Time) (next time.Time, any bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for queue, at := range a.due {
		switch {
		case !at.After(now):
			a.called, any = append(a.called, queue), true
			delete(a.due, queue)
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
	if any && a.cut != nil {
		a.cut()
	}
	return next, any
}

// take returns a queue of which the engine is to be told. If there is none, cut is
// called when there is.
func (a *agenda) take(cut context.CancelFunc) (queue string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.called); n > 0 {
		queue, a.called = a.called[0], a.called[1:]
		return queue, true
	}
	a.cut = cut
	return "", false
}

func (a *agenda) waited() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cut = nil
}

// startAgenda begins what cutNow ends. It is called once.
func (j *core) startAgenda() {
	j.upkeep.all.Go(func() {
		failing := false
		for again := (time.Time{}); ; {
			if now := time.Now(); !now.Before(again) {
				err := j.lookAtDue(j.cut)
				if err != nil && !failing && j.cut.Err() == nil && !isClosed(err) { // which the engine says
					j.log.Warn("upkeep failed", slog.String("what", "look for due jobs"), slog.Any("error", hint(err)))
				}
				failing = err != nil
				again = now.Add(j.cfg.PollInterval + rand.N(j.cfg.PollInterval/10)) // not all processes at once
			}
			next, rang := j.agenda.ring(time.Now())
			if soon := time.Now().Add(lookAgain); rang && soon.Before(again) {
				again = soon
			}
			if next.IsZero() || next.After(again) {
				next = again
			}
			timer := time.NewTimer(time.Until(next))
			select {
			case <-timer.C:
			case <-j.agenda.wake:
			case <-j.cut.Done():
				timer.Stop()
				return
			}
			timer.Stop()
		}
	})
}

// enginePoll is how often the engine asks for jobs of a queue.
func (j *core) enginePoll() time.Duration {
	if !j.engine.announces() {
		return j.cfg.PollInterval
	}
	return max(j.cfg.PollInterval, enginePoll)
}

func (j *core) lookAtDue(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tickWait)
	defer cancel()
	was := j.agenda.clear()
	began := time.Now()
	list, now, err := j.store.Due(ctx, j.agenda.queues)
	ended := time.Now()
	if err != nil {
		for queue, at := range was {
			j.agenda.note(queue, at)
		}
		return err
	}
	j.clock.set(now, began, ended)
	for _, d := range list {
		j.agenda.note(d.Queue, ended.Add(d.In))
	}
	return nil
}

// due notes when jobs are due that are available from a time of their own on, and tells
// the other processes: nobody may be told of them when that has come. It is enough to
// know the first of each queue, because then all look for the next one.
func (j *core) due(rows []*rivertype.JobRow) {
	first := map[string]time.Time{}
	for _, row := range rows {
		if row.State != rivertype.JobStateAvailable {
			continue
		}
		if at, ok := first[row.Queue]; !ok || row.ScheduledAt.Before(at) {
			first[row.Queue] = row.ScheduledAt
		}
	}
	for queue, at := range first {
		j.agenda.note(queue, j.clock.local(at))
		if j.engine.announces() {
			j.waker.due(queue, at)
		}
	}
}

// ringing gives the engine the announcements of the store and those of the agenda.
type ringing struct {
	riverdriver.Listener

	agenda    *agenda
	clock     *clock
	schedules func() // were changed
}

func (l ringing) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	for {
		within, cancel := context.WithCancel(ctx)
		queue, ok := l.agenda.take(cancel)
		if ok {
			cancel()
			return &riverdriver.Notification{Topic: insertTopic, Payload: announcement{Queue: queue}.text()}, nil
		}
		n, err := l.Listener.WaitForNotification(within)
		l.agenda.waited()
		rang := within.Err() != nil && ctx.Err() == nil
		cancel()
		if err != nil && rang {
			continue
		}
		if err == nil && n.Topic == insertTopic {
			var a announcement
			_ = json.Unmarshal([]byte(n.Payload), &a) // what is not ours is the engine's
			switch {
			case a.Schedules:
				l.schedules()
				continue
			case !a.Due.IsZero():
				l.agenda.note(a.Queue, l.clock.local(a.Due))
				continue
			}
		}
		return n, err
	}
}
