package hosted

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/internal/errs"
)

var errTaskDone = errors.New("stead/hosted: the task is done")

// taskName is the service that RunTask's function runs as. The brackets keep it
// apart from names that people choose.
const taskName = "(task)"

// RunTask starts the named services and those they come after, runs a function, stops the
// services and returns what went wrong. A command such as `app migrate` uses it to share
// its wiring with the program that serves.
//
// The context of run is canceled when ctx is done or when one of the services fails, with
// the failure as its cause. A run that does not return then is abandoned at the end of
// the budget, as a service is. Like Run, RunTask uses the host up.
func (h *Host) RunTask(ctx context.Context, run func(ctx context.Context) error, needs ...string) error {
	if run == nil {
		return fmt.Errorf("stead/hosted: run task: the function is nil")
	}
	var outcome error
	h.Go(taskName, func(ctx context.Context) error {
		outcome = run(ctx)
		if outcome == nil {
			select {
			case <-h.marks.Started: // a stop before that would be a failed start
			case <-ctx.Done():
			}
			h.Lifetime().Stop(errTaskDone)
		}
		return outcome
	}, After(needs...))
	h.mu.Lock()
	h.noDrain = true // nobody was ever told to come here
	h.mu.Unlock()

	var task *unit
	err := h.start(ctx, func(all []*unit) []*unit {
		task = h.byName[taskName]
		return neededBy(task, all)
	})
	if err == nil {
		release := context.AfterFunc(ctx, func() { h.marks.RequestStop(context.Cause(ctx), time.Time{}) })
		defer release()
		<-h.ended
		err = h.result
	}
	if task == nil || task.done == nil {
		return err
	}
	select {
	case <-task.done:
		// The news that the task was cut short is its outcome, though it is a
		// clean end for a service.
		if outcome != nil && !errs.Is(err, outcome) {
			err = join(outcome, err)
		}
	default: // abandoned; outcome is still its own
	}
	return err
}

// neededBy returns the task and those of all, in their order, that it needs.
func neededBy(task *unit, all []*unit) []*unit {
	keep := map[*unit]bool{}
	var visit func(*unit)
	visit = func(u *unit) {
		if !keep[u] {
			keep[u] = true
			for _, before := range u.needs() {
				visit(before)
			}
		}
	}
	visit(task)
	var kept []*unit
	for _, u := range all {
		if keep[u] {
			u.rank = len(kept)
			kept = append(kept, u)
		}
	}
	return kept
}
