package durable

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/steadgo/stead/channelq"
)

// ErrWorkOnly is what an enqueue fails with in mode [WorkOnly].
var ErrWorkOnly = errors.New("this process only works")

// ErrLost is the reason with which a job is given up whose process died, or was cut
// off from the store, in its last attempt.
var ErrLost = errors.New("the process died in the last attempt")

var errClosed = fmt.Errorf("the jobs have stopped: %w", channelq.ErrClosed)

// RunningJob is a job whose handler did not return when it was cancelled.
type RunningJob struct {
	ID       int64
	Queue    string
	Since    time.Time
	RescueAt time.Time // from then on the rescue of another process frees it, within half a minute
}

// RunningError is what a stop returns when handlers ignored that they were
// cancelled.
type RunningError struct {
	Name string
	Jobs []RunningJob
}

// Error names each job and when it will be rescued.
func (e *RunningError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "stead/durable: stop %q: %d still running:", e.Name, len(e.Jobs))
	for i, r := range e.Jobs {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " %s job %d (rescued after %s)", r.Queue, r.ID, r.RescueAt.Format(time.RFC3339))
	}
	return b.String()
}

// Unwrap returns context.DeadlineExceeded.
func (e *RunningError) Unwrap() error { return context.DeadlineExceeded }
