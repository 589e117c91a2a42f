package dashboard

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/steadgo/stead/lifecycle"
)

func (s *State) judgeQueue(q *Queue, slowAfter time.Duration) {
	p := Problem{Kind: KindQueue, Name: q.Name}
	s.judgeCount(q, slowAfter)
	if n := q.Failed(); n > 0 && len(q.Failures) > 0 {
		f := q.Failures[0]
		p := p
		p.Severity, p.gaveUp = Failed, true
		if bad := q.unexpected(); len(bad) > 0 {
			f = bad[0]
		} else { // a store lists what was expected behind what was not
			p.Severity = Notice
		}
		p.What = fmt.Sprintf("gave up on %s, the last one after %s", count(n, "item"), count(f.Attempts, "attempt"))
		if p.Severity == Notice {
			p.What += ", as was expected"
		}
		p.Why, p.Since = f.Error, f.Time
		s.add(p)
	}
	if n := max(len(q.Retrying), q.States["retryable"]); n > 0 && len(q.Retrying) > 0 {
		r := q.Retrying[0]
		p := p
		p.Severity, p.What = Warning, "is retrying "+count(n, "item")
		p.Why, p.Next, p.NextAt = r.Error, "tried again", r.Due
		s.add(p)
	}
	if n := q.deserted; n > 0 {
		p := p
		p.Severity, p.What = Warning, "has "+count(n, "job")+" that "+plural(n, "is", "are")+" held by a process that is gone"
		p.Next, p.NextAt = "freed", q.freed
		if n > 1 {
			p.Next = "the first of them freed"
		}
		s.add(p)
	}
	if q.Rates != nil && q.Rates.Lost > 0 {
		p := p
		p.Severity, p.What = Warning, fmt.Sprintf("is full and turns away or drops %s items a second", number(q.Rates.Lost))
		s.add(p)
	} else if q.Capacity > 0 && q.Depth >= q.Capacity {
		p := p
		p.Severity, p.What = Warning, fmt.Sprintf("is full with %s", count(q.Depth, "item"))
		if q.Mode == "wait" {
			p.What += ": producers wait"
		}
		s.add(p)
	}
	if q.Paused {
		p := p
		p.Severity, p.What = Notice, "is paused"
		if q.Depth > 0 {
			p.What += fmt.Sprintf(" with %s waiting", count(q.Depth, "item"))
		}
		s.add(p)
		return
	}
	s.judgeFlow(q, slowAfter)
}

// judgeCount adds a problem if the numbers of a store are old, unless its service
// already has the problem that the store is unreachable.
func (s *State) judgeCount(q *Queue, slowAfter time.Duration) {
	if q.Counted.IsZero() && !q.unknown { // it is no store
		return
	}
	away := func(service string) bool {
		i, ok := s.byName()[service]
		return ok && !s.Services[i].OutageSince.IsZero()
	}
	if s.Phase != Running || slices.ContainsFunc(q.Services, away) {
		return
	}
	p := Problem{Severity: Warning, Kind: KindQueue, Name: q.Name, Since: q.Counted}
	switch age := s.Time.Sub(q.Counted); {
	case q.unknown:
		p.What = "is not known in number: its jobs in the store could not be counted yet"
	case !q.Counted.IsZero() && age >= slowAfter:
		p.What = fmt.Sprintf("is shown as it was %s ago: its jobs in the store could not be counted since", span(age.Seconds()))
	case q.unlisted && s.runsFor(q) >= shownAge: // before that the store may just be slow
		p.What, p.Since = "has failures and retries that are not known: the store could not list them yet", time.Time{}
	case !q.Listed.IsZero() && s.Time.Sub(q.Listed) >= slowAfter:
		p.What, p.Since = fmt.Sprintf("has failures and retries that are shown as they were %s ago: the store could not list them since", span(s.Time.Sub(q.Listed).Seconds())), q.Listed
	default:
		return
	}
	s.add(p)
}

