package channelq

import (
	"container/heap"
	"time"
)

// itemState is what happened to an item since it was taken from the queue. The
// zero value is that of an item just taken.
type itemState struct {
	attempts int       // that were started
	due      time.Time // when the next attempt may start, if there was one before
	err      error     // of the last attempt, while the item waits for the next
	key      string    // its ordering key, if there are keys
	claimed  bool      // it has that key, and must release it
	refused  error     // why the handler cannot be called for it

	description string    // of the item, once it failed and if there is a Describe
	enqueuedAt  time.Time // zero if the queue does not stamp
	requeued    int64     // the failure it was, if Requeue put it back
	history     *history  // nil until it failed
}

// parkedItem is an item that was taken from the queue and that no worker holds.
type parkedItem struct {
	itemState
	item any // boxed: only parked items are, and they are allocated anyway
	next *parkedItem
}

// parking holds the parked items. Its owner's mutex guards it. Each operation
// takes constant time, or time that grows with the logarithm of the number of
// items: a stop needs the mutex at a certain time.
type parking struct {
	retrying dueHeap // failed, waiting for their time
	due      list    // ready to run, before anything that is still in the queue

	// waiting has, for every key that is running, due or retrying, the items
	// that wait for it, in order.
	waiting  map[string]keyLine
	nWaiting int // items in waiting
}

// size returns how many items are parked.
func (p *parking) size() int { return len(p.retrying) + p.due.n + p.nWaiting }

// retryLater parks an item until its due time. It reports whether no other
// retrying item is due earlier.
func (p *parking) retryLater(i *parkedItem) bool {
	heap.Push(&p.retrying, i)
	return p.retrying[0].due.Equal(i.due)
}

// release moves at most so many retrying items whose time has come to due, and
// returns how many.
func (p *parking) release(now time.Time, most int) int {
	n := 0
	for ; n < most && len(p.retrying) > 0 && !p.retrying[0].due.After(now); n++ {
		p.due.pushBack(heap.Pop(&p.retrying).(*parkedItem))
	}
	return n
}

// maxOldest bounds how many items oldestDue looks at.
const maxOldest = 64

// oldestDue returns the earliest due time of the first items that are due, zero
// if none of them waited for one.
func (p *parking) oldestDue() (oldest time.Time) {
	i := p.due.first
	for range min(p.due.n, maxOldest) {
		if !i.due.IsZero() && (oldest.IsZero() || i.due.Before(oldest)) {
			oldest = i.due
		}
		i = i.next
	}
	return oldest
}

// keyLine is the line of one key.
type keyLine struct {
	list
	claims int // items that have the key: they run, are due, or retry
}

// claimKey takes the key for an item, which at most so many items may have at a time.
// If that many have it, claimKey returns false, and the item has to waitForKey.
func (p *parking) claimKey(key string, most int) bool {
	if p.waiting == nil {
		p.waiting = make(map[string]keyLine)
	}
	line := p.waiting[key]
	if line.claims >= most {
		return false
	}
	line.claims++
	p.waiting[key] = line
	return true
}

// waitForKey puts an item behind the others that wait for its key, which is taken.
func (p *parking) waitForKey(i *parkedItem) {
	line := p.waiting[i.key]
	line.pushBack(i)
	p.waiting[i.key] = line
	p.nWaiting++
}

// releaseKey gives a key up and makes the next item that waits for it due.
func (p *parking) releaseKey(key string) {
	line := p.waiting[key]
	if i := line.pop(); i != nil {
		i.claimed = true
		p.due.pushBack(i) // behind those of other keys: they take turns
		p.nWaiting--
	} else if line.claims--; line.claims == 0 {
		delete(p.waiting, key)
		return
	}
	p.waiting[key] = line
}

// each calls f for every item, first for the ones that are due.
func (p *parking) each(f func(*parkedItem)) {
	p.due.each(f)
	for _, i := range p.retrying {
		f(i)
	}
	for _, line := range p.waiting {
		line.each(f)
	}
}

// list is a linked list of parked items.
type list struct {
	first, last *parkedItem
	n           int
}

func (l *list) pushBack(i *parkedItem) {
	i.next = nil
	if l.last == nil {
		l.first = i
	} else {
		l.last.next = i
	}
	l.last = i
	l.n++
}

func (l *list) pushFront(i *parkedItem) {
	i.next = l.first
	if l.first == nil {
		l.last = i
	}
	l.first = i
	l.n++
}

// pop takes the first item out. It returns nil if the list is empty.
func (l *list) pop() *parkedItem {
	i := l.first
	if i == nil {
		return nil
	}
	if l.first = i.next; l.first == nil {
		l.last = nil
	}
	i.next = nil // an item that is kept would keep those behind it
	l.n--
	return i
}

func (l *list) each(f func(*parkedItem)) {
	for i := l.first; i != nil; i = i.next {
		f(i)
	}
}

// dueHeap is a heap by due time.
type dueHeap []*parkedItem

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(*parkedItem)) }
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	i := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return i
}
