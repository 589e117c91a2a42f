package dashboard

import (
	"net/http"
	"sync"
	"time"
)

// acks are who has acknowledged what is wrong with a thing, and when. What happens to it
// afterwards is new. They are of this process, and end with it.
type acks struct {
	mu sync.Mutex
	of map[subject]ack
}

type ack struct {
	at time.Time
	by string
}

func (a *acks) get(about subject) (ack, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	found, ok := a.of[about]
	return found, ok
}

// set acknowledges, or takes that back.
func (a *acks) set(about subject, verb Verb, by string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if verb == Reopen {
		delete(a.of, about)
		return
	}
	if a.of == nil {
		a.of = map[subject]ack{}
	}
	a.of[about] = ack{now, by}
}

// apply marks the problems that are not newer than their acknowledgement. A person knows
// of them, so they raise no alarm.
func (a *acks) apply(s *State) {
	for i := range s.Problems {
		p := &s.Problems[i]
		known, ok := a.get(subject{p.Kind, p.Name})
		if ok && p.CanAcknowledge() && !p.Since.After(known.at) {
			p.Severity, p.Acknowledged, p.AcknowledgedBy = Notice, known.at, known.by
		}
	}
}

// CanAcknowledge reports whether it is known since when the problem is there: without
// that nobody could tell the next one from it.
func (p Problem) CanAcknowledge() bool {
	return !p.Since.IsZero() && p.Severity.rank() >= Warning.rank()
}

// acknowledge is the action. There must be something to it.
func (inv *inventory) acknowledge(a Action, by string) error {
	for _, p := range inv.state.Problems {
		if p.Kind != a.Kind || p.Name != a.Name {
			continue
		}
		if a.Verb == Acknowledge && p.CanAcknowledge() || a.Verb == Reopen && !p.Acknowledged.IsZero() {
			inv.d.acks.set(subject{a.Kind, a.Name}, a.Verb, by, inv.state.Time)
			return nil
		}
	}
	return refuse(http.StatusConflict, "nothing is wrong with %s %q that could be acknowledged or reopened", a.Kind, a.Name)
}
