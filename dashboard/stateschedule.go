package dashboard

import "time"

// Schedule is one job and its schedule.
type Schedule struct {
	Name        string            `json:"name"`
	Service     string            `json:"service"`
	Schedule    string            `json:"schedule,omitempty"` // in words: every 5m0s
	Active      bool              `json:"active"`             // started, and its schedule not ended
	Paused      bool              `json:"paused"`
	CanPause    bool              `json:"can_pause"`
	CanRun      bool              `json:"can_run"`
	GaveUp      bool              `json:"gave_up"`
	Running     int               `json:"running"`
	Waiting     int               `json:"waiting"`
	Stuck       int               `json:"stuck"`  // of Running, past their timeout
	Streak      int               `json:"streak"` // failed runs in a row
	Next        time.Time         `json:"next,omitzero"`
	StuckInNext time.Time         `json:"stuck_in_next,omitzero"` // since when its rule, which is the program's code, does not say when it is due
	RetryAt     time.Time         `json:"retry_at,omitzero"`
	LastStarted time.Time         `json:"last_started,omitzero"`
	LastSuccess time.Time         `json:"last_success,omitzero"`
	Last        *Run              `json:"last,omitempty"`
	Runs        map[string]uint64 `json:"runs"` // by outcome
	Skipped     Skipped           `json:"skipped"`
	Duration    Latency           `json:"duration"`
	History     []Run             `json:"history"` // newest first

	source *source // is asked for all the rest when the schedule is shown
}

// Skipped counts the slots of a schedule that led to no run.
type Skipped struct {
	Overlap uint64 `json:"overlap"`
	Missed  uint64 `json:"missed"`
	Paused  uint64 `json:"paused"`
	Stopped uint64 `json:"stopped"`
}

// Run is a run of a schedule that has ended.
type Run struct {
	Slot            time.Time `json:"slot"`
	Started         time.Time `json:"started"`
	LatenessSeconds float64   `json:"lateness_seconds"`
	DurationSeconds float64   `json:"duration_seconds"`
	Outcome         string    `json:"outcome"`
	Error           string    `json:"error,omitempty"`
	Triggered       bool      `json:"triggered"`          // it was asked for, not due
	Expected        bool      `json:"expected,omitempty"` // its error was marked by lifecycle.Expected

	attempt int
	err     error
}

// Point is one sample in the history of a queue.
type Point struct {
	Time          time.Time `json:"time"`
	Depth         int       `json:"depth"`
	OldestSeconds float64   `json:"oldest_seconds"`
	Rates         *Rates    `json:"rates,omitempty"` // since the point before it
}
