package dashboard

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/steadgo/stead/hosted"
)

// stopPlan is what a stop would wait for, before one is requested, and what is left to wait
// for during one. See [hosted.StopPlan].
type stopPlan struct {
	BudgetSeconds float64    // to the latest end of the stop; negative: there is no limit
	DrainSeconds  float64    // what is left of the drain delay, a part of the budget
	NeedsSeconds  float64    // at the present rate
	Steps         []planStep // in the order of the stop, without steps that have ended

	busy  string // who has what in hand
	rest  int    // in hand of the services that busy does not name
	known bool   // how long it takes
}

// mostNamed is how many services one sentence names.
const mostNamed = 10

// planStep is the turn of one service in it.
type planStep struct {
	Service      string
	InHand       int
	What         string  // what InHand counts: "request", "item" or "run"
	Unknown      bool    // the service does not say what it has in hand
	ShareSeconds float64 // how long its turn may take; negative: there is no limit
	NeedsSeconds float64 // at the present rate; negative: that is not known
	Cut          bool    // the budget ends before its work does
}

// plans keeps an earlier plan, as a rate needs two.
type plans struct {
	mu     sync.Mutex
	before hosted.StopPlan // at least a second old, if there is one
	recent hosted.StopPlan
}

// A rate is of the last rateAge at most.
const rateAge = 20 * time.Second

func (p *plans) forecast(now hosted.StopPlan) hosted.StopPlan {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.before.At.IsZero() || now.At.Sub(p.before.At) > 2*rateAge {
		p.before, p.recent = now, now
	}
	if now.At.Sub(p.recent.At) >= rateAge/2 {
		p.before, p.recent = p.recent, now
	}
	if now.At.Sub(p.before.At) < time.Second {
		return now
	}
	return now.Forecast(p.before)
}

// plan asks the host. It returns nil before the start and after the stop.
func (d *Dashboard) plan() *stopPlan {
	made := d.plans.forecast(d.host.StopPlan())
	if made.Stopped || len(made.Steps) == 0 {
		return nil
	}
	p := &stopPlan{
		BudgetSeconds: made.Budget.Seconds(), DrainSeconds: made.Drain.Seconds(),
		NeedsSeconds: made.Needs.Seconds(), Steps: []planStep{}, known: true,
	}
	var busy []string
	what := "" // what those have in hand that are not named
	steps := slices.DeleteFunc(made.Steps, func(s hosted.StopStep) bool { return s.Over })
	for i := range steps {
		s := &steps[i]
		if s.InHand == 0 {
			continue
		}
		// Requests have no rate. One of them is the page itself.
		p.known = p.known && (s.Needs >= 0 || s.What == "request")
		if busy = append(busy, s.Service+" "+count(s.InHand, s.What)); len(busy) <= mostNamed {
			continue
		}
		if p.rest += s.InHand; what == "" || what == s.What {
			what = s.What
		} else {
			what = "thing"
		}
	}
	if n := len(busy); n > mostNamed {
		busy = append(busy[:mostNamed], fmt.Sprintf("%s with %s in hand", count(n-mostNamed, "other service"), count(p.rest, what)))
	}
	p.busy = strings.Join(busy, ", ")
	if len(steps) > windowSize { // those with nothing in hand are of no interest
		steps = few(steps,
			func(s *hosted.StopStep) bool { return s.Cut },
			func(s *hosted.StopStep) bool { return s.InHand > 0 },
			func(s *hosted.StopStep) bool { return s.Unknown })
	}
	for _, s := range steps {
		p.Steps = append(p.Steps, planStep{
			Service: s.Service, InHand: s.InHand, What: s.What, Unknown: s.Unknown,
			ShareSeconds: s.Share.Seconds(), NeedsSeconds: s.Needs.Seconds(), Cut: s.Cut,
		})
	}
	return p
}

// Sentence returns what to know before a deploy: what is in hand, and how long it takes.
func (p *stopPlan) Sentence() string {
	budget := ""
	if p.BudgetSeconds >= 0 {
		budget = " of " + whole(p.BudgetSeconds)
	}
	switch {
	case p.busy == "" && p.DrainSeconds > 0:
		return fmt.Sprintf("Nothing is in hand: %s%s, the drain delay", whole(p.DrainSeconds), budget)
	case p.busy == "":
		return "Nothing is in hand" + strings.Replace(budget, " of ", ". There are ", 1)
	case !p.known:
		return p.busy + ". How long that takes is not known" + strings.Replace(budget, " of ", "; there are ", 1)
	}
	return fmt.Sprintf("%s, about %s%s", p.busy, whole(p.NeedsSeconds), budget)
}

// whole is a duration without parts of a second.
func whole(seconds float64) string { return coarse(time.Duration(seconds*1e9 + 5e8)) }

// Holds names the services that would be cut.
func (p *stopPlan) Holds() []planStep {
	var all []planStep
	for _, s := range p.Steps {
		if s.Cut {
			all = append(all, s)
		}
	}
	return all
}

// Needs returns how long a turn takes, in words.
func (s planStep) Needs() string {
	switch {
	case s.Unknown || s.NeedsSeconds < 0:
		return "not known"
	case s.InHand == 0:
		return "–"
	}
	return "about " + whole(s.NeedsSeconds)
}

// Share returns how long a turn may take, in words.
func (s planStep) Share() string {
	if s.ShareSeconds < 0 {
		return "no limit"
	}
	return whole(s.ShareSeconds)
}

// Hand returns what a service has in hand, in words.
func (s planStep) Hand() string {
	switch {
	case s.Unknown:
		return "does not say"
	case s.InHand == 0:
		return "nothing"
	}
	return count(s.InHand, s.What)
}
