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
	// Trigger, on its goroutine, before the job may run again. The context has
	// the values of a run's and does not end. An error is logged.
	SaveLastRun(ctx context.Context, job string, slot time.Time) error
}

func (j *Job) load(ctx context.Context) time.Time {
	store := j.extra.orDefault().lastRun
	if store == nil {
		return time.Time{}
	}
	var last time.Time
	err := guard.Call(func() (err error) {
		last, err = store.LastRun(ctx, j.name)
		return err
	})
	if err != nil {
		j.tell(slog.LevelWarn, "last run cannot be read", "error", err)
		return time.Time{}
	}
	return last.Round(0)
}

func (j *Job) save(ctx context.Context, slot time.Time) {
	store := j.extra.orDefault().lastRun
	if store == nil {
		return
	}
	if err := guard.Call(func() error { return store.SaveLastRun(ctx, j.name, slot) }); err != nil {
		j.tell(slog.LevelWarn, "last run cannot be saved", "error", err)
	}
}
