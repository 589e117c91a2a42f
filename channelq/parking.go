package channelq

import (
	"container/heap"
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
// lock of its own.
type parking[T any] struct {
	later lots[T]    // failed, waiting for their time
	due   []entry[T] // may be run now; before anything that is still in the queue

	// behind has for every key that is running, due or waiting for its retry
	// the items that must wait for it, in order.
	behind  map[string][]entry[T]
	waiting int // items in behind
}

// size is how many items are parked.
func (p *parking[T]) size() int { return len(p.later) + len(p.due) + p.waiting }

// parkUntil puts e away until its due time and reports whether it is now the
// first to come due.
func (p *parking[T]) parkUntil(e entry[T]) bool {
	heap.Push(&p.later, e)
	return p.later[0].due.Equal(e.due)
}

// release makes due what has come due and returns how many items that were.
func (p *parking[T]) release(now time.Time) int {
	n := 0
	for len(p.later) > 0 && !p.later[0].due.After(now) {
		p.due = append(p.due, heap.Pop(&p.later).(entry[T]))
		n++
	}
	return n
}

func (p *parking[T]) popDue() (entry[T], bool) {
	if len(p.due) == 0 {
		return entry[T]{}, false
	}
	e := p.due[0]
	p.due[0] = entry[T]{} // so that the item can be collected
	p.due = p.due[1:]
	return e, true
}

// admit claims e's key for it, or puts it behind the items that have it.
func (p *parking[T]) admit(e entry[T]) bool {
	if p.behind == nil {
		p.behind = make(map[string][]entry[T])
	}
	if line, busy := p.behind[e.key]; busy {
		p.behind[e.key] = append(line, e)
		p.waiting++
		return false
	}
	p.behind[e.key] = nil
	return true
}

// leave gives the key up and makes the next item that waits for it due. It
// reports whether there was one.
func (p *parking[T]) leave(key string) bool {
	line := p.behind[key]
	if len(line) == 0 {
		delete(p.behind, key)
		return false
	}
	p.due = append(p.due, line[0])
	line[0] = entry[T]{}
	p.behind[key] = line[1:]
	p.waiting--
	return true
}

// empty takes everything out, what is due first.
func (p *parking[T]) empty() []T {
	var items []T
	for _, e := range p.due {
		items = append(items, e.item)
	}
	for len(p.later) > 0 {
		items = append(items, heap.Pop(&p.later).(entry[T]).item)
	}
	for _, line := range p.behind {
		for _, e := range line {
			items = append(items, e.item)
		}
	}
	*p = parking[T]{}
	return items
}

// lots is a heap by due time.
type lots[T any] []entry[T]

func (l lots[T]) Len() int           { return len(l) }
func (l lots[T]) Less(i, j int) bool { return l[i].due.Before(l[j].due) }
func (l lots[T]) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l *lots[T]) Push(x any)        { *l = append(*l, x.(entry[T])) }
func (l *lots[T]) Pop() any {
	last := len(*l) - 1
	e := (*l)[last]
	(*l)[last] = entry[T]{}
	*l = (*l)[:last]
	return e
}
