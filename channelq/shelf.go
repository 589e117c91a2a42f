package channelq

import (
	"context"
	"sync"
	"time"

	"github.com/steadgo/stead/channelq/internal/engine"
)

// shelf keeps the items of a queue with Coalesce or Stamp, which need more than a
// place in a ring: the engine then holds a token for each of them, and with it keeps
// the capacity, the order and the waits. Who has taken a token takes the oldest item.
type shelf[T any] struct {
	mu      sync.Mutex
	pushed  sync.Cond // a token may be taken a moment before its item is here
	first   *shelved[T]
	last    *shelved[T]
	waiting map[string]*shelved[T] // by key; also the ones that wait for room
}

// shelved is one item.
type shelved[T any] struct {
	shelf      *shelf[T]
	item       T
	key        string
	at         time.Time
	merges     int           // changes with every Merge
	here       chan struct{} // until then it waits for room; nil means it did not
	prev, next *shelved[T]
}

func newShelf[T any]() *shelf[T] {
	s := &shelf[T]{waiting: make(map[string]*shelved[T])}
	s.pushed.L = &s.mu
	return s
}

func (s *shelf[T]) pushLocked(i *shelved[T]) {
	i.at = time.Now()
	if i.prev = s.last; i.prev == nil {
		s.first = i
	} else {
		i.prev.next = i
	}
	s.last = i
	s.pushed.Signal()
}

func (s *shelf[T]) removeLocked(i *shelved[T]) {
	if i.prev == nil {
		s.first = i.next
	} else {
		i.prev.next = i.next
	}
	if i.next == nil {
		s.last = i.prev
	} else {
		i.next.prev = i.prev
	}
	i.prev, i.next = nil, nil
}

// waits reports whether an item of this key waits. Without keys there is none.
func (s *shelf[T]) waits(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting[key] != nil
}

// pop takes the oldest item, for a token that was taken. It can still be coalesced
// with until it is claimed.
func (s *shelf[T]) pop() *shelved[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.first == nil {
		s.pushed.Wait()
	}
	i := s.first
	s.removeLocked(i)
	return i
}

// claim returns the item, which waits no more.
func (i *shelved[T]) claim() T {
	i.shelf.mu.Lock()
	defer i.shelf.mu.Unlock()
	return i.claimLocked()
}

func (i *shelved[T]) claimLocked() T {
	if i.shelf.waiting[i.key] == i {
		delete(i.shelf.waiting, i.key)
	}
	return i.item
}

// peek returns the item as it is now.
func (i *shelved[T]) peek() T {
	i.shelf.mu.Lock()
	defer i.shelf.mu.Unlock()
	return i.item
}

// taken puts what was taken in the place of n tokens.
func (q *Queue[T]) taken(tokens []T) {
	if q.shelf != nil {
		for i := range tokens {
			tokens[i] = q.shelf.pop().claim()
		}
	}
}

// enqueueShelved is Enqueue for a queue with a shelf. Without wait it is TryEnqueue.
func (q *Queue[T]) enqueueShelved(ctx context.Context, item T, wait bool) error {
	i := &shelved[T]{shelf: q.shelf, item: item}
	if q.coalesce != nil {
		i.key = q.coalesce(item)
	}
	stop, halt := stopOf(ctx)
	if q.gate.crowded.Load() && !q.shelf.waits(i.key) {
		if err := q.enterFor(ctx, wait); err != nil {
			return err
		}
	}
	for {
		other, o, lost := q.shelve(i, wait && q.mode == Wait && !q.inside(ctx))
		switch {
		case lost != nil:
			q.dropped(lost.item, q.mode.dropReason())
			return nil
		case other == nil && o == engine.Full && q.mode != Wait && q.mode != Reject:
			q.dropped(item, DroppedWrite)
			return q.explain(q.errs.dropped)
		case other == nil && i.here != nil: // it waits for room, and others of its key for it
			return q.refusedLater(ctx, stop, q.putWhenRoom(ctx, halt, i), 1)
		case other == nil:
			return q.refused(ctx, o, 1)
		case other.here == nil || closed(other.here):
			if q.mergeInto(other, item) {
				q.counters.coalesced.Add(1)
				q.settle(item, Coalesced, nil)
				return nil
			}
		case !wait || q.mode != Wait || q.inside(ctx):
			return q.refused(ctx, engine.Full, 1)
		default:
			select {
			case <-other.here:
			case <-ctx.Done():
				return q.refused(ctx, engine.Canceled, 1)
			case <-halt:
				return q.refusedLater(ctx, stop, engine.Canceled, 1)
			}
		}
	}
}

// shelve puts an item on the shelf if there is room, and with mayWait reserves its key
// if there is none. It returns the item of the same key if there is one, and the item
// that was dropped for it.
func (q *Queue[T]) shelve(i *shelved[T], mayWait bool) (other *shelved[T], o engine.Outcome, lost *shelved[T]) {
	s := q.shelf
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.closing.Load() != nil {
		return nil, engine.Closed, nil
	}
	if q.coalesce != nil {
		if other = s.waiting[i.key]; other != nil {
			return other, 0, nil
		}
	}
	var token, evicted T
	evict := false
	switch {
	case q.mode == DropOldest && q.engine.Cap() > 0:
		evict, o = q.engine.PutEvict(&token, &evicted, engine.Oldest)
		lost = s.first
	case q.mode == DropNewest && q.engine.Cap() > 0:
		evict, o = q.engine.PutEvict(&token, &evicted, engine.Newest)
		lost = s.last
	default:
		o = q.engine.TryPut(&token)
	}
	if !evict {
		lost = nil
	} else {
		s.removeLocked(lost)
		lost.claimLocked()
	}
	if o == engine.Full && mayWait {
		i.here = make(chan struct{})
	}
	if q.coalesce != nil && (o == engine.OK || i.here != nil) {
		s.waiting[i.key] = i
	}
	if o == engine.OK {
		s.pushLocked(i)
	}
	return nil, o, lost
}

// putWhenRoom waits for room for an item whose key is reserved.
func (q *Queue[T]) putWhenRoom(ctx context.Context, halt <-chan struct{}, i *shelved[T]) engine.Outcome {
	o := engine.Canceled
	if !closed(halt) {
		var token T
		o = q.engine.Put(ctx, halt, &token)
	}
	i.shelf.mu.Lock()
	defer i.shelf.mu.Unlock()
	if o == engine.OK {
		i.shelf.pushLocked(i)
	} else {
		i.claimLocked()
	}
	close(i.here)
	return o
}

// mergeInto lets an item that waits stand for another one. It returns false if that
// does not wait any more, or was changed meanwhile: Merge is called without a lock.
func (q *Queue[T]) mergeInto(other *shelved[T], item T) bool {
	if q.merge == nil {
		return other.replace(-1, item)
	}
	other.shelf.mu.Lock()
	waiting, merges := other.item, other.merges
	other.shelf.mu.Unlock()
	return other.replace(merges, q.merge(waiting, item))
}

// replace replaces the item if it waits and was not merged since; -1: nothing is
// replaced.
func (i *shelved[T]) replace(merges int, by T) bool {
	i.shelf.mu.Lock()
	defer i.shelf.mu.Unlock()
	if i.shelf.waiting[i.key] != i {
		return false
	}
	if merges < 0 {
		return true
	}
	if i.merges != merges {
		return false
	}
	i.item = by
	i.merges++
	return true
}
