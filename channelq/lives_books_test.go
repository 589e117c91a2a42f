package channelq_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
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

// luck is what happens to an item at a try: by chance, and the same in each run of a
// seed.
func (l *life) luck(item, try int) *rand.Rand {
	return rand.New(rand.NewPCG(l.seed, uint64(item)<<8|uint64(try)))
}

// try counts the tries of an item.
func (l *life) try(item int) *rand.Rand {
	l.book.mu.Lock()
	defer l.book.mu.Unlock()
	l.tries[item]++
	return l.luck(item, l.tries[item])
}

// spend is what all handlers do with their time.
func (l *life) spend(ctx context.Context, luck *rand.Rand) {
	switch n := luck.IntN(100); {
	case n < 60:
	case n < 80:
		time.Sleep(time.Duration(luck.IntN(50)) * time.Millisecond)
	case n < 90:
		time.Sleep(time.Duration(luck.IntN(3000)) * time.Millisecond)
	case n < 98 || !l.stubborn:
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
	default:
		<-l.release
	}
}

// end is how a handler ends that does not succeed.
func (l *life) fail(luck *rand.Rand) error {
	switch luck.IntN(6) {
	case 0:
		panic("boom")
	case 1:
		runtime.Goexit()
	case 2:
		return channelq.Permanent(errors.New("for good"))
	case 3:
		return channelq.RetryAfter(errors.New("later"), time.Duration(luck.IntN(2000))*time.Millisecond)
	}
	return errors.New("boom")
}

func (l *life) handle(ctx context.Context, item int) error {
	luck := l.try(item)
	if key := l.key(item); l.keyed {
		if n := l.running[key].Add(1); int(n) > max(l.keyLimit, 1) {
			l.t.Errorf("%d handlers of key %d run", n, key)
		}
		defer l.running[key].Add(-1)
	}
	if l.limit != nil {
		if n := l.limited.Add(1); n > l.most {
			l.t.Errorf("%d handlers run, the limit is %d", n, l.most)
		}
		defer l.limited.Add(-1)
	}
	if info, ok := channelq.Attempt(ctx); !ok || info.Queue != "queue" || info.Attempt < 1 ||
		info.EnqueuedAt.IsZero() == l.stamped || info.EnqueuedAt.After(time.Now()) {
		l.t.Errorf("Attempt = %+v, %v", info, ok)
	}
	l.begin()
	l.spend(ctx, luck)
	if luck.IntN(20) == 0 {
		l.enqueue(ctx, luck, 1000+item) // into its own queue
	}
	if luck.IntN(3) == 0 {
		return l.fail(luck)
	}
	l.book.end(handled, item)
	return nil
}

func (l *life) handleBatch(ctx context.Context, items []int) error {
	luck := l.try(items[0])
	if len(items) == 0 || len(items) > l.maxItems {
		l.t.Errorf("a batch of %d", len(items))
	}
	l.begin()
	l.spend(ctx, luck)
	switch luck.IntN(4) {
	case 0:
		return l.fail(luck)
	case 1:
		partial := &channelq.BatchError{Failed: map[int]error{}}
		for i, item := range items {
			if luck.IntN(2) == 0 {
				partial.Failed[i] = channelq.Permanent(errors.New("for good"))
			} else {
				l.book.end(handled, item)
			}
		}
		return partial
	case 2:
		return &channelq.BatchError{Failed: map[int]error{-1: errors.New("nobody")}}
	}
	l.book.end(handled, items...)
	return nil
}

// begin is called when a handler begins.
func (l *life) begin() {
	if l.paused.Load() || l.over.Load() {
		l.t.Error("a handler starts after Pause or Stop")
	}
}

// onLeftover is called for a crew; all that is left over is in the book.
func (l *life) onLeftover(ctx context.Context, items []int) error {
	if ctx.Err() != nil {
		l.t.Error("OnLeftover gets a dead context")
	}
	l.book.end(leftover, items...)
	luck := l.luck(0, len(items))
	switch luck.IntN(6) {
	case 0:
		return errors.New("disk full")
	case 1:
		panic("boom")
	case 2:
		runtime.Goexit()
	case 3:
		<-ctx.Done()
	case 4:
		if l.stubborn {
			<-l.release
		}
	}
	return nil
}

func (l *life) skip(item int) bool {
	luck := l.luck(item, 205)
	if luck.IntN(20) == 0 {
		panic("boom")
	}
	return luck.IntN(6) == 0
}

func (l *life) onSettled(item int, o channelq.Outcome, err error) {
	l.book.settle(item, o, err)
	switch n := l.luck(item, 206).IntN(20); {
	case n == 0:
		panic("boom")
	case n == 1 && o != channelq.Dropped && o != channelq.Coalesced && o != channelq.Discarded:
		runtime.Goexit() // the others are on the goroutine of a producer
	}
}

func (l *life) onGiveUp(_ context.Context, item int, _ error) {
	l.book.end(gaveUp, item)
	switch l.luck(item, 200).IntN(10) {
	case 0:
		panic("boom")
	case 1:
		runtime.Goexit()
	}
}
