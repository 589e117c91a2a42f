package dashboard

import (
	"encoding/json"
	"fmt"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

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
		Restarts: r.Restarts, LeftOver: r.LeftOver, Error: text(r.Err),
	}
	for i := range s.Services {
		if v := &s.Services[i]; v.Name == r.Name && r.State == lifecycle.Stopping {
			stop.Waiting = append(stop.Waiting, r.Name)
			line.StopSeconds, line.Backlog = s.Time.Sub(v.Since).Seconds(), v.Backlog
		}
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
