package durable_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/periodic"
)

// log is what was logged, for all goroutines.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// line is the first line with all of the words, or empty.
func (l *log) line(words ...string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
next:
	for line := range strings.Lines(l.buf.String()) {
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue next
			}
		}
		return line
	}
	return ""
}

// digest is a process that works the schedule "weekly" of the queue "digest".
type digest[TTx any] struct {
	jobs    *durable.Jobs[TTx]
	queue   *durable.Queue[int]
	log     *log
	handled chan time.Time // what periodic.Scheduled said
}

func newDigest[TTx any](t *testing.T, store durable.Store[TTx], schedule periodic.Schedule, opts ...durable.EveryOption) digest[TTx] {
	t.Helper()
	d := digest[TTx]{log: new(log), handled: make(chan time.Time, 1000)}
	cfg := quick(durable.EnqueueAndWork)
	cfg.Logger = slog.New(slog.NewTextHandler(d.log, nil))
	var err error
	d.jobs, err = durable.New(store, cfg)
	must(t, err)
	d.queue = newQueue(t, d.jobs, "digest", func(ctx context.Context, _ int) error {
		d.handled <- periodic.Scheduled(ctx)
		return nil
	}, durable.QueueConfig[int]{})
	must(t, durable.Every(d.queue, "weekly", schedule, func() int { return 1 }, opts...))
	return d
}

func (d digest[TTx]) stats() periodic.Stats {
	return d.jobs.ScheduleList()[0].(interface{ Stats() periodic.Stats }).Stats()
}

// placeOf is where the schedule is in the store.
func placeOf[TTx any](t *testing.T, e env[TTx]) (at store.Place) {
	t.Helper()
	all, _, err := store.Of(e.store).Places(context.Background())
	must(t, err)
	for _, p := range all {
		if p.Name == "weekly" {
			at = p
		}
	}
	return at
}

// placed makes the store what it is after processes ran the schedule until the last
// slot, or for the first time then, and were gone since.
func placed[TTx any](t *testing.T, e env[TTx], last time.Time, s periodic.Schedule) {
	t.Helper()
	to := store.Place{Queue: "digest", Name: "weekly", Last: last.UnixNano()}
	if next := s.Next(last); !next.IsZero() {
		to.Next = next.UnixNano()
	}
	from := placeOf(t, e) // before the transaction, which has the one connection
	tx, err := e.begin(t.Context())
	must(t, err)
	moved, err := store.Of(e.store).Move(t.Context(), tx, from, to)
	must(t, err)
	must(t, e.end(t.Context(), tx, true))
	if !moved {
		t.Fatal("the place was not moved")
	}
}

// settled waits until the process has dealt with all that is over.
func settled[TTx any](t *testing.T, e env[TTx], next time.Time) {
	t.Helper()
	until(t, "the schedule waits for its next slot", func() bool { return placeOf(t, e).Next == next.UnixNano() })
}

// jobs are the slots of the jobs there are.
func (d digest[TTx]) slots(t *testing.T) (all []time.Time) {
	t.Helper()
	rows, err := durable.List(context.Background(), d.queue, 100)
	must(t, err)
	for _, row := range rows {
		all = append(all, row.ScheduledAt)
	}
	return all
}

// hours are slots so many hours from now.
func hours(from ...float64) periodic.Schedule {
	now := time.Now()
	all := make([]time.Time, len(from))
	for i, h := range from {
		all[i] = now.Add(time.Duration(h * float64(time.Hour)))
	}
	return periodic.At(all...)
}

func ago(h float64) time.Time { return time.Now().Add(-time.Duration(h * float64(time.Hour))) }

// Nobody counts on after a thousand.
func manyMissed[TTx any](t *testing.T, e env[TTx]) {
	s, err := periodic.Cron("* * * * * *", time.UTC)
	must(t, err)
	placed(t, e, ago(1).Truncate(time.Second), s)
	d := newDigest(t, e.store, s)
	start(t, d.jobs)
	until(t, "the log says so", func() bool { return d.log.line("slots missed", "missed_at_least=1000", "made_up_for=true") != "" })
}

