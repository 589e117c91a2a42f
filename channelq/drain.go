package channelq

import (
	"slices"
	"time"
)

// step does what is to be done now, and returns when to look again at the
// latest. It is over when no worker is left.
func (w *Workers[T]) step(now time.Time) (next time.Time, over bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spawnLocked()
	if n := w.parked.release(now, releaseAtOnce); n > 0 {
		w.refreshLocked()
		for range min(n, w.waiting) {
			w.callOneLocked()
		}
	}
	if !w.ending && (w.quietLocked() || w.stopping && reached(w.plan.cancel, now)) {
		w.endLocked()
	}
	if !w.ending {
		return w.nextLocked(), false
	}
	if reached(w.plan.abandon, now) {
		w.abandonLocked()
		// What is left now is in nobody's code but ours, and goes by itself.
		return time.Time{}, len(w.slots) == 0
	}
	return w.plan.abandon, len(w.slots) == 0
}

// quietLocked reports whether nothing is left to do and nothing more will come:
// every worker rests, nothing is due, and no parked item comes due in time.
func (w *Workers[T]) quietLocked() bool {
	if cutOff := w.stopping && (w.cfg.Detach || w.paused); !w.drained && !cutOff {
		return false
	}
	holding := w.stopping && w.paused
	for _, s := range w.slots {
		// One that Pause keeps from starting may wait for the rate limit, or for
		// a retry that keeps its worker, and would give its item back only then.
		if s.pose != resting && (!holding || s.grip.Load() != held) {
			return false
		}
	}
	return holding || w.nothingDueLocked()
}

// endLocked sends the workers home and cancels the handlers that run.
func (w *Workers[T]) endLocked() {
	w.ending = true
	w.refreshLocked()
	w.holdAllLocked()
	w.cancel(ErrStopping)
}

// abandonLocked gives up on the handlers that still run: their items are left
// over, and their workers, should they ever return, have nothing to say.
func (w *Workers[T]) abandonLocked() {
	for _, s := range slices.Clone(w.slots) {
		g := s.grip.Load()
		if next(g) > 0 && s.grip.CompareAndSwap(g, abandoned) {
			w.lost = append(w.lost, s.run[next(g)-1])
			w.removeLocked(s)
		}
	}
}

func (w *Workers[T]) wakeLocked() {
	w.refreshLocked()
	w.callAllLocked()
}

func (w *Workers[T]) lostLocked() []T { return w.lost }
