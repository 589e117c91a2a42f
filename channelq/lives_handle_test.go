package channelq_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/steadgo/stead/channelq"
)

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
