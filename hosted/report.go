package hosted

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/steadgo/stead/internal/plural"
	"github.com/steadgo/stead/lifecycle"
)

// ServiceStatus is the state of one service at one moment.
type ServiceStatus struct {
	Name      string
	State     lifecycle.State
	Since     time.Time // of State
	Ready     bool      // whether State is Running or Completed
	Critical  bool      // whether State counts for readiness; see NotCritical and OptionalStart
	Restarts  int
	RestartAt time.Time // when the service restarts; zero unless it waits for that
	Panics    int
	Err       error // the last failure
	After     []string
	Changes   []StateChange // its last states, oldest first; nil unless it has failed; not to be changed
	StartTook time.Duration // 0 for a loop without WaitReady
	StopTook  time.Duration
	Leftover  int // items that its stop left over
	Service   Service
	Watched   []interface{ Name() string } // see Watch
}

// Services returns the status of every service, in the order of registration until the
// host starts, and then in the order of the start. It calls no service. It is safe for
// concurrent use.
func (h *Host) Services() []ServiceStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]ServiceStatus, len(h.units))
	for i, u := range h.units {
		all[i] = u.statusLocked()
	}
	return all
}

func (u *unit) statusLocked() ServiceStatus {
	var restartAt time.Time
	if u.state == lifecycle.Restarting && u.intensity != nil {
		restartAt = u.intensity.next
	}
	return ServiceStatus{
		Name: u.name, State: u.state, Since: u.since,
		Ready:    u.state == lifecycle.Running || u.state == lifecycle.Completed,
		Critical: !u.notCritical && !u.absent,
		Restarts: int(u.restarts), RestartAt: restartAt, Panics: int(u.panics), Err: u.err,
		After:     append([]string(nil), u.after...),
		Changes:   u.changes,
		StartTook: u.startTook, StopTook: u.stopTook, Leftover: u.leftoverLocked(),
		Service: u.service, Watched: u.watched,
	}
}

// Summary returns the state of the host in a few words for a status line, such as
// "running, 5 services" or "stopping, waiting for emails".
func (h *Host) Summary() string {
	h.mu.Lock()
	phase, n := h.phase, len(h.units)
	asked := h.marks.Request().Cause != nil
	h.mu.Unlock()
	switch {
	case phase == ended:
		return "stopped"
	case asked:
		waiting := h.waitingFor()
		if len(waiting) == 0 {
			return "stopping"
		}
		return "stopping, waiting for " + namesOf(waiting)
	case phase == running:
		return "running, " + plural.Of(n, "service")
	default:
		return "starting"
	}
}

// Report says how the life of a host went: why it stopped and what each service did. It
// marshals to JSON with durations in seconds and errors as text. Its String is a table.
type Report struct {
	Host       string
	Cause      error           // why the host stopped; nil if no stop was requested
	Err        error           // what Run returns
	Took       time.Duration   // from the request to the end of the stop, or until now
	Deadline   time.Time       // the latest end of the stop; zero before the request, and without a limit
	Services   []ServiceReport // in the order of the stop
	Stragglers []Straggler

	started     bool // the start was complete
	interrupted bool // a stop was requested before that, and Err says no more
	over        bool
}

// ServiceReport is the line of one service in a [Report].
type ServiceReport struct {
	Name      string
	State     lifecycle.State
	StartTook time.Duration
	StopTook  time.Duration
	Restarts  int
	Leftover  int
	Items     map[string]uint64 // counts of what became of the items of its queues, or the runs of its job; nil without either
	Err       error
}

// Report returns the report as of now. It is complete once the host has stopped. It is
// safe for concurrent use.
func (h *Host) Report() Report {
	h.mu.Lock()
	defer h.mu.Unlock()
	req := h.marks.Request()
	r := Report{Host: h.cfg.Name, Cause: req.Cause, Stragglers: h.stragglers, started: closed(h.marks.Started)}
	if req.Cause != nil {
		r.Took, r.Deadline = time.Since(req.At), h.endOf(req)
	}
	if h.phase == ended {
		r.over = true
		r.Err = h.result
		r.Took = h.stopTook
		r.interrupted = h.interrupted > 0 && h.interrupted == len(h.failures) && len(h.late) == 0
	}
	for _, u := range slices.Backward(h.units) {
		r.Services = append(r.Services, ServiceReport{
			Name: u.name, State: u.state, StartTook: u.startTook, StopTook: u.stopTook,
			Restarts: int(u.restarts), Leftover: u.leftoverLocked(), Items: u.itemsLocked(), Err: u.err,
		})
	}
	return r
}

// Clean reports whether nothing went wrong: Run returned nil, or a stop was requested
// during the start and the services that had started stopped well. Leftover items are an
// error unless OnLeftover took them.
func (r Report) Clean() bool {
	return (r.Err == nil || r.interrupted) && len(r.Stragglers) == 0
}