func missedSlots[TTx any](t *testing.T, e env[TTx]) {
	s := hours(-4, -3, -2, -1, 10)
	latest, next := s.Next(ago(1.5)), s.Next(ago(0.5))
	placed(t, e, ago(3.5), s)
	d := newDigest(t, e.store, s)
	start(t, d.jobs)
	if slot := receive(t, d.handled); !slot.Equal(latest) {
		t.Errorf("the handler was told the slot %v, not %v", slot, latest)
	}
	settled(t, e, next)
	if all := d.slots(t); len(all) != 1 || latest.Sub(all[0]).Abs() > time.Millisecond {
		t.Errorf("jobs of %v", all)
	}
	until(t, "the log says so", func() bool { return d.log.line("slots missed", "job=weekly", "missed=3", "made_up_for=true") != "" })
	if n := d.stats().Skipped.Missed; n != 2 {
		t.Errorf("%d counted as missed", n)
	}
	// Another process, and another one after the job was cleaned away.
	again := newDigest(t, e.again(t), s)
	start(t, again.jobs)
	stop(t, d.jobs) // the engine does not bear that a job vanishes while it runs
	must(t, e.exec(t.Context(), "DELETE FROM river_job"))
	last := newDigest(t, e.again(t), s)
	start(t, last.jobs)
	for _, d := range []digest[TTx]{again, last} {
		must(t, durable.Every(d.queue, "later", hours(-1, 1), func() int { return 0 }))
	}
	until(t, "both have looked", func() bool {
		return last.log.line("jobs started") != "" && placeNamed(t, e, "later").Last != 0
	})
	for _, d := range []digest[TTx]{again, last} {
		stop(t, d.jobs)
		if all := d.slots(t); len(all) != 0 || len(d.handled) != 0 {
			t.Errorf("jobs of %v after the slot was done", all)
		}
	}
}

func placeNamed[TTx any](t *testing.T, e env[TTx], name string) (at store.Place) {
	t.Helper()
	all, _, err := store.Of(e.store).Places(context.Background())
	must(t, err)
	for _, p := range all {
		if p.Name == name {
			at = p
		}
	}
	return at
}

func firstDeclared[TTx any](t *testing.T, e env[TTx]) {
	s := hours(-2, -1, 1)
	d := newDigest(t, e.store, s)
	start(t, d.jobs)
	settled(t, e, s.Next(time.Now()))
	if all := d.slots(t); len(all) != 0 {
		t.Errorf("jobs of %v", all)
	}
	until(t, "the log says so", func() bool { return d.log.line("schedule begins", "changed=false") != "" })
}

func changedRule[TTx any](t *testing.T, e env[TTx]) {
	before, after := hours(-5, -3, -1), hours(-4, -2, 1)
	placed(t, e, ago(5.5), before)
	d := newDigest(t, e.store, after)
	start(t, d.jobs)
	settled(t, e, after.Next(time.Now()))
	stop(t, d.jobs)
	until(t, "the log says so", func() bool { return d.log.line("schedule begins", "changed=true") != "" })
	if all := d.slots(t); len(all) != 0 {
		t.Errorf("jobs of %v", all)
	}
	// The slot that was missed first is of both rules.
	placed(t, e, ago(5), after)
	at := placeOf(t, e)
	both := periodic.Union(after, hours(-1, 2))
	d = newDigest(t, e.again(t), both)
	start(t, d.jobs)
	if slot := receive(t, d.handled); !slot.Equal(both.Next(ago(1.5))) || !slot.After(time.Unix(0, at.Next)) {
		t.Errorf("made up for %v", slot)
	}
}

func forgotten[TTx any](t *testing.T, e env[TTx]) {
	s := hours(-1, 1)
	d := newDigest(t, e.store, s)
	start(t, d.jobs)
	settled(t, e, s.Next(time.Now()))
	if found, err := d.jobs.Forget("weekly"); !found || err != nil {
		t.Errorf("forget: %v, %v", found, err)
	}
	if at := placeOf(t, e); at.Next != 0 || at.Last == 0 {
		t.Errorf("after Forget: %+v", at)
	}
	// What was not forgotten would be made up for here.
	s = periodic.Union(s, periodic.At(time.Unix(0, placeOf(t, e).Last+1)))
	must(t, durable.Every(d.queue, "weekly", s, func() int { return 2 }))
	settled(t, e, s.Next(time.Now()))
	if all := d.slots(t); len(all) != 0 {
		t.Errorf("jobs of %v", all)
	}
}

func lateSlots[TTx any](t *testing.T, e env[TTx]) {
	for name, c := range map[string]struct {
		late float64 // hours
		opts []durable.EveryOption
		made bool
	}{
		"no limit":           {late: 5000, made: true},
		"within the grace":   {2, []durable.EveryOption{durable.MissedGrace(3 * time.Hour)}, true},
		"after the grace":    {2, []durable.EveryOption{durable.MissedGrace(time.Hour)}, false},
		"skipped":            {0.1, []durable.EveryOption{durable.Missed(periodic.SkipMissed)}, false},
		"not missed yet":     {0.005, []durable.EveryOption{durable.Missed(periodic.SkipMissed)}, true}, // 18 s of a minute
		"skipped, later":     {2, []durable.EveryOption{durable.Missed(periodic.SkipMissed), durable.MissedGrace(3 * time.Hour)}, true},
		"coalesced, by name": {2, []durable.EveryOption{durable.Missed(periodic.Coalesce)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			must(t, e.exec(t.Context(), "DELETE FROM river_job"))
			s := hours(-c.late, 3)
			placed(t, e, ago(c.late+1), s)
			d := newDigest(t, e.again(t), s, c.opts...)
			start(t, d.jobs)
			settled(t, e, s.Next(time.Now()))
			if all := d.slots(t); (len(all) == 1) != c.made {
				t.Errorf("jobs of %v", all)
			}
			made := "made_up_for=false"
			if c.made {
				made = "made_up_for=true"
			}
			until(t, "the log says so", func() bool { return d.log.line("slots missed", "missed=1", made) != "" })
			if n := d.stats().Skipped.Missed; (n == 0) != c.made {
				t.Errorf("%d counted as missed", n)
			}
			stop(t, d.jobs)
		})
	}
}

