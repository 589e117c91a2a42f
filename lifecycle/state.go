package lifecycle

import "fmt"

// State is the state of a service.
//
//	New -> Starting -> Running -> Stopping -> Stopped
//	          |         |  ^  |
//	          |         v  |  +-> Completed   ended by itself, without an error
//	          |    Restarting --> Failed      ended with an error, or its restarts are used up
//	          +-----------------> Failed
//
// A Completed or Failed service keeps that state when its host stops, for the report. The
// zero value is New.
type State int32

// The states of a service.
const (
	New        State = iota // registered, never started
	Starting                // Start was called and has not returned, or a loop has not called Ready
	Running                 // Start succeeded
	Restarting              // failed and waits for its restart, or restarts: live, not ready
	Stopping                // its turn in the stop has begun and Stop has not returned
	Stopped                 // Stop returned without an error
	Completed               // ended by itself, without an error
	Failed                  // failed to start, ended with an error, or did not stop in time
)

var stateNames = [...]string{
	New: "new", Starting: "starting", Running: "running", Restarting: "restarting",
	Stopping: "stopping", Stopped: "stopped", Completed: "completed", Failed: "failed",
}

// States returns every State in order, for instance for a metric with one series a state.
func States() []State {
	all := make([]State, len(stateNames))
	for i := range all {
		all[i] = State(i)
	}
	return all
}

// String returns the lower-case name, such as "running".
func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return fmt.Sprintf("state(%d)", int32(s))
	}
	return stateNames[s]
}

// MarshalText returns the name, so that JSON has "running" and not 2.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText sets s to the state of that name. It returns an error if there is none.
func (s *State) UnmarshalText(text []byte) error {
	for i, name := range stateNames {
		if name == string(text) {
			*s = State(i)
			return nil
		}
	}
	return fmt.Errorf("stead/lifecycle: unknown state %q", text)
}
