package dashboard

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/steadgo/stead/lifecycle"
)

// judge fills in what a person wants to know first: what is wrong, why, what
// happens next, and what is slow.
func (s *State) judge(slowAfter time.Duration, known *acks) {
	s.Problems = []Problem{}
	for i := range s.Services {
		s.judgeService(&s.Services[i])
		s.judgeLeadership(&s.Services[i], slowAfter)
		s.judgeStore(&s.Services[i], slowAfter)
	}
	for i := range s.Queues {
		s.judgeQueue(&s.Queues[i], slowAfter)
	}
	for i := range s.Schedules {
		s.judgeSchedule(&s.Schedules[i], slowAfter)
	}
	known.apply(s)
	s.Problems = worstFirst(s.Problems)
	s.Verdict = s.verdict()
	s.Slowest = s.slowest()
	s.Headline = s.headline()
}

// worstFirst is a stable sort that moves each once, as there may be 100,000.
func worstFirst(all []Problem) []Problem {
	sorted := make([]Problem, 0, len(all))
	for _, severity := range []Severity{Failed, Warning, Notice, OK} {
		for i := range all {
			if all[i].Severity == severity {
				sorted = append(sorted, all[i])
			}
		}
	}
	return sorted
}

func (s *State) add(p Problem) {
	if n := len(s.Problems); n > 0 && s.Problems[n-1].Kind == p.Kind && s.Problems[n-1].Name == p.Name {
		p.place = s.Problems[n-1].place + 1 // those of one thing come one after the other
	}
	s.Problems = append(s.Problems, p)
}

// Key returns the name that identifies a problem when the page is renewed, as its text may
// tick.
func (p Problem) Key() string { return fmt.Sprintf("%s %s %d", p.Kind, p.Name, p.place) }

func (s *State) judgeService(v *Service) {
	p := Problem{Kind: KindService, Name: v.Name, Why: v.Error, Since: v.Since}
	switch {
	case v.State == lifecycle.Failed && v.Stuck > 0:
		p.Severity, p.What = Failed, "left "+s.stuckCalls(v)+" behind that "+plural(v.Stuck, "does", "do")+" not return"
	case v.State == lifecycle.Failed && s.Stop != nil && !v.Since.Before(s.Stop.began):
		p.Severity, p.What = Failed, "did not stop cleanly"
	case v.State == lifecycle.Failed:
		if p.Severity, p.What = Failed, "failed and is not started again"; v.expected {
			p.Severity, p.What = Notice, "failed, as was expected, and is not started again"
		}
	case v.State == lifecycle.Restarting:
		p.Severity, p.What = Warning, "failed "+times(v.Restarts)
		p.Next, p.NextAt = "started again", v.RestartAt
	case v.State == lifecycle.Running && v.Restarts > 0 && s.Time.Sub(v.Since) < time.Minute:
		p.Severity, p.What = Warning, fmt.Sprintf("was started again after it failed (%s so far)", times(v.Restarts))
	case v.Leftover > 0: // its Stop returned no error: they are where it was told to put them
		p.Severity, p.What = Notice, fmt.Sprintf("handed over %s at the stop", count(v.Leftover, "leftover item"))
	default:
		return
	}
	s.add(p)
}

// stuckCalls is how many calls of a service do not return, by what they are called
// where they are written.
func (s *State) stuckCalls(v *Service) string {
	noun := "call"
	switch {
	case slices.ContainsFunc(s.Queues, func(q Queue) bool { return slices.Contains(q.consumers, v.Name) }):
		noun = "handler"
	case slices.ContainsFunc(s.Schedules, func(j Schedule) bool { return j.Service == v.Name }):
		noun = "run"
	}
	return count(v.Stuck, noun)
}

// judgeLeadership adds a problem if the store of the lease is unreachable. A follower
// looks as calm then as ever, but what should run on one process may run on none. The
// problem is a warning while it may be a hiccup.
func (s *State) judgeLeadership(v *Service, slowAfter time.Duration) {
	l := v.Leadership
	if l == nil || l.OutageSince.IsZero() {
		return
	}
	away := s.Time.Sub(l.OutageSince)
	p := Problem{
		Severity: Warning, Kind: KindService, Name: v.Name, Why: l.OutageError, Since: l.OutageSince,
		What: fmt.Sprintf("does not know who leads %q", l.Group), Next: "asks again by itself",
	}
	if l.Leading {
		p.What = fmt.Sprintf("leads %q only until its lease ends", l.Group)
	}
	p.What += fmt.Sprintf(": it has not reached the store of the lease for %s", span(away.Seconds()))
	if away >= slowAfter {
		p.Severity = Failed
	}
	s.add(p)
}