// skewed is a store whose clock is another one than that of the machine.
type skewed[TTx any] struct {
	store.Backend[TTx]

	by time.Duration
}

func (s skewed[TTx]) Places(ctx context.Context) ([]store.Place, time.Time, error) {
	all, now, err := s.Backend.Places(ctx)
	return all, now.Add(s.by), err
}

// Where the clocks agree the jobs are deleted as soon as they are there: nothing but the
// place of the schedule keeps a slot from being enqueued again. Where they do not, a place
// in the future begins anew, and it is the job that is there that keeps its slot.
func slotsOfManyProcesses[TTx any](t *testing.T, e env[TTx]) {
	for name, by := range map[string][]time.Duration{
		"agreed":   {0, 0, 0},
		"disagree": {0, time.Minute, -time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			seen, ids := map[int64]int{}, map[int64]bool{}
			var all []*durable.Jobs[TTx]
			for _, d := range by {
				jobs := newJobs(t, fake[TTx](skewed[TTx]{store.Of(e.again(t)), d}), durable.EnqueueAndWork)
				q := newQueue[int](t, jobs, "tick", nil, durable.QueueConfig[int]{})
				newQueue(t, jobs, "other", nothing[int], durable.QueueConfig[int]{}) // so that it works
				must(t, durable.Every(q, name, periodic.Every(30*time.Millisecond), func() int { return 1 }))
				all = append(all, jobs)
			}
			for _, jobs := range all {
				must(t, jobs.Start(t.Context()))
			}
			for n, end := 0, time.Now().Add(30*time.Second); n < 40 && time.Now().Before(end); {
				rows, err := durable.List(t.Context(), all[0].Queues()[0].(*durable.Queue[int]), 1000)
				must(t, err)
				mu.Lock()
				for _, row := range rows {
					if name == "agreed" {
						_, err := durable.Delete(t.Context(), all[0], row.ID)
						must(t, err)
					} else if ids[row.ID] {
						continue
					}
					ids[row.ID] = true
					seen[row.ScheduledAt.UnixNano()]++
				}
				n = len(seen)
				mu.Unlock()
			}
			for _, jobs := range all {
				stop(t, jobs)
			}
			for slot, n := range seen {
				if n > 1 {
					t.Errorf("slot %v was enqueued %d times", time.Unix(0, slot), n)
				}
			}
		})
	}
}

func triggered[TTx any](t *testing.T, e env[TTx]) {
	s := hours(1)
	d := newDigest(t, e.store, s)
	trigger := func() error { return d.jobs.ScheduleList()[0].(interface{ Trigger() error }).Trigger() }
	start(t, d.jobs)
	asked := time.Now()
	must(t, trigger())
	if slot := receive(t, d.handled); slot.Before(asked) || slot.After(time.Now()) {
		t.Errorf("the handler was told %v", slot)
	}
	until(t, "the run is among those of the schedule", func() bool {
		st := d.stats()
		return len(st.History) == 1 && st.Last.Trigger && st.Last.Outcome == periodic.Succeeded && !st.LastSuccess.IsZero()
	})
	if next := d.stats().Next; !next.Equal(s.Next(asked)) {
		t.Errorf("the next slot is %v", next)
	}
	stop(t, d.jobs)
	if err := trigger(); err == nil || !strings.Contains(err.Error(), `"weekly"`) {
		t.Errorf("after the stop: %v", err)
	}
}

// A store that an earlier version migrated has all but the table of the schedules.
func olderStore[TTx any](t *testing.T, e env[TTx]) {
	must(t, e.exec(t.Context(), "DROP TABLE stead_schedule"))
	s := hours(1)
	d := newDigest(t, e.store, s)
	if err := d.jobs.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "durable.Migrate") {
		t.Errorf("started: %v", err)
	}
	must(t, durable.Migrate(t.Context(), e.store))
	start(t, d.jobs)
	settled(t, e, s.Next(time.Now()))
	must(t, durable.Migrate(t.Context(), e.store))
	if placeOf(t, e).Last == 0 {
		t.Error("the second migration forgot the schedules")
	}
}
