package hosted

import (
	"time"

	"github.com/steadgo/stead/internal/errs"
	"github.com/steadgo/stead/lifecycle"
)

// StateChange is a state that a service entered. See [ServiceStatus].
type StateChange struct {
	State lifecycle.State
	At    time.Time
	Err   error // why, if State is Restarting or Failed
}

// maxChanges bounds how many are kept of a service.
const maxChanges = 20

// rememberLocked notes a state before the service enters it. Only a service that failed
// once has a list: of the others the times of Start and of the state say as much. What is
// in the list does not change, as it was handed out.
func (u *unit) rememberLocked(s lifecycle.State, now time.Time) {
	if u.changes == nil && !u.since.IsZero() {
		u.changes = append(u.changes, StateChange{State: u.state, At: u.since})
	}
	change := StateChange{State: s, At: now}
	if s == lifecycle.Restarting || s == lifecycle.Failed {
		change.Err = u.err
	}
	if n := len(u.changes); n > 0 {
		// A loop that calls Ready is Restarting until it has: that is one change.
		if last := u.changes[n-1]; last.State == s && errs.Same(last.Err, change.Err) {
			return
		}
		if n >= maxChanges {
			u.changes = append([]StateChange(nil), u.changes[n-maxChanges+1:]...)
		}
	}
	u.changes = append(u.changes, change)
}
