package dashboard

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// Stop is how the stop of the host goes, or went. Its JSON has what that of
// hosted.Report has, and more.
type Stop struct {
	Host        string      `json:"host"`
	Cause       string      `json:"cause,omitempty"`
	Over        bool        `json:"over"`
	TookSeconds float64     `json:"took_seconds"` // so far
	Deadline    time.Time   `json:"deadline,omitzero"`
	Clean       bool        `json:"clean"`
	Error       string      `json:"error,omitempty"`
	Waiting     []string    `json:"waiting"`  // services that are being stopped
	Services    []StopLine  `json:"services"` // in the order of the stop
	Stragglers  []Straggler `json:"stragglers"`

	began time.Time
}

// StopLine is one service in a [Stop].
type StopLine struct {
	Name         string  `json:"name"`
	State        string  `json:"state"`
	StartSeconds float64 `json:"start_seconds"`
	StopSeconds  float64 `json:"stop_seconds"` // so far
	Restarts     int     `json:"restarts"`
	Backlog      int     `json:"backlog"`
	Leftover     int     `json:"leftover"`
	Error        string  `json:"error,omitempty"`
}

// Straggler is a call into a service that did not return in time.
type Straggler struct {
	Service       string  `json:"service"`
	Op            string  `json:"op"`
	WaitedSeconds float64 `json:"waited_seconds"`
	Stacks        string  `json:"stacks"`
}

// stopOf is the report of the stop as of now; nil before anybody asked for one.
func (d *Dashboard) stopOf(s *State) *Stop {
	if s.Phase != Stopping && s.Phase != Stopped {
		return nil
	}
	report := d.host.Report()
	stop := &Stop{
		Host: report.Host, Cause: text(report.Cause), Over: s.Phase == Stopped,
		TookSeconds: report.Took.Seconds(), Deadline: report.Deadline,
		Clean: report.Clean(), Error: text(report.Err),
		Waiting: []string{}, Services: []StopLine{}, Stragglers: []Straggler{},
		began: s.Time.Add(-report.Took),
	}
	for _, r := range report.Services {
		stop.Services = append(stop.Services, stop.line(s, r))
	}
	for _, g := range report.Stragglers {
		stop.Stragglers = append(stop.Stragglers, Straggler{
			Service: g.Service, Op: g.Op, WaitedSeconds: g.Waited.Seconds(), Stacks: g.Stacks,
		})
	}
	return stop
}

// line is one service; while it is being stopped its time goes on.
func (stop *Stop) line(s *State, r hosted.ServiceReport) StopLine {
	line := StopLine{
		Name: r.Name, State: r.State.String(), StartSeconds: r.StartTook.Seconds(), StopSeconds: r.StopTook.Seconds(),
		Restarts: r.Restarts, Leftover: r.Leftover, Error: text(r.Err),
	}
	if i, ok := s.byName()[r.Name]; ok && r.State == lifecycle.Stopping {
		v := &s.Services[i]
		stop.Waiting = append(stop.Waiting, r.Name)
		line.StopSeconds, line.Backlog = s.Time.Sub(v.Since).Seconds(), v.Backlog
	}
	return line
}

// parseLastStop reads the JSON of a hosted.Report.
func parseLastStop(data []byte) (*Stop, error) {
	if len(data) == 0 {
		return nil, nil
	}
	stop := Stop{Over: true, Waiting: []string{}, Services: []StopLine{}, Stragglers: []Straggler{}}
	if err := json.Unmarshal(data, &stop); err != nil {
		return nil, fmt.Errorf("LastStop is not the JSON of a hosted.Report: %w", err)
	}
	return &stop, nil
}

// Lines are those of the services that the page shows: of very many, those with something
// to say.
func (v *view) Lines(stop *Stop) []StopLine {
	if len(stop.Services) <= windowSize {
		return stop.Services
	}
	return few(stop.Services,
		func(l *StopLine) bool { return l.Error != "" || l.State == lifecycle.Failed.String() },
		func(l *StopLine) bool { return l.State == lifecycle.Stopping.String() || l.Leftover > 0 },
		func(*StopLine) bool { return true })
}

// Left are the stragglers that the page shows.
func (v *view) Left(stop *Stop) []Straggler { return top(stop.Stragglers) }

// few returns up to windowSize elements of a list in its order. The first test picks
// elements, then the next test as long as there is room, and so on.
func few[T any](all []T, tests ...func(*T) bool) []T {
	chosen, n := make([]bool, len(all)), 0
	for _, picks := range tests {
		for i := 0; i < len(all) && n < windowSize; i++ {
			if !chosen[i] && picks(&all[i]) {
				chosen[i] = true
				n++
			}
		}
	}
	list := make([]T, 0, n)
	for i := range all {
		if chosen[i] {
			list = append(list, all[i])
		}
	}
	return list
}
