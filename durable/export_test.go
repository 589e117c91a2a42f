package durable

import (
	"context"
	"time"

	"golang.org/x/time/rate"
)

// KeyIndex is for the test that the engine's index is used.
var KeyIndex = keyIndex

// PaceHold and Pace are for tests of the rate limit in fake time, which an engine
// does not run in.
const PaceHold = paceHold

// Pace is the wait of a new pacer.
func Pace(limit rate.Limit, burst int) (wait func(context.Context) bool) {
	return newPacer(limit, burst).wait
}

// NewEngineLog is what the engine logs to.
var NewEngineLog = newEngineLog

// SetBeat is how often jobs that were not started yet tell that they live, and look
// whether their store does, however long that takes.
func SetBeat[TTx any](j *Jobs[TTx], d time.Duration) { j.beat, j.share = d, 1 }
