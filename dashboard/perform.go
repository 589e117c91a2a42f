package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/periodic"
)

// do finds what the action is about and does it. It returns to how many things.
func (inv *inventory) do(a Action, by string) (n int, err error) {
	if a.Verb == Acknowledge || a.Verb == Reopen {
		return 1, inv.acknowledge(a, by)
	}
	if a.Verb.onMatching() {
		return 1, inv.onMatching(a, by)
	}
	sources := inv.queues[a.Name]
	if a.Kind == KindSchedule {
		sources = inv.schedule(a.Name)
	}
	if len(sources) == 0 {
		return 0, refuse(http.StatusNotFound, "there is no %s %q", a.Kind, a.Name)
	}
	able := false
	for _, s := range sources {
		if a.Service != "" && s.service != a.Service {
			continue
		}
		could, done, err := inv.doFor(s, a)
		if could {
			inv.audit(s, a, by, done)
		}
		if n += len(done); err != nil {
			return n, err
		}
		able = able || could
	}
	if !able {
		return n, refuse(http.StatusNotFound, "%s %q cannot do that", a.Kind, a.Name)
	}
	return inv.begun(n), nil
}

// doFor does the action if s can. It returns the IDs of the failures or jobs that it changed,
// 0 for s itself.
func (inv *inventory) doFor(s source, a Action) (able bool, done []int64, err error) {
	switch a.Verb {
	case RequeueAll, DiscardAll:
		return inv.doAll(s, a)
	case Trigger:
		defer func() { inv.waits = able && err == nil && s.waits() }()
	case Discard:
		if inv.discard(s, a) {
			return true, []int64{a.ID}, nil
		}
	case Restore:
		if !inv.d.discards.restore(discarded{a.Name, s.service, a.ID}) {
			return true, nil, fmt.Errorf("failure %d of %s was not discarded in the last minute", a.ID, a.Name)
		}
		return true, []int64{a.ID}, nil
	case Requeue:
		inv.d.discards.restore(discarded{a.Name, s.service, a.ID}) // another user's page still has it
	}
	if able, err = s.doOne(a); able && err == nil {
		done = []int64{a.ID}
	}
	return able, done, err
}

func (s source) doOne(a Action) (able bool, err error) {
	switch a.Verb {
	case Pause, Resume:
		p, ok := find[pauser](s)
		if ok && a.Verb == Pause {
			p.Pause()
		} else if ok {
			p.Resume()
		}
		return ok, nil
	case Trigger:
		t, ok := find[trigger](s)
		if ok {
			err = t.Trigger()
		}
		if errors.Is(err, periodic.ErrOverlap) {
			err = refuse(http.StatusConflict, "a run of %s is running, and its schedule lets no other one begin beside it", a.Name)
		}
		return ok, err
	case RetryNow, GiveUp:
		q, ok := find[retrier](s)
		if ok && a.Verb == RetryNow {
			err = q.RetryNow(a.ID)
		} else if ok {
			err = q.GiveUp(a.ID)
		}
		return ok, err
	case Reschedule:
		q, ok := find[rescheduler](s)
		if ok {
			err = q.RescheduleIf(a.ID, a.from, a.At)
		}
		return ok, err
	case Cancel:
		q, ok := find[canceller](s)
		if ok {
			err = q.Cancel(a.ID)
		}
		return ok, err
	default:
		q, ok := find[requeuer](s)
		if ok && a.Verb == Requeue {
			err = s.requeue(q, a.ID, a.seen)
		} else if ok {
			err = q.Discard(a.ID)
		}
		return ok, err
	}
}

// requeue requeues a failure or job that has had as many attempts as were shown, see Action.
// If another user requeued it meanwhile, it may have been given up once more, or be completed.
func (s source) requeue(q requeuer, id int64, seen int) error {
	if once, ok := find[onceRequeuer](s); ok && seen > 0 {
		return once.RequeueIf(id, seen-1)
	}
	return q.Requeue(id)
}

// doAll acts on the failures that are there now, all or those with one error. It ends at the
// first that it cannot change, such as one for which the queue has no room. A failure that
// another user changed meanwhile is no longer there, and is skipped.
func (inv *inventory) doAll(s source, a Action) (able bool, done []int64, err error) {
	q, ok := find[requeuer](s)
	listed, lists := find[failureSource](s)
	if !ok || !lists {
		return false, nil, nil
	}
	one := func(f channelq.Failure) error { return s.requeue(q, f.ID, f.Attempts+1) }
	if a.Verb == DiscardAll {
		one = func(f channelq.Failure) error { return q.Discard(f.ID) }
	}
	failures := inv.seen(a.Name, s, listed)
	if a.Error != "" {
		failures = slices.DeleteFunc(failures, func(f channelq.Failure) bool { return pattern(text(f.Err)) != a.Error })
	}
	for _, f := range failures {
		err := one(f)
		if err == nil {
			done = append(done, f.ID)
		} else if slices.ContainsFunc(listed.Failures(), func(left channelq.Failure) bool { return left.ID == f.ID }) {
			return true, done, fmt.Errorf("%d of %d done: %w", len(done), len(failures), err)
		}
	}
	return true, done, nil
}
