package channelq

import (
	"container/heap"
	"slices"
	"time"
)

// entry is an item that was taken from the queue, and its past.
type entry[T any] struct {
	item T
	past
}

// past is what happened to an item after it was taken from the queue. Fresh
// items have none.
type past struct {
	attempts int       // that were started
	due      time.Time // when the next attempt may start, if there was one before
	err      error     // of the last attempt, while it waits for the next
	key      string    // its ordering key, if there are keys
	refused  error     // why it cannot be handled at all: its key is unknown
}

// parking holds the items that were taken and are in nobody's hands. It has no
// lock of its own. Each operation takes time that does not grow with the number
// of items, or with its logarithm: a stop needs the lock at a certain time.
type parking[T any] struct {
	later lots[T] // failed, waiting for their time
	due   row[T]  // may be run now; before anything that is still in the queue

	// behind has for every key that is running, due or waiting for its retry
	// the items that must wait for it, in order.
	behind  map[string]row[T]
	waiting int // items in behind
}

// size is how many items are parked.
func (p *parking[T]) size() int { return len(p.later) + p.due.n + p.waiting }

// parkUntil puts e away until its due time and reports whether it is now the
// first to come due.
func (p *parking[T]) parkUntil(e entry[T]) bool {
	heap.Push(&p.later, &spot[T]{entry: e})
	return p.later[0].due.Equal(e.due)
}

// release makes due what has come due, at most so many items, and returns how
// many that were.
func (p *parking[T]) release(now time.Time, most int) int {
	n := 0
	for ; n < most && len(p.later) > 0 && !p.later[0].due.After(now); n++ {
		p.due.pushBack(heap.Pop(&p.later).(*spot[T]))
	}
	return n
}

// dueFirst makes items due before all that are: they were taken before them.
func (p *parking[T]) dueFirst(entries ...entry[T]) {
	for _, e := range slices.Backward(entries) {
		p.due.pushFront(&spot[T]{entry: e})
	}
}

func (p *parking[T]) popDue() (entry[T], bool) {
	s := p.due.pop()
	if s == nil {
		return entry[T]{}, false
	}
	return s.entry, true
}

// maxLook bounds how many items oldestDue looks at.
const maxLook = 64

// oldestDue is the earliest due time of the first items that are due, zero if none
// of them waited for one.
func (p *parking[T]) oldestDue() (oldest time.Time) {
	s := p.due.first
	for range min(p.due.n, maxLook) {
		if !s.due.IsZero() && (oldest.IsZero() || s.due.Before(oldest)) {
			oldest = s.due
		}
		s = s.next
	}
	return oldest
}

// admit claims e's key for it, or puts it behind the items that have it.
func (p *parking[T]) admit(e entry[T]) bool {
	if p.behind == nil {
		p.behind = make(map[string]row[T])
	}
	line, busy := p.behind[e.key]
	if busy {
		line.pushBack(&spot[T]{entry: e})
		p.waiting++
	}
	p.behind[e.key] = line
	return !busy
}

// leave gives the key up and makes the next item that waits for it due. It
// reports whether there was one.
func (p *parking[T]) leave(key string) bool {
	line := p.behind[key]
	s := line.pop()
	if s == nil {
		delete(p.behind, key)
		return false
	}
	p.behind[key] = line
	p.due.pushBack(s)
	p.waiting--
	return true
}

// appendTo appends all items to items, what is due first.
func (p *parking[T]) appendTo(items []T) []T {
	items = p.due.appendTo(items)
	for _, s := range p.later {
		items = append(items, s.item)
	}
	for _, line := range p.behind {
		items = line.appendTo(items)
	}
	return items
}

// spot is the place of one parked item. It goes from list to list as it is.
type spot[T any] struct {
	entry[T]
	next *spot[T]
}

// row is a list of spots.
type row[T any] struct {
	first, last *spot[T]
	n           int
}

func (r *row[T]) pushBack(s *spot[T]) {
	s.next = nil
	if r.last == nil {
		r.first = s
	} else {
		r.last.next = s
	}
	r.last = s
	r.n++
}

func (r *row[T]) pushFront(s *spot[T]) {
	s.next = r.first
	if r.first == nil {
		r.last = s
	}
	r.first = s
	r.n++
}

// pop takes the first one out; nil if there is none.
func (r *row[T]) pop() *spot[T] {
	s := r.first
	if s == nil {
		return nil
	}
	if r.first = s.next; r.first == nil {
		r.last = nil
	}
	s.next = nil // or one that is kept would keep what was behind it
	r.n--
	return s
}

func (r *row[T]) appendTo(items []T) []T {
	for s := r.first; s != nil; s = s.next {
		items = append(items, s.item)
	}
	return items
}

// lots is a heap by due time.
type lots[T any] []*spot[T]

func (l lots[T]) Len() int           { return len(l) }
func (l lots[T]) Less(i, j int) bool { return l[i].due.Before(l[j].due) }
func (l lots[T]) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l *lots[T]) Push(x any)        { *l = append(*l, x.(*spot[T])) }
func (l *lots[T]) Pop() any {
	last := len(*l) - 1
	s := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	return s
}
