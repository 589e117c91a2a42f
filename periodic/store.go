package periodic

import (
	"context"
	"log/slog"
	"time"

	"github.com/steadgo/stead/internal/guard"
)

// LastRunStore remembers for each job the slot of its last run over restarts of
// the process. The methods may be called concurrently.
type LastRunStore interface {
	// LastRun returns the slot last saved for the job, or the zero time. It is
	// called once at each start, which waits for it, with the context of that; an
	// error is logged and counts as none.
	LastRun(ctx context.Context, job string) (time.Time, error)

	// SaveLastRun is called after each run that was not cancelled or asked for by
	// Trigger, on its goroutine, before the job may run again. Under [Parallel] it
	// is not called for a slot if that of a later one was saved. The context has
	// the values of a run's and does not end. An error is logged.
	SaveLastRun(ctx context.Context, job string, slot time.Time) error
}

// load asks the store on a goroutine of its own: it may end that, or ignore ctx.
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

// save remembers a slot unless it has to do with a later one already: runs beside
// each other need not end in the order of their slots.
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
		// Another save began meanwhile, and this one may have come after it.
		slot = time.Unix(0, latest).In(slot.Location())
	}
}

// newest says whether no later slot was saved, and takes note of this one.
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
