package engine

import "time"

const (
	sampleEvery = 64 // one slot in this many carries the time of its put
	maxSamples  = 8  // as many as one call reports; a batch that took more slots skips the rest
)

// samples are the times of the sampled slots that one take got.
type samples struct {
	n  int
	at [maxSamples]time.Time
}

func (s *samples) add(at time.Time) {
	if s.n < maxSamples {
		s.at[s.n] = at
		s.n++
	}
}

// report tells the owner how long the sampled items of one take waited. It must
// be called without the mutex.
func (e *Engine[T]) report(s *samples) {
	for _, at := range s.at[:s.n] {
		e.sampled(time.Since(at))
	}
}

// stampLocked notes the time of the put into slot i if it is a sampled one.
func (e *Engine[T]) stampLocked(i uint64) {
	if e.sampled != nil && i%sampleEvery == 0 {
		*e.stampOf(i) = time.Now()
	}
}

// sampleLocked is the take's side of stampLocked.
func (e *Engine[T]) sampleLocked(i uint64, s *samples) {
	if e.sampled != nil && i%sampleEvery == 0 {
		s.add(*e.stampOf(i))
	}
}

func (e *Engine[T]) stampOf(i uint64) *time.Time {
	return &e.stamps[(i/sampleEvery)%uint64(len(e.stamps))]
}

// Oldest is about when the oldest item that is still here was put: never later
// than that by more than 64 items' worth, or by the time since the last call of
// Oldest if fewer were put since. It is zero when the engine is empty or was
// made without sampling.
//
// The stamp before the oldest item is no answer: it may be hours older than an
// item that was put into an idle queue a moment ago. So the answer is the first
// stamp at or after it, or what an earlier call noted: everything put before
// that call is at least as old as the call.
func (e *Engine[T]) Oldest() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sampled == nil || e.head == e.tail {
		return time.Time{}
	}
	var oldest time.Time
	if first := (e.head + sampleEvery - 1) / sampleEvery * sampleEvery; first < e.tail {
		oldest = *e.stampOf(first)
	}
	if e.head >= e.notedTail { // everything the note spoke of has gone
		e.notedTail, e.noted = e.tail, time.Now()
	}
	if oldest.IsZero() || e.noted.Before(oldest) {
		oldest = e.noted
	}
	return oldest
}
