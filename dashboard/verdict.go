package dashboard

import (
	"fmt"
	"slices"
	"strings"

	"github.com/steadgo/stead/lifecycle"
)

// verdict goes with the headline: while the program runs it is the worst of its
// problems, afterwards how the stop goes.
func (s *State) verdict() Severity {
	switch {
	case s.Phase == Stopped && !s.Stop.Clean:
		return Failed
	case s.Phase == Stopped:
		return OK
	case s.Phase == Stopping:
		return s.stopVerdict()
	case len(s.Problems) > 0:
		return s.Problems[0].Severity
	}
	return OK
}

// stopVerdict returns Notice unless something is late: a service did not stop as it should,
// or half of the time for the stop has passed.
func (s *State) stopVerdict() Severity {
	for _, v := range s.Services {
		if v.State == lifecycle.Failed && !v.Since.Before(s.Stop.began) {
			return Failed
		}
	}
	if s.Stop.Deadline.IsZero() || s.Stop.Deadline.Sub(s.Time) >= s.Time.Sub(s.Stop.began) {
		return Notice
	}
	return Warning
}

// attention returns how many things have a problem that a person has to look at, and how
// many have one that may pass. A thing with several problems counts once, as its worst, so
// that the headline, the badges and the title of the page add up.
func (s *State) attention() (failed, warnings int) {
	worst := s.worstOf()
	for _, severity := range worst {
		switch severity {
		case Failed:
			failed++
		case Warning:
			warnings++
		}
	}
	return failed, warnings
}

// has reports whether there is such a thing.
func (s *State) has(kind Kind, name string) bool {
	switch kind {
	case KindService:
		_, ok := s.byName()[name]
		return ok
	case KindQueue:
		return slices.ContainsFunc(s.Queues, func(q Queue) bool { return q.Name == name })
	default:
		return slices.ContainsFunc(s.Schedules, func(j Schedule) bool { return j.Name == name })
	}
}

// byName is where in Services a name is.
func (s *State) byName() map[string]int {
	if s.named == nil {
		s.named = make(map[string]int, len(s.Services))
		for i := range s.Services {
			s.named[s.Services[i].Name] = i
		}
	}
	return s.named
}

// subject is what a problem is about.
type subject struct {
	kind Kind
	name string
}

func (s *State) worstOf() map[subject]Severity {
	if s.worst != nil {
		return s.worst
	}
	s.worst = map[subject]Severity{}
	for i := range s.Problems {
		p := &s.Problems[i]
		about := subject{p.Kind, p.Name}
		if p.Severity.rank() > s.worst[about].rank() {
			s.worst[about] = p.Severity
		}
	}
	return s.worst
}

// headline is the one sentence at the top. It has no number that ticks, as it is
// read aloud whenever it changes.
func (s *State) headline() string {
	switch s.Phase {
	case Starting:
		return "Starting" + s.waitingFor(lifecycle.Starting)
	case Stopping:
		return "Stopping" + s.waitingFor(lifecycle.Stopping)
	case Stopped:
		switch {
		case s.Stop.Clean:
			return "Stopped cleanly"
		case len(s.Stop.Stragglers) > 0:
			return "Stopped, but not everything ended"
		}
		return "Stopped with errors"
	}
	switch failed, warnings := s.attention(); {
	case failed > 0 && warnings > 0:
		return fmt.Sprintf("%s %s somebody, %d to keep an eye on", count(failed, "thing"), plural(failed, "needs", "need"), warnings)
	case failed > 0:
		return count(failed, "thing") + plural(failed, " needs", " need") + " somebody"
	case warnings > 0:
		return count(warnings, "thing") + " to keep an eye on"
	}
	if slices.ContainsFunc(s.Problems, func(p Problem) bool { return !p.Acknowledged.IsZero() }) {
		return "Nothing new is wrong"
	}
	return "All is well"
}

func (s *State) waitingFor(state lifecycle.State) string {
	var names []string
	for _, v := range s.Services {
		if v.State == state {
			names = append(names, v.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ": waiting for " + strings.Join(names, ", ")
}
