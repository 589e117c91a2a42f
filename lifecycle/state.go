package lifecycle

import "fmt"

// State is where a service is in its life.
//
//	New -> Starting -> Running -> Stopping -> Stopped
//	          |         |  ^  |
//	          |         v  |  +-> Completed   ended by itself, without an error
//	          |    Restarting --> Failed      ended with an error, or gave up
//	          +-----------------> Failed
//
// A Completed or Failed service stays so when its host stops, because that is
// what a reader of the report wants to know. The zero value is New.
type State int32

// The states of a service.
const (
	New        State = iota // registered, never started
	Starting                // Start was called and has not returned, or a loop has not said it is ready
	Running                 // Start succeeded
	Restarting              // failed, waiting out its backoff or being started again: live, not ready
	Stopping                // its turn in the stop came and Stop has not returned
	Stopped                 // Stop returned without an error
	Completed               // ended by itself, without an error
	Failed                  // failed to start, ended with an error, or did not stop in time
)

var stateNames = [...]string{
	New: "new", Starting: "starting", Running: "running", Restarting: "restarting",
	Stopping: "stopping", Stopped: "stopped", Completed: "completed", Failed: "failed",
}

// States lists every State in order, for code that shows all of them, such as a
// metric with one series a state.
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

// MarshalText writes the name, so that JSON reads "running" and not 2.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a name written by MarshalText.
func (s *State) UnmarshalText(text []byte) error {
	for i, name := range stateNames {
		if name == string(text) {
			*s = State(i)
			return nil
		}
	}
	return fmt.Errorf("stead/lifecycle: unknown state %q", text)
}
