package channelq

import (
	"container/heap"
	"time"
)

// Retrying is an item that failed and waits for its next attempt.
type Retrying struct {
	Item     any   // of the queue's element type
	Err      error // of the last attempt
	Attempts int   // so far
	Due      time.Time
}

// maxRetrying bounds what Retrying lists: it is for people, and a queue may have
// parked as many items as it holds.
const maxRetrying = 100

// Retrying lists the items that wait for their next attempt, the soonest first,
// at most 100 of them. An item whose time has come is not listed any more.
func (c *consumer[T]) Retrying() []Retrying {
	c.mu.Lock()
	defer c.mu.Unlock()
	// The soonest of a heap without a copy of all of it: after an item only its
	// children can be next.
	later := c.parked.later
	list := make([]Retrying, 0, min(len(later), maxRetrying))
	next := frontier[T]{lots: later}
	next.push(0)
	for len(next.at) > 0 && len(list) < maxRetrying {
		i := heap.Pop(&next).(int)
		e := later[i]
		list = append(list, Retrying{Item: e.item, Err: e.err, Attempts: e.attempts, Due: e.due})
		next.push(2*i + 1)
		next.push(2*i + 2)
	}
	return list
}

// frontier is a heap of positions in a heap.
type frontier[T any] struct {
	lots lots[T]
	at   []int
}

func (f *frontier[T]) push(i int) {
	if i < len(f.lots) {
		heap.Push(f, i)
	}
}

func (f *frontier[T]) Len() int           { return len(f.at) }
func (f *frontier[T]) Less(i, j int) bool { return f.lots.Less(f.at[i], f.at[j]) }
func (f *frontier[T]) Swap(i, j int)      { f.at[i], f.at[j] = f.at[j], f.at[i] }
func (f *frontier[T]) Push(x any)         { f.at = append(f.at, x.(int)) }
func (f *frontier[T]) Pop() any {
	last := len(f.at) - 1
	i := f.at[last]
	f.at = f.at[:last]
	return i
}
