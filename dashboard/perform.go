package dashboard

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/steadgo/stead/channelq"
)

// do finds what the action is about and does it.
func (inv *inventory) do(a Action) error {
	sources := inv.queues[a.Name]
	if a.Kind == KindSchedule {
		sources = nil
		if s, ok := inv.schedules[a.Name]; ok {
			sources = []source{s}
		}
	}
	if len(sources) == 0 {
		return refuse(http.StatusNotFound, "there is no %s %q", a.Kind, a.Name)
	}
	able := false
	for _, s := range sources {
		if a.Service != "" && s.service != a.Service {
			continue
		}
		could, err := s.do(a)
		if err != nil {
			return err
		}
		able = able || could
	}
	if !able {
		return refuse(http.StatusNotFound, "%s %q cannot do that", a.Kind, a.Name)
	}
	return nil
}

func (s source) do(a Action) (able bool, err error) {
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
		return ok, err
	case RequeueAll, DiscardAll:
		return s.doAll(a.Verb)
	case Cancel:
		q, ok := find[canceller](s)
		if ok {
			err = q.Cancel(a.ID)
		}
		return ok, err
	default:
		q, ok := find[requeuer](s)
		if ok && a.Verb == Requeue {
			err = q.Requeue(a.ID)
		} else if ok {
			err = q.Discard(a.ID)
		}
		return ok, err
	}
}

// doAll acts on the failures that are there now and ends at the first that cannot
// be done, such as one for which the queue has no room. One that somebody else
// dealt with meanwhile is no longer there.
func (s source) doAll(verb Verb) (able bool, err error) {
	q, ok := find[requeuer](s)
	listed, lists := find[failureSource](s)
	if !ok || !lists {
		return false, nil
	}
	one := q.Requeue
	if verb == DiscardAll {
		one = q.Discard
	}
	failures := listed.Failures()
	for done, f := range failures {
		err := one(f.ID)
		if err != nil && slices.ContainsFunc(listed.Failures(), func(left channelq.Failure) bool { return left.ID == f.ID }) {
			return true, fmt.Errorf("%d of %d done: %w", done, len(failures), err)
		}
	}
	return true, nil
}
