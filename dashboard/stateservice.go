package dashboard

import (
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// Service is one service of the host, or of a host inside it ("outer/inner").
type Service struct {
	Name         string          `json:"name"`
	State        lifecycle.State `json:"state"`
	Since        time.Time       `json:"since,omitzero"` // of State
	Ready        bool            `json:"ready"`
	Critical     bool            `json:"critical"`
	Restarts     int             `json:"restarts"`
	RestartAt    time.Time       `json:"restart_at,omitzero"`
	Panics       int             `json:"panics"`
	Error        string          `json:"error,omitempty"` // the last failure
	After        []string        `json:"after"`
	StartSeconds float64         `json:"start_seconds"`
	StopSeconds  float64         `json:"stop_seconds"`
	Backlog      int             `json:"backlog"` // items it has still to drain
	Leftover     int             `json:"leftover"`
	Stuck        int             `json:"stuck"`                // calls of its handlers or runs that do not return although their time has expired
	Leadership   *Leadership     `json:"leadership,omitempty"` // nil if it runs on every process

	// OutageSince is since when this process cannot reach the store of the jobs.
	// OutageError is its last error. What is shown of the store is older than that.
	OutageSince time.Time `json:"outage_since,omitzero"`
	OutageError string    `json:"outage_error,omitempty"`

	expected bool // Error was marked by lifecycle.Expected
	changes  []hosted.StateChange
	err      error
}

// Leadership is the role of a service that runs on one process of a group.
type Leadership struct {
	Group       string    `json:"group"`
	Leading     bool      `json:"leading"`
	Since       time.Time `json:"since,omitzero"` // of Leading
	Fence       int64     `json:"fence"`          // of the current or last term here; 0 before the first
	Transitions int       `json:"transitions"`    // how often Leading changed

	// OutageSince is since when this process cannot reach the store of the lease.
	// OutageError is its last error. Unless Leading, the leader is unknown meanwhile.
	OutageSince time.Time `json:"outage_since,omitzero"`
	OutageError string    `json:"outage_error,omitempty"`
}
