package hosted

import (
	"slices"
	"time"

	"github.com/steadgo/stead/lifecycle"
)

// StopPlan is what the stop of a host waits for and how its budget is divided. Before a
// stop is requested, it describes one that would begin now. During a stop, it describes
// what is left of that. See [Host.StopPlan].
type StopPlan struct {
	Host     string
	At       time.Time     // when the plan was made
	Stopping bool          // a stop was requested
	Stopped  bool          // the stop has ended
	Budget   time.Duration // from At to the latest end of the stop; negative if there is no limit
	Drain    time.Duration // what is left of Config.DrainDelay, before the first turn
	Needs    time.Duration // from At to the last turn's end, if each service takes its own Needs
	Steps    []StopStep    // in the order of the stop

	turns schedule
}

// StopStep is the turn of one service in a [StopPlan]. The services of a nested host
// have steps of their own behind the step of that host.
type StopStep struct {
	Service string // of a nested host: outer/inner
	State   lifecycle.State
	Over    bool          // the turn has ended; it is under way if State is Stopping
	Took    time.Duration // of the turn, until At

	InHand  int    // requests, items or runs that the stop of the service waits for
	What    string // what InHand counts: "request", "item" or "run"; empty if Unknown
	Unknown bool   // the service does not say what it has in hand, as loops do not
	Ended   uint64 // items or runs that ended so far

	Begins time.Duration // from At to the turn, if each service before takes its Needs
	Share  time.Duration // how long the turn may take then, or may still take; negative if there is no limit
	Needs  time.Duration // how long the turn takes at the present rate; negative if that is not known
	Cut    bool          // Needs is longer than Share: the budget ends before the work does
}

// StopPlan returns what a stop waits for, in the order of the stop. A service that has
// nothing to stop, such as a [Once], has no step. There are no steps before the first
// service is being started.
//
// StopPlan calls Backlog and Counts of each service that has them; see [Service]. A
// service that does not answer in a moment is Unknown, and it is not asked again until
// that call has returned. Needs is known only for a service that has nothing in hand:
// call [StopPlan.Forecast] for the others.
//
// It is safe for concurrent use, also during the stop, and does not wait for a service
// for more than 100 ms in all.
func (h *Host) StopPlan() StopPlan {
	p := StopPlan{
		Host: h.cfg.Name, At: time.Now(), Budget: -1,
		Stopping: h.marks.Request().Cause != nil, Stopped: closed(h.ended),
	}
	p.turns = h.planTurns(&p, "", p.At.Add(quickTimeout))
	if end := p.turns.endFrom(p.At); !end.IsZero() {
		p.Budget = max(0, end.Sub(p.At))
	}
	p.Drain = p.turns.drain
	p.assess()
	return p
}

// Forecast returns the plan with Needs at the rate at which items or runs have ended
// since an earlier plan of the same host, such as that of some seconds ago. What
// follows from Needs is computed anew. A service without a rate, as it does not count or
// nothing has ended, counts as one that takes no time.
func (p StopPlan) Forecast(earlier StopPlan) StopPlan {
	p.Steps = slices.Clone(p.Steps)
	passed := p.At.Sub(earlier.At)
	before := make(map[string]uint64, len(earlier.Steps))
	for _, s := range earlier.Steps {
		before[s.Service] = s.Ended
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		if was, ok := before[s.Service]; ok && passed > 0 && s.InHand > 0 && s.Ended > was {
			s.Needs = time.Duration(float64(passed) / float64(s.Ended-was) * float64(s.InHand))
		}
	}
	p.assess()
	return p
}

func (p *StopPlan) assess() {
	p.Needs = p.turns.fill(p.Steps, p.At, p.At, time.Time{}).Sub(p.At)
}
