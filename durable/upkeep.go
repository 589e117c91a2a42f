package durable

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river/riverdriver"
)

// upkeep is what a process that works does beside its jobs, now and then, until its stop
// has ended.
type upkeep struct{ all sync.WaitGroup }

// firstUpkeep comes before the engine's housekeeping, which would delete the rows of
// paused queues. The first look of the rescue shows whether the store has what it needs.
func (j *core) firstUpkeep(ctx context.Context) error {
	if err := j.keepPauses(ctx); err != nil {
		return err
	}
	return j.rescue(ctx)
}

// startUpkeep begins what cutNow ends. It is called once.
func (j *core) startUpkeep() {
	j.startAgenda()
	j.every("rescue of lost jobs", min(rescueEvery, max(j.rescueAfter()/2, rescueLeast)), j.rescue)
	j.every("look for cancelled jobs", wishEvery, j.heedWishes)
	j.every("cancel of jobs that cannot follow others", voidEvery, j.cancelVoid)
	j.every("refresh of paused queues", time.Hour, j.keepPauses)
}

// every calls do each period. The first failure of a streak is logged.
func (j *core) every(what string, period time.Duration, do func(context.Context) error) {
	j.upkeep.all.Go(func() {
		tick := time.NewTicker(period)
		defer tick.Stop()
		for failing := false; ; {
			select {
			case <-tick.C:
			case <-j.cut.Done():
				return
			}
			err := do(j.cut)
			if err != nil && !failing && j.cut.Err() == nil && !isClosed(err) { // which the engine says
				j.log.Warn("upkeep failed", slog.String("what", what), slog.Any("error", hint(err)))
			}
			failing = err != nil
		}
	})
}

// endUpkeep waits until all of it has ended, after cutNow, or ctx is done.
func (j *core) endUpkeep(ctx context.Context) {
	ended := make(chan struct{})
	go func() {
		j.upkeep.all.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

// keepPauses makes the rows of paused queues young again: the engine deletes those
// of queues that nobody has worked for a day, and with them that they are paused.
func (j *core) keepPauses(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tickWait)
	defer cancel()
	exec := j.engine.executor()
	queues, err := exec.QueueList(ctx, &riverdriver.QueueListParams{Max: maxQueues, Schema: j.schema})
	for _, q := range queues {
		if err == nil && q.PausedAt != nil {
			err = j.knowQueue(ctx, q.Name)
		}
	}
	return err
}

// QueueDeleteExpired deletes rows of queues for the engine's housekeeping. The engine
// takes the time from the clock of this process, which may be ahead, or have stood still
// with what makes the rows young. So only rows that are older than each paused queue are
// deleted.
func (e retryingExecutor) QueueDeleteExpired(ctx context.Context, params *riverdriver.QueueDeleteExpiredParams) ([]string, error) {
	queues, err := e.QueueList(ctx, &riverdriver.QueueListParams{Max: maxQueues, Schema: params.Schema})
	if err != nil {
		return nil, err
	}
	sparing := *params
	for _, q := range queues {
		if before := q.UpdatedAt.Add(-time.Millisecond); q.PausedAt != nil && before.Before(sparing.UpdatedAtHorizon) {
			sparing.UpdatedAtHorizon = before
		}
	}
	return e.Executor.QueueDeleteExpired(ctx, &sparing)
}

// deletePiece is how many jobs one statement of the housekeeping deletes: a SQLite file has
// one writer, who would wait for a thousandfold.
const deletePiece = 500

// JobDeleteBefore deletes jobs that have ended, for the engine's housekeeping, up to ten
// thousand at a time. Between two pieces the others have as long as one took.
func (e retryingExecutor) JobDeleteBefore(ctx context.Context, params *riverdriver.JobDeleteBeforeParams) (deleted int, err error) {
	for deleted < params.Max {
		piece := *params
		piece.Max = min(deletePiece, params.Max-deleted)
		began := time.Now()
		n, err := e.Executor.JobDeleteBefore(ctx, &piece)
		deleted += n
		if err != nil || n < piece.Max {
			return deleted, err
		}
		if sleep(ctx, time.Since(began)); ctx.Err() != nil {
			return deleted, ctx.Err()
		}
	}
	return deleted, nil
}

// maxQueues is more than any program has.
const maxQueues = 100_000

// knowQueue makes the row of a queue, or makes it young again.
func (j *core) knowQueue(ctx context.Context, name string) error {
	_, err := j.engine.executor().QueueCreateOrSetUpdatedAt(ctx,
		&riverdriver.QueueCreateOrSetUpdatedAtParams{Metadata: []byte("{}"), Name: name, Schema: j.schema})
	return err
}
