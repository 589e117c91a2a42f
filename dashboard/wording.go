package dashboard

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// titled is a chart and what stands above it.
type titled struct {
	Title string
	Chart chart
}

// Titled gives a chart its title.
func (v *view) Titled(title string, c chart) titled { return titled{title, c} }

// Button returns what the template of a button needs.
func (v *view) Button(verb Verb, kind Kind, name string) row {
	return row{v, Action{Verb: verb, Kind: kind, Name: name}}
}

// FailureButton returns a Button for a failure of a queue.
func (v *view) FailureButton(verb Verb, queue string, f Failure) row {
	return row{v, Action{Verb: verb, Kind: KindQueue, Name: queue, Service: f.Service, ID: f.ID, seen: f.Attempts + 1}}
}

// DiscardButton returns a FailureButton for Discard, and whether it needs a confirmation.
func (v *view) DiscardButton(queue string, f Failure) row {
	return row{f.stored, v.FailureButton(Discard, queue, f)}
}

// RetryButton returns a Button for an item that waits for its retry.
func (v *view) RetryButton(verb Verb, queue string, r Retry) row {
	return row{v, Action{Verb: verb, Kind: KindQueue, Name: queue, Service: r.Service, ID: r.ID}}
}

// JobButton returns a Button for a job of a queue.
func (v *view) JobButton(verb Verb, j keptJob) row {
	return row{v, Action{Verb: verb, Kind: KindQueue, Name: v.Jobs.Queue, Service: j.Service, ID: j.ID, seen: j.Attempts + 1}}
}

// Label returns the text on a button.
func (v *view) Label(verb Verb) string {
	switch verb {
	case Pause:
		return "Pause"
	case Resume:
		return "Resume"
	case Trigger:
		return "Trigger"
	case Requeue:
		return "Requeue"
	case RetryNow:
		return "Try now"
	case GiveUp:
		return "Give up"
	case Restore:
		return "Undo"
	case RequeueAll:
		return "Requeue them"
	case DiscardAll:
		return "Discard them"
	case Cancel:
		return "Cancel it"
	case Acknowledge:
		return "Acknowledge"
	case Reopen:
		return "Reopen"
	default:
		return "Discard it"
	}
}

// Object completes the text of a button for screen readers, which do not see its place.
func (v *view) Object(a Action) string {
	switch {
	case a.Service != "" && (v.Jobs != nil || v.Job != nil):
		return fmt.Sprintf("job %d of %s", a.ID, a.Name)
	case a.Verb == RetryNow || a.Verb == GiveUp:
		return fmt.Sprintf("retry %d of %s", a.ID, a.Name)
	case a.Service != "":
		return fmt.Sprintf("failure %d of %s", a.ID, a.Name)
	case a.Verb == RequeueAll || a.Verb == DiscardAll:
		return strings.TrimSuffix("failures of "+a.Name+" with "+a.Error, " with ")
	case a.Verb == Acknowledge || a.Verb == Reopen:
		return "what is wrong with " + a.Name
	}
	return string(a.Kind) + " " + a.Name
}

// failureSeverity is how bad the failures of a queue are.
func (v *view) failureSeverity(q Queue) Severity {
	for _, p := range v.State.Problems {
		if p.Kind == KindQueue && p.Name == q.Name && p.gaveUp {
			return p.Severity
		}
	}
	return Failed
}

// Cut returns the badge of a service that a stop would cut.
func (v *view) Cut() badge { return badge{Warning, "cut"} }

// Self returns the address of the page, relative to its base.
func (v *view) Self() string {
	if v.Name == "" {
		return v.Page
	}
	return v.Page + "?" + url.Values{"name": {v.Name}}.Encode()
}

// Subline returns the sentence below the headline, which may tick.
func (v *view) Subline() string {
	s := &v.State
	if s.Stop != nil {
		return stopInWords(v, s.Stop)
	}
	running := 0
	for _, service := range s.Services {
		if service.Ready {
			running++
		}
	}
	parts := []string{fmt.Sprintf("%d of %s up", running, count(len(s.Services), "service"))}
	if n := len(s.Queues); n > 0 {
		depth := 0
		for _, q := range s.Queues {
			depth += q.Depth
		}
		parts = append(parts, fmt.Sprintf("%s waiting in %s", count(depth, "item"), count(n, "queue")))
	}
	if n := len(s.Schedules); n > 0 {
		parts = append(parts, count(n, "schedule"))
	}
	return strings.Join(parts, " · ")
}

func stopInWords(v *view, stop *Stop) string {
	var b strings.Builder
	switch {
	case stop.Over:
		fmt.Fprintf(&b, "It took %s", span(stop.TookSeconds))
	default:
		fmt.Fprintf(&b, "For %s", span(stop.TookSeconds))
		if !stop.Deadline.IsZero() {
			fmt.Fprintf(&b, "; over at the latest %s", when(stop.Deadline, v.State.Time))
		}
	}
	backlog, left := 0, 0
	for _, line := range stop.Services {
		backlog += line.Backlog
		left += line.Leftover
	}
	if backlog > 0 {
		fmt.Fprintf(&b, "; %s still to drain", count(backlog, "item"))
	}
	if left > 0 {
		fmt.Fprintf(&b, "; %s", count(left, "leftover item"))
	}
	if stop.Cause != "" {
		fmt.Fprintf(&b, ". Reason: %s", stop.Cause)
	}
	return b.String()
}

