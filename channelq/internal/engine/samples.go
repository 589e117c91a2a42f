package engine

import (
	"reflect"
	"sync"
	"time"
)

// sampleEvery is the distance of sampled positions, a power of two. A clock read
// costs several times what a put does.
const sampleEvery = 64

// samples says when items were put, at sampled positions. Its times are
// nanoseconds since base, which is a moment before the first one: never 0.
type samples struct {
	sampled func(wait time.Duration)
	base    time.Time

	// What an earlier call of Oldest saw: everything before notedTail was put
	// by the time noted.
	mu        sync.Mutex
	notedTail uint64
	noted     int64
}

func newSamples(sampled func(time.Duration)) *samples {
	return &samples{sampled: sampled, base: time.Now().Add(-1)}
}

// ceil is the first sampled position from pos on.
func ceil(pos uint64) uint64 { return (pos + sampleEvery - 1) &^ (sampleEvery - 1) }

func (s *samples) now() int64 { return int64(time.Since(s.base)) }

// report tells the wait of an item that was put at a time of now's.
func (s *samples) report(put int64) { s.sampled(time.Duration(max(0, s.now()-put))) }

// oldest is when the item at head was put or a little later: next, the time of the
// next sample behind it unless that is 0, or what an earlier call noted.
//
// The sample before it would be no answer: it may be hours older than an item
// that came to an idle queue just now.
func (s *samples) oldest(head, tail uint64, next int64) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if distance(s.notedTail, head) <= 0 { // what was noted has gone
		s.notedTail, s.noted = tail, s.now()
	}
	put := s.noted
	if next > 0 {
		put = min(put, next)
	}
	return s.base.Add(time.Duration(put))
}

// holdsPointers says whether a value of T can keep something else alive, so that
// a slot must be cleared when its item is taken.
func holdsPointers[T any]() bool { return pointers(reflect.TypeFor[T]()) }

func pointers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return t.Len() > 0 && pointers(t.Elem())
	case reflect.Struct:
		for field := range t.Fields() {
			if pointers(field.Type) {
				return true
			}
		}
		return false
	case reflect.Bool, reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return false
	default:
		return true
	}
}
