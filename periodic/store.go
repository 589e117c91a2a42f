package periodic

import (
	"context"
	"log/slog"
	"time"

	"github.com/steadgo/stead/internal/guard"
)

// LastRunStore remembers the slot of the last run of each job across restarts of
// the process. Its methods must be safe for concurrent use.
type LastRunStore interface {
	// LastRun returns the slot that was last saved for the job, or the zero time.
	// Each start calls it once with its own ctx and waits for it. An error is
	// logged, and the job is treated as one that has never run.
	LastRun(ctx context.Context, job string) (time.Time, error)

	// SaveLastRun saves the slot of a run. It is called after each run that was
	// neither canceled nor requested by Trigger, on the goroutine of the run,
	// before the job may run again. Under [Parallel] it is not called for a slot if
	// a later one was saved. ctx has the values of the context of a run and is
	// never canceled. An error is logged.
	SaveLastRun(ctx context.Context, job string, slot time.Time) error
}

// load calls the store on a goroutine of its own, because the store may exit it or
// ignore ctx.
func (j *Job) load(ctx context.Context) time.Time {
	store := j.extra.lastRun
	if store == nil {
		return time.Time{}
	}
	var found struct {
		last time.Time
		err  error
	}
	done := make(chan struct{})
	go guard.Run(func() (err error) {
		found.last, err = store.LastRun(ctx, j.name)
		return err
	}, func(err error) {
		found.err = err
		close(done)
	})
	var err error
	if comes(ctx, done) {
		err = found.err
	} else {
		err = context.Cause(ctx)
	}
	if err != nil {
		j.tell(slog.LevelWarn, "last run cannot be read", "error", err)
		return time.Time{}
	}
	return found.last.Round(0)
}

// save saves a slot unless a later one is being saved. Parallel runs need not end
// in the order of their slots.
func (j *Job) save(ctx context.Context, slot time.Time) {
	store := j.extra.lastRun
	if store == nil {
		return
	}
	for j.newest(slot.UnixNano()) {
		if err := guard.Call(func() error { return store.SaveLastRun(ctx, j.name, slot) }); err != nil {
			j.tell(slog.LevelWarn, "last run cannot be saved", "error", err)
		}
		j.mu.Lock()
		latest := j.rec.trouble.saved
		j.mu.Unlock()
		if latest <= slot.UnixNano() {
			return
		}
		// Another save began meanwhile, and this one may have overwritten it.
		slot = time.Unix(0, latest).In(slot.Location())
	}
}

// newest reports whether no later slot was saved, and records this one.
func (j *Job) newest(slot int64) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	past := j.trouble()
	if slot < past.saved {
		return false
	}
	past.saved = slot
	return true
}
