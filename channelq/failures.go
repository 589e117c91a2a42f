package channelq

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/steadgo/stead/channelq/internal/engine"
)

// Failure is an item that was given up.
type Failure struct {
	ID       int64 // for Requeue and Discard; never used twice by the same Workers or Batcher
	Item     any   // of the queue's element type
	Err      error // of the last attempt
	Attempts int
	At       time.Time
	key      string // its ordering key
	claimed  bool   // it had that

	Description string // by WorkerConfig.Describe; empty without

	EnqueuedAt time.Time        // zero unless Config.Stamp or Config.Coalesce is set
	Failed     []AttemptFailure // its last attempts, oldest first, at most 5; not to be changed
}

// failures are the last max items given up.
type failures struct {
	max int

	mu   sync.Mutex
	last int64
	list []Failure // ordered by ID
}

// nextID returns the ID of the next failure, so that the log and OnGiveUp, which
// come before it is listed, can name it. It returns 0 if none are kept.
func (f *failures) nextID() int64 {
	if f.max == 0 {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	return f.last
}

// add lists a failure at the place of its ID, as another failure may have overtaken
// it since it got that.
func (f *failures) add(failed Failure) {
	if f.max == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = slices.Insert(f.list, f.find(failed.ID), failed)
	if len(f.list) > f.max {
		f.list[0] = Failure{} // so that the item can be collected
		f.list = f.list[1:]   // to delete it would move all others
	}
}

// take removes a failure. It returns false if the failure is not listed.
func (f *failures) take(id int64) (Failure, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.find(id)
	if i == len(f.list) || f.list[i].ID != id {
		return Failure{}, false
	}
	found := f.list[i]
	f.list = slices.Delete(f.list, i, i+1)
	return found, true
}

// putBack undoes take, if there is still room.
func (f *failures) putBack(back Failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) < f.max {
		f.list = slices.Insert(f.list, f.find(back.ID), back)
	}
}

// find returns the position of id, or the position where it belongs.
func (f *failures) find(id int64) int {
	i, _ := slices.BinarySearchFunc(f.list, id, func(e Failure, id int64) int { return cmp.Compare(e.ID, id) })
	return i
}

// Failures returns the items that were given up and were neither requeued nor
// discarded, oldest first, at most KeepFailures of them.
func (c *consumer) Failures() []Failure {
	c.failed.mu.Lock()
	defer c.failed.mu.Unlock()
	return append([]Failure{}, c.failed.list...)
}

// Requeue puts a failed item into its queue again and takes it off the list. The
// item is a new one, with all its attempts before it. Requeue never waits and never
// drops another item. It returns ErrFull if there is no room and ErrClosed after
// Close. The item then stays listed.
func (c *consumer) Requeue(id int64) error {
	f, ok := c.failed.take(id)
	if !ok {
		return fmt.Errorf("stead/channelq: requeue %q: no failure %d", c.q.name, id)
	}
	if o := c.requeue(f); o != engine.OK {
		c.failed.putBack(f)
		return c.q.refusedNow(o, 1)
	}
	return nil
}

// requeue makes a failed item due, if there is room in the queue. It does not go
// through the queue, which does not know that the item was settled before.
func (c *consumer) requeue(f Failure) engine.Outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	room := c.q.Cap() - c.q.Len()
	if c.q.Cap() == 0 { // then a worker has to wait for an item
		room = int(c.idle.Load())
	}
	switch {
	case c.ending || c.q.closing.Load() != nil:
		return engine.Closed
	case room <= c.parked.due.n:
		return engine.Full
	}
	p := &parkedItem{item: f.Item, itemState: itemState{requeued: f.ID, key: f.key}}
	if c.q.stamped {
		p.enqueuedAt = time.Now()
	}
	switch {
	case !c.keyed:
		c.parked.due.pushBack(p)
	case !f.claimed: // its key is not known
		return c.items.putBack(f.Item)
	case c.parked.claimKey(f.key, c.keyLimit):
		p.claimed = true
		c.parked.due.pushBack(p)
	default:
		c.parked.waitForKey(p)
		c.q.setHeld(c.parked.nWaiting)
	}
	c.q.counters.requeued.Add(1)
	c.parkedLocked(1)
	c.wakeOneLocked()
	return engine.OK
}

// Discard takes a failed item off the list.
func (c *consumer) Discard(id int64) error {
	f, ok := c.failed.take(id)
	if !ok {
		return fmt.Errorf("stead/channelq: discard %q: no failure %d", c.q.name, id)
	}
	if c.q.settles.Load() {
		c.items.settled(f.Item, Discarded, &GiveUpError{Queue: c.q.name, ID: f.ID, Attempts: f.Attempts, Err: f.Err})
	}
	return nil
}

// Retrying is an item that failed and waits for its next attempt.
type Retrying struct {
	ID       int64 // for RetryNow and GiveUp; another number than that of a Failure
	Item     any   // of the queue's element type
	Err      error // of the last attempt
	Attempts int   // so far
	Due      time.Time

	Description string // by WorkerConfig.Describe; empty without

	EnqueuedAt time.Time        // zero unless Config.Stamp or Config.Coalesce is set
	Failed     []AttemptFailure // its last attempts, oldest first, at most 5; not to be changed
}

// maxRetrying bounds what Retrying lists: it is for people, and a queue may have
// parked as many items as it holds.
const maxRetrying = 100

// Retrying returns the items that wait for their next attempt, the soonest first,
// at most 100 of them. An item whose time has come is not listed.
func (c *consumer) Retrying() []Retrying {
	c.mu.Lock()
	defer c.mu.Unlock()
	// The soonest of a heap without a copy of all of it: after an item only its
	// children can be next.
	heaped := c.parked.retrying
	list := make([]Retrying, 0, min(len(heaped), maxRetrying))
	next := frontier{heap: heaped}
	next.push(0)
	for len(next.at) > 0 && len(list) < maxRetrying {
		i := heap.Pop(&next).(int)
		e := heaped[i]
		r := Retrying{
			Item: e.item, Err: e.err, Attempts: e.attempts, Due: e.due, Description: e.description,
			EnqueuedAt: e.enqueuedAt, Failed: e.failedAttempts(),
		}
		if e.history != nil {
			r.ID = e.history.id
		}
		list = append(list, r)
		next.push(2*i + 1)
		next.push(2*i + 2)
	}
	return list
}

// frontier is a heap of positions in a heap.
type frontier struct {
	heap dueHeap
	at   []int
}

func (f *frontier) push(i int) {
	if i < len(f.heap) {
		heap.Push(f, i)
	}
}

func (f *frontier) Len() int           { return len(f.at) }
func (f *frontier) Less(i, j int) bool { return f.heap.Less(f.at[i], f.at[j]) }
func (f *frontier) Swap(i, j int)      { f.at[i], f.at[j] = f.at[j], f.at[i] }
func (f *frontier) Push(x any)         { f.at = append(f.at, x.(int)) }
func (f *frontier) Pop() any {
	last := len(f.at) - 1
	i := f.at[last]
	f.at = f.at[:last]
	return i
}