// judgeStore adds a problem if the store of jobs is unreachable, as the last known
// numbers look as calm as before. The problem is a warning while it may be a hiccup.
func (s *State) judgeStore(v *Service, slowAfter time.Duration) {
	if v.OutageSince.IsZero() {
		return
	}
	away := s.Time.Sub(v.OutageSince)
	p := Problem{
		Severity: Warning, Kind: KindService, Name: v.Name, Why: v.OutageError, Since: v.OutageSince,
		What: fmt.Sprintf("cannot use the store of its jobs since %s: nothing is enqueued or taken here, and what is shown of it is older", span(away.Seconds())),
		Next: "asks again by itself",
	}
	if away >= slowAfter {
		p.Severity = Failed
	}
	s.add(p)
}

func (s *State) judgeSchedule(j *Schedule, slowAfter time.Duration) {
	p := Problem{Kind: KindSchedule, Name: j.Name}
	failed := j.Last != nil && j.Last.Error != "" && j.Last.Outcome != "canceled"
	switch {
	case j.GaveUp:
		p.Severity, p.What = Failed, fmt.Sprintf("gave up after %s in a row; it runs again when it is triggered", count(j.Streak, "failed run"))
	case failed:
		p.Severity, p.What = Warning, strings.ReplaceAll(j.Last.Outcome, "_", " ")+" in its last run"
		if j.Streak > 1 {
			p.What = fmt.Sprintf("failed in its last %d runs", j.Streak)
		}
		if j.Last.Expected {
			p.Severity = Notice
			p.What += ", as was expected"
		}
		p.Next, p.NextAt = "runs again", j.Next
		if !j.RetryAt.IsZero() {
			p.NextAt = j.RetryAt
		}
		if p.NextAt.IsZero() {
			p.Next = ""
		}
	}
	if p.What != "" {
		if j.Last != nil {
			p.Why, p.Since = j.Last.Error, j.Last.Started
		}
		s.add(p)
		p.Why, p.Since, p.Next, p.NextAt = "", time.Time{}, "", time.Time{}
	}
	switch ran := s.runningFor(j); {
	case j.Stuck > 0:
		p.Severity, p.What, p.Since = Warning, "has a run that goes on although its timeout has expired", j.LastStarted
		s.add(p)
	case ran >= slowAfter && ran.Seconds() > 3*j.Duration.MeanSeconds && j.Duration.Samples > 0:
		p.Severity, p.Since = Warning, j.LastStarted
		p.What = fmt.Sprintf("has been running for %s; %s is usual", span(ran.Seconds()), span(j.Duration.MeanSeconds))
		s.add(p)
	}
	if !j.StuckInNext.IsZero() {
		p.Severity, p.Since = Failed, j.StuckInNext
		p.What = "is stuck in Next: its schedule does not say when it is due"
		s.add(p)
	}
	if j.Paused {
		s.add(Problem{Severity: Notice, Kind: KindSchedule, Name: j.Name, What: "is paused"})
	}
}

// runningFor is how long the run that began last has been on, 0 if none is.
func (s *State) runningFor(j *Schedule) time.Duration {
	if j.Running == 0 || j.LastStarted.IsZero() {
		return 0
	}
	return s.Time.Sub(j.LastStarted)
}

// maxSlowest is how many things the list of the slowest has; what takes less
// than minSlow is nobody's question.
const (
	maxSlowest = 5
	minSlow    = 0.1
)

func (s *State) slowest() []Slow {
	all := []Slow{}
	put := func(kind Kind, name, what string, seconds float64) {
		if seconds < minSlow {
			return
		}
		at, _ := slices.BinarySearchFunc(all, seconds, func(in Slow, seconds float64) int {
			if in.Seconds >= seconds {
				return -1
			}
			return 1
		})
		all = slices.Insert(all, at, Slow{kind, name, what, seconds})
		all = all[:min(len(all), maxSlowest)]
	}
	for i := range s.Services {
		v := &s.Services[i]
		if v.State == lifecycle.Starting || v.State == lifecycle.Stopping {
			put(KindService, v.Name, "has been "+v.State.String()+" for", s.Time.Sub(v.Since).Seconds())
		}
		put(KindService, v.Name, "took to start", v.StartSeconds)
	}
	for i := range s.Queues {
		q := &s.Queues[i]
		if !q.OldestDue.IsZero() {
			put(KindQueue, q.Name, "oldest item has waited", s.Time.Sub(q.OldestDue).Seconds())
		}
		put(KindQueue, q.Name, "handler, 95 % take at most", q.Handle.P95Seconds)
	}
	for i := range s.Schedules {
		j := &s.Schedules[i]
		if ran := s.runningFor(j); ran > 0 {
			put(KindSchedule, j.Name, "has been running for", ran.Seconds())
		}
		put(KindSchedule, j.Name, "run, 95 % take at most", j.Duration.P95Seconds)
	}
	return all
}
