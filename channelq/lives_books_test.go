package channelq_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
)

// fate is where an accepted item of a life ended.
type fate int

const (
	handled fate = iota
	gaveUp
	dropped
	byHand
	leftover
	skipped
	coalesced
	fates
)

// lifeBook is kept beside the books of the queue, by those who see the items.
type lifeBook struct {
	mu       sync.Mutex
	accepted map[int]int // by item: once, and again for each Requeue
	ended    map[int]int
	worked   map[int]time.Time // when the item was last handled or given up
	left     map[int]time.Time // when OnLeftover got it
	count    [fates]int
	refused  int
	settled  [channelq.Discarded + 1]int
	told     map[int]int // by item, but for Discarded
	requeued int         // told so by a RequeuedError
}

// settle is OnSettled.
func (b *lifeBook) settle(item int, o channelq.Outcome, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settled[o]++
	if o == channelq.Discarded {
		return
	}
	b.told[item]++
	if o == channelq.Skipped {
		b.count[skipped]++
		b.ended[item]++
	}
	if o == channelq.Coalesced {
		b.count[coalesced]++
		b.ended[item]++
	}
	var requeued *channelq.RequeuedError
	if errors.As(err, &requeued) {
		b.requeued++
	}
}

// checkSettled compares with the books what OnSettled was told.
func (b *lifeBook) checkSettled(t *testing.T, s channelq.Stats) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for o, want := range map[channelq.Outcome]uint64{
		channelq.Handled: s.Handled, channelq.GaveUp: s.GaveUp, channelq.Skipped: s.Skipped,
		channelq.Dropped: s.Dropped.Total(), channelq.Coalesced: s.Coalesced, channelq.Leftover: s.Leftover,
	} {
		if uint64(b.settled[o]) != want {
			t.Errorf("settled as %v: %d, and in the books %d", o, b.settled[o], want)
		}
	}
	told := 0
	for item, n := range b.told {
		told += n
		if n > b.accepted[item] {
			t.Errorf("item %d was accepted %d times and settled %d times", item, b.accepted[item], n)
		}
	}
	if uint64(told) != s.Accepted-s.TakenByHand {
		t.Errorf("%d settled, %d accepted, %d of them taken by hand", told, s.Accepted, s.TakenByHand)
	}
}

func (b *lifeBook) accept(items ...int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, i := range items {
		b.accepted[i]++
	}
}

func (b *lifeBook) refuse(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused += n
}

func (b *lifeBook) end(f fate, items ...int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count[f] += len(items)
	for _, i := range items {
		b.ended[i]++
		switch f {
		case handled, gaveUp:
			b.worked[i] = time.Now()
		case leftover:
			b.left[i] = time.Now()
		default:
		}
	}
}

// check compares the books of a queue that nobody works for any more: each accepted
// item ended once. One whose handler did not return before a stop gave up on it is left
// over, and may have been handled too.
func (b *lifeBook) check(t *testing.T, s channelq.Stats) {
	b.mu.Lock()
	defer b.mu.Unlock()
	both := 0
	accepted := 0
	for i, n := range b.accepted {
		accepted += n
		switch more := b.ended[i] - n; {
		case more < 0:
			t.Errorf("item %d was accepted %d times and ended %d times", i, n, b.ended[i])
		case more > 0:
			both += more
			if left, is := b.left[i]; !is || b.worked[i].Before(left) {
				t.Errorf("item %d was accepted %d times and ended %d times", i, n, b.ended[i])
			}
		}
	}
	for i := range b.ended {
		if b.accepted[i] == 0 {
			t.Errorf("item %d ended and was never accepted", i)
		}
	}
	if uint64(b.count[handled]+b.count[gaveUp]-both) != s.Handled+s.GaveUp || both == 0 && uint64(b.count[handled]) != s.Handled {
		t.Errorf("handled %v, %d of them left over too", b.count, both)
	}
	for name, c := range map[string][2]uint64{
		"accepted": {uint64(accepted), s.Accepted}, "left over": {uint64(b.count[leftover]), s.Leftover},
		"dropped": {uint64(b.count[dropped]), s.Dropped.Total()}, "by hand": {uint64(b.count[byHand]), s.TakenByHand},
		"refused": {uint64(b.refused), s.Refused.Total()},
		"skipped": {uint64(b.count[skipped]), s.Skipped}, "coalesced": {uint64(b.count[coalesced]), s.Coalesced},
		"here": {0, uint64(s.Depth + s.InProgress + s.Parked + s.Workers)},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %d, and in the books %d", name, c[0], c[1])
		}
	}
	checkBooks(t, s)
	if t.Failed() {
		t.Logf("%+v", s)
	}
}