// String returns the report as a table, with one line for each service in the order of
// the stop.
func (r Report) String() string {
	var b strings.Builder
	switch {
	case r.over && !r.started && len(r.Services) > 0:
		fmt.Fprintf(&b, "%s did not start, and what had started was stopped, which took %v", r.Host, round(r.Took))
	case r.over:
		fmt.Fprintf(&b, "%s stopped, which took %v", r.Host, round(r.Took))
	case r.Cause != nil:
		fmt.Fprintf(&b, "%s is stopping", r.Host)
	default:
		fmt.Fprintf(&b, "%s has not been asked to stop", r.Host)
	}
	if r.Cause != nil {
		fmt.Fprintf(&b, ": %v", r.Cause)
	}
	b.WriteByte('\n')
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SERVICE\tSTATE\tSTART\tSTOP\tRESTARTS\tLEFT OVER\tERROR")
	for _, s := range r.Services {
		fmt.Fprintf(w, "%s\t%v\t%v\t%v\t%d\t%d\t%s\n",
			s.Name, s.State, round(s.StartTook), round(s.StopTook), s.Restarts, s.Leftover, oneLine(s.Err))
	}
	_ = w.Flush()
	for _, s := range r.Services {
		if len(s.Items) > 0 {
			what, counts := s.counts()
			fmt.Fprintf(&b, "%s of %s:", what, s.Name)
			for _, c := range counts {
				fmt.Fprintf(&b, " %s %d", c.bucket, c.n)
			}
			b.WriteByte('\n')
		}
		if s.Items[refusedClosed] > 0 {
			fmt.Fprintf(&b, "%s: %s\n", s.Name, outlived)
		}
	}
	for _, s := range r.Stragglers {
		if s.Calls > 0 {
			fmt.Fprintf(&b, "%s: %s did not return within %v:\n%s", s.Service, s.what(), round(s.Waited), s.Stacks)
			continue
		}
		fmt.Fprintf(&b, "%s did not return from %s within %v:\n%s", s.Service, s.Op, round(s.Waited), s.Stacks)
	}
	return b.String()
}

// count is one bucket of what became of items or runs.
type count struct {
	bucket string
	n      uint64
}

// counts is what became of what: the total, its parts, and what is beside it.
func (s ServiceReport) counts() (what string, all []count) {
	what, total := "items", "accepted"
	n, ok := s.Items["runs"]
	if ok {
		what, total = "runs", "runs"
		all = append(all, count{"total", n})
	} else if n, ok = s.Items[total]; ok {
		all = append(all, count{total, n})
	}
	var beside []count
	for _, bucket := range slices.Sorted(maps.Keys(s.Items)) {
		switch c := (count{bucket, s.Items[bucket]}); bucket {
		case total:
		case "skipped", refusedClosed:
			beside = append(beside, c)
		default:
			all = append(all, c)
		}
	}
	return what, append(all, beside...)
}

// refusedClosed is the bucket of what came to a queue that was closed, and outlived
// is what that means as a rule.
const (
	refusedClosed = "refused_closed"
	outlived      = "a producer outlived its queue: register consumers before producers, unless it is a goroutine that no service waits for, such as one that a handler started"
)

func round(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(10 * time.Microsecond)
}

func oneLine(err error) string {
	if err == nil {
		return "-"
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), prefix, "")), " ")
}

// MarshalJSON writes
//
//	{"host", "cause", "error", "took_seconds", "clean",
//	 "services": [{"name", "state", "start_seconds", "stop_seconds", "restarts", "leftover", "items": {name: count}, "error"}],
//	 "stragglers": [{"service", "op", "calls", "waited_seconds", "stacks"}]}
//
// with errors as text. A field of an error is left out if there is none.
func (r Report) MarshalJSON() ([]byte, error) {
	type service struct {
		Name      string            `json:"name"`
		State     lifecycle.State   `json:"state"`
		StartTook float64           `json:"start_seconds"`
		StopTook  float64           `json:"stop_seconds"`
		Restarts  int               `json:"restarts"`
		Leftover  int               `json:"leftover"`
		Items     map[string]uint64 `json:"items,omitempty"`
		Err       string            `json:"error,omitempty"`
	}
	out := struct {
		Host       string      `json:"host"`
		Cause      string      `json:"cause,omitempty"`
		Err        string      `json:"error,omitempty"`
		Took       float64     `json:"took_seconds"`
		Clean      bool        `json:"clean"`
		Services   []service   `json:"services"`
		Stragglers []Straggler `json:"stragglers"`
	}{r.Host, text(r.Cause), text(r.Err), r.Took.Seconds(), r.Clean(), []service{}, append([]Straggler{}, r.Stragglers...)}
	for _, s := range r.Services {
		out.Services = append(out.Services, service{
			s.Name, s.State, s.StartTook.Seconds(), s.StopTook.Seconds(), s.Restarts, s.Leftover, s.Items, text(s.Err),
		})
	}
	return json.Marshal(out)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
