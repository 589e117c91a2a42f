package engine

import (
	"runtime"
	"time"
)

// A lock bit is held for a few dozen nanoseconds, unless its holder lost its
// processor. Who finds it set, or loses the race for it, keeps off the line for
// a moment: a look takes the line from the holder, who then needs it back to go
// on, and two cores that take turns at it item by item are slower than one.
const spins = 4

// pause passes some 30 ns without touching memory.
//
//go:noinline
func pause() {
	for range 60 { // a loop of nothing is what this is for
	}
}

// backOff is what a call does before its look number i+2. A holder that a Go
// scheduler preempted runs again when the others yield; for one that an
// operating system preempted they sleep, which burns no processor.
//
// In the bubble of a test they must not: the caller may hold a lock for which others
// wait, and then no time passes there. The clock of a bubble is known by that it
// stands still while a goroutine of it runs. That of Windows moves in steps of
// half a millisecond, so there they yield more and sleep less.
func backOff(i int) {
	switch {
	case i < spins:
		pause()
	case i < 64:
		runtime.Gosched()
	default:
		before := time.Now()
		runtime.Gosched()
		if time.Since(before) > 0 {
			time.Sleep(20 * time.Microsecond)
		}
	}
}