// judgeFlow says why items wait: there are no workers, the workers are stuck, or
// there are more items than they can handle.
func (s *State) judgeFlow(q *Queue, slowAfter time.Duration) {
	p := Problem{Severity: Warning, Kind: KindQueue, Name: q.Name}
	if standing := s.Time.Sub(q.idleSince); !q.idleSince.IsZero() && standing >= slowAfter &&
		q.Handle.Samples > 0 && standing.Seconds() > 3*q.Handle.P95Seconds {
		q.trouble = badge{Warning, "stuck"}
		p := p
		p.What = fmt.Sprintf("has %s that %s not returned for %s; 95 %% take at most %s",
			count(q.InProgress, "handler"), plural(q.InProgress, "has", "have"), span(standing.Seconds()), span(q.Handle.P95Seconds))
		p.Since = q.idleSince
		if q.InProgress >= q.Workers && q.Depth > 0 {
			p.What += fmt.Sprintf(". %s behind them, as there is no other worker", plural(q.Depth, "1 item waits", count(q.Depth, "item")+" wait"))
			s.add(p)
			return
		}
		s.add(p)
	}
	if q.OldestDue.IsZero() {
		return
	}
	age := s.Time.Sub(q.OldestDue)
	p.Since = q.OldestDue
	switch nobody, passes := s.nobodyTakes(q); {
	case nobody != "" && age >= time.Second:
		if !passes {
			p.Severity = Failed
		}
		q.trouble = badge{p.Severity, "no workers"}
		p.What = fmt.Sprintf("has %s waiting and nobody who takes them: %s", count(q.Depth+q.Parked, "item"), nobody)
	case age >= slowAfter:
		if q.trouble.Word == "" {
			q.trouble = badge{Warning, "behind"}
		}
		if p.What = fmt.Sprintf("is behind: its oldest item has waited for %s%s", span(age.Seconds()), whyBehind(q)); q.States != nil {
			p.What = fmt.Sprintf("is behind: its oldest job in the store has waited for %s%s", span(age.Seconds()), whyBehind(q))
		}
	default:
		return
	}
	s.add(p)
}

// whyBehind is a hint; an old item alone may have many reasons.
func whyBehind(q *Queue) string {
	switch {
	case q.States != nil && q.Workers == 0:
		return "; this process does not work it and does not know how far others are"
	case q.States != nil && q.InProgress >= q.Workers:
		return ", and " + plural(q.Workers, "the one worker", fmt.Sprintf("all %d workers", q.Workers)) + " of this process " + plural(q.Workers, "is", "are") + " busy"
	case q.States != nil:
		return ""
	case q.Workers == 1 && q.InProgress > 0:
		return ", and its one worker is busy"
	case q.Workers > 0 && q.InProgress >= q.Workers:
		return fmt.Sprintf(", and all %d workers are busy", q.Workers)
	case q.Workers == 0 && q.TakenByHand == 0:
		return ", and nothing was ever taken out: are its workers in a host?"
	}
	return ""
}

// nobodyTakes says why a queue has no workers although it was given some; "" if it
// has, or if it is read by hand or elsewhere. passes: they may still come.
func (s *State) nobodyTakes(q *Queue) (why string, passes bool) {
	if q.Workers > 0 || len(q.consumers) == 0 || s.Phase != Running {
		return "", false
	}
	var states []string
	for _, consumer := range q.consumers {
		i, ok := s.byName()[consumer]
		if !ok {
			continue
		}
		v := &s.Services[i]
		switch v.State {
		case lifecycle.Running: // it only watches them
			states = append(states, "the workers that "+v.Name+" watches were never started, or have ended")
		case lifecycle.New, lifecycle.Starting, lifecycle.Restarting:
			passes = true
			fallthrough
		default:
			states = append(states, "service "+v.Name+" is "+v.State.String())
		}
	}
	return strings.Join(states, ", "), passes
}