// Blame returns the heading of a straggler: which service did not return from what.
func (v *view) Blame(g Straggler) string {
	within := unbroken(g.WaitedSeconds)
	i := slices.IndexFunc(v.State.Services, func(s Service) bool { return s.Name == g.Service })
	if i >= 0 && v.State.Services[i].Stuck > 0 && g.Op == "stop" {
		s := &v.State.Services[i]
		return fmt.Sprintf("%s left %s behind that had not returned after %s", g.Service, v.State.stuckCalls(s), within)
	}
	switch g.Op {
	case "start", "stop":
		return fmt.Sprintf("%s did not %s within %s", g.Service, g.Op, within)
	}
	return fmt.Sprintf("%s did not return from its hook %s within %s", g.Service, g.Op, within)
}

// stateGroup is the services that are in one state.
type stateGroup struct {
	State badge
	Names []string // the first of them
	Count int
}

// ByState groups the services by their state, the worst first.
func (v *view) ByState() []stateGroup {
	var groups []stateGroup
	for _, s := range v.State.Services {
		i := slices.IndexFunc(groups, func(g stateGroup) bool { return g.State.Word == s.State.String() })
		if i < 0 {
			i = len(groups)
			groups = append(groups, stateGroup{State: v.ServiceState(s.State.String())})
		}
		if groups[i].Count++; groups[i].Count <= topSize {
			groups[i].Names = append(groups[i].Names, s.Name)
		}
	}
	slices.SortStableFunc(groups, func(a, b stateGroup) int { return b.State.Severity.rank() - a.State.Severity.rank() })
	return groups
}

// TopProblems are the worst.
func (v *view) TopProblems() []Problem { return top(v.State.Problems) }

// StopOrder names the services as they are stopped.
func (v *view) StopOrder() string {
	var names []string
	for _, s := range slices.Backward(v.State.Services) {
		names = append(names, s.Name)
	}
	return strings.TrimSpace(strings.Join(top(names), ", ") + " " + more(len(names), topSize))
}

// OldestFirst returns the history of a schedule as it is read, from left to right.
func (v *view) OldestFirst(runs []Run) []Run {
	out := make([]Run, len(runs))
	for i, r := range runs {
		out[len(runs)-1-i] = r
	}
	return out
}

// RunsInWords returns the history of a schedule in words, for screen readers.
func (v *view) RunsInWords(j Schedule) string {
	good := 0
	for _, r := range j.History {
		if r.Outcome == "succeeded" {
			good++
		}
	}
	return fmt.Sprintf("%d of the last %s succeeded", good, count(len(j.History), "run"))
}

// Failed returns how many items gave up, or in a store were canceled. A store has more
// than it lists.
func (q Queue) Failed() int {
	return max(len(q.Failures), q.States["discarded"]+q.States["cancelled"])
}

// FailedStates are those of Failed that there are.
func (q Queue) FailedStates() (states []string) {
	for _, s := range []string{"discarded", "cancelled"} {
		if q.States[s] > 0 {
			states = append(states, s)
		}
	}
	return states
}

// DueNow returns how many parked items of a queue in memory are in no list. Their time has
// come, but there is no worker for them yet, or they wait for another item of their key.
func (q Queue) DueNow() int {
	if q.States != nil || len(q.Retrying) >= maxRetrying {
		return 0
	}
	return max(0, q.Parked-len(q.Retrying))
}

// maxRetrying is how many retries a queue lists, see channelq.
const maxRetrying = 100

// Unknown reports whether the numbers of a store were never known.
func (q Queue) Unknown() bool { return q.unknown }

// Estimated reports whether the number of a state is an estimate.
func (q Queue) Estimated(state string) bool { return slices.Contains(q.Guessed, state) }

// shownAge is how old a count may be without a word.
const shownAge = 5 * time.Second

// AsOf returns how old the numbers of a store are, or "" if they are current.
func (v *view) AsOf(q Queue) string {
	switch age := v.State.Time.Sub(q.Counted); {
	case q.unknown:
		return "not counted yet"
	case !q.Counted.IsZero() && age >= shownAge:
		return "counted " + when(q.Counted, v.State.Time)
	}
	return ""
}

// Lost are the accepted items that were dropped.
func (q Queue) Lost() uint64 { return q.Dropped.Oldest + q.Dropped.Newest }

// Here returns how many items wait, are in progress or are parked.
func (q Queue) Here() uint64 { return uint64(max(q.Depth+q.InProgress+q.Parked, 0)) }
