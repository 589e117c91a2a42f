package channelq

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/steadgo/stead/channelq/internal/engine"
)

// Failure is an item that failed for good.
type Failure struct {
	ID       int64 // for Requeue and Discard; never used twice by the same Workers
	Item     any   // of the queue's element type
	Err      error // of the last attempt
	Attempts int
	At       time.Time
}

// failures are the last max items given up.
type failures[T any] struct {
	max int

	mu   sync.Mutex
	last int64
	list []failure[T] // ordered by id
}

type failure[T any] struct {
	item T
	err  *GiveUpError
	at   time.Time
}

// reserve gives the next failure its ID, so that the log and OnGiveUp, which come
// before it is listed, can name it; 0: none are kept.
func (f *failures[T]) reserve() int64 {
	if f.max == 0 {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	return f.last
}

// add lists a failure: at its place, as another one may have overtaken it since
// it was given its ID. One whose user code ended the goroutine has none yet.
func (f *failures[T]) add(item T, err *GiveUpError) {
	if f.max == 0 {
		return
	}
	if err.ID == 0 {
		err.ID = f.reserve()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = slices.Insert(f.list, f.find(err.ID), failure[T]{item, err, time.Now()})
	if len(f.list) > f.max {
		f.list[0] = failure[T]{} // so that the item can be collected
		f.list = f.list[1:]      // to delete it would move all others
	}
}

// take removes one; false if it is not there.
func (f *failures[T]) take(id int64) (failure[T], bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.find(id)
	if i == len(f.list) || f.list[i].err.ID != id {
		return failure[T]{}, false
	}
	found := f.list[i]
	f.list = slices.Delete(f.list, i, i+1)
	return found, true
}

// putBack undoes take, if there is still room.
func (f *failures[T]) putBack(back failure[T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) < f.max {
		f.list = slices.Insert(f.list, f.find(back.err.ID), back)
	}
}

// find is where id is, or would be: the list is sorted by it.
func (f *failures[T]) find(id int64) int {
	i, _ := slices.BinarySearchFunc(f.list, id, func(e failure[T], id int64) int {
		return cmp.Compare(e.err.ID, id)
	})
	return i
}

// Failures lists the items that failed for good and were neither requeued nor
// discarded, oldest first, at most KeepFailures of them.
func (c *consumer[T]) Failures() []Failure {
	c.failed.mu.Lock()
	defer c.failed.mu.Unlock()
	list := make([]Failure, len(c.failed.list))
	for i, f := range c.failed.list {
		list[i] = Failure{ID: f.err.ID, Item: f.item, Err: f.err.Err, Attempts: f.err.Attempts, At: f.at}
	}
	return list
}

// Requeue puts a failed item into its queue again, as a new item with all its
// attempts before it, and takes it off the list. It never waits and never drops
// another item for it: it fails with ErrFull when there is no room and with
// ErrClosed after Close, and then the item stays listed.
func (c *consumer[T]) Requeue(id int64) error {
	f, ok := c.failed.take(id)
	if !ok {
		return fmt.Errorf("stead/channelq: requeue %q: no failure %d", c.q.name, id)
	}
	if o := c.q.engine.TryPut(&f.item); o != engine.OK {
		c.failed.putBack(f)
		return c.q.refusedNow(o, 1)
	}
	return nil
}

// Discard takes a failed item off the list for good.
func (c *consumer[T]) Discard(id int64) error {
	if _, ok := c.failed.take(id); !ok {
		return fmt.Errorf("stead/channelq: discard %q: no failure %d", c.q.name, id)
	}
	return nil
}
