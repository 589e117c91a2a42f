package durable

import (
	"context"
	"slices"
	"time"

	"github.com/riverqueue/river/riverdriver"
)

// JobDeleteBefore deletes jobs that have ended, for the engine's housekeeping: one
// process does it for all. Completed jobs of queues with a KeepCompleted of their own are
// deleted by that.
func (e engineExecutor) JobDeleteBefore(ctx context.Context, params *riverdriver.JobDeleteBeforeParams) (deleted int, err error) {
	rest := *params
	rest.QueuesExcluded = slices.Clone(params.QueuesExcluded)
	for queue, keep := range e.jobs.retention() {
		own := rest
		own.QueuesExcluded, own.QueuesIncluded = nil, []string{queue}
		own.CompletedFinalizedAtHorizon = params.CompletedFinalizedAtHorizon.Add(e.jobs.cfg.KeepCompleted - keep)
		n, err := e.Executor.JobDeleteBefore(ctx, &own)
		deleted += n
		rest.Max -= n
		if err != nil || rest.Max <= 0 { // the engine comes again
			return deleted, err
		}
		rest.QueuesExcluded = append(rest.QueuesExcluded, queue)
	}
	n, err := e.Executor.JobDeleteBefore(ctx, &rest)
	return deleted + n, err
}

// retention is how long completed jobs stay, of the queues that say it.
func (j *core) retention() map[string]time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	own := map[string]time.Duration{}
	for _, q := range j.queues {
		if q.keep > 0 {
			own[q.kind] = q.keep
		}
	}
	return own
}
