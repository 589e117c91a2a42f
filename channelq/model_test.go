package channelq_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/steadgo/stead/channelq"
)

// The sequential model: what one call after the other does to a queue.

type modelState struct {
	items  []int
	closed bool
}

type call struct {
	op   string // enqueue, dequeue, close
	item int
}

type result struct {
	item int
	err  error // one of the package's sentinels, context.Canceled, or nil
}

// sentinel is what of an error a model knows.
func sentinel(err error) error {
	for _, known := range []error{channelq.ErrClosed, channelq.ErrFull, channelq.ErrDropped, channelq.ErrEmpty} {
		if errors.Is(err, known) {
			return known
		}
	}
	if err != nil {
		return context.Canceled
	}
	return nil
}

// step is nil if the call cannot have had the result in that state. A call whose
// context ended may have found any state and changed nothing.
func (s modelState) step(mode channelq.FullMode, capacity int, in call, out result) *modelState {
	if out.err == context.Canceled { //nolint:errorlint // sentinel made it so
		return &s
	}
	next := modelState{items: slices.Clone(s.items), closed: s.closed}
	want := result{}
	switch in.op {
	case "close":
		next.closed = true
	case "dequeue":
		switch {
		case len(s.items) > 0:
			want.item = s.items[0]
			next.items = next.items[1:]
		case s.closed:
			want.err = channelq.ErrClosed
		default:
			want.err = channelq.ErrEmpty
		}
	case "enqueue":
		full := len(s.items) == capacity
		switch {
		case s.closed:
			want.err = channelq.ErrClosed
		case !full:
			next.items = append(next.items, in.item)
		case mode == channelq.Wait || mode == channelq.Reject:
			want.err = channelq.ErrFull
		case mode == channelq.DropWrite || capacity == 0:
			want.err = channelq.ErrDropped
		case mode == channelq.DropOldest:
			next.items = append(next.items[1:], in.item)
		case mode == channelq.DropNewest:
			next.items[capacity-1] = in.item
		}
	}
	if out != want {
		return nil
	}
	return &next
}

func porcupineModel(mode channelq.FullMode, capacity int) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return modelState{} },
		Step: func(state, in, out any) (bool, any) {
			next := state.(modelState).step(mode, capacity, in.(call), out.(result))
			if next == nil {
				return false, state
			}
			return true, *next
		},
		Equal: func(a, b any) bool {
			x, y := a.(modelState), b.(modelState)
			return x.closed == y.closed && slices.Equal(x.items, y.items)
		},
	}
}

// subject is a queue, or one that has a fault.
type subject interface {
	Enqueue(ctx context.Context, item int) error
	TryEnqueue(item int) error
	Dequeue(ctx context.Context) (int, error)
	TryDequeue() (int, error)
	Close() bool
}

// history lets a few goroutines do random things to q, then closes it and drains
// it, and returns what happened.
func history(q subject, clients, calls int) []porcupine.Operation {
	var mu sync.Mutex
	var ops []porcupine.Operation
	var clock, items atomic.Int64
	do := func(client int, in call, do func() (int, error)) error {
		begin := clock.Add(1)
		item, err := do()
		end := clock.Add(1)
		if err != nil {
			item = 0
		}
		mu.Lock()
		defer mu.Unlock()
		ops = append(ops, porcupine.Operation{
			ClientId: client, Input: in, Call: begin, Output: result{item, sentinel(err)}, Return: end,
		})
		return err
	}
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			for range calls {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(100))*time.Microsecond)
				item := int(items.Add(1))
				switch rand.IntN(4) {
				case 0:
					_ = do(client, call{"enqueue", item}, func() (int, error) { return 0, q.TryEnqueue(item) })
				case 1:
					_ = do(client, call{"enqueue", item}, func() (int, error) { return 0, q.Enqueue(ctx, item) })
				case 2:
					_ = do(client, call{op: "dequeue"}, q.TryDequeue)
				case 3:
					_ = do(client, call{op: "dequeue"}, func() (int, error) { return q.Dequeue(ctx) })
				}
				cancel()
			}
		})
	}
	wg.Go(func() { // in the midst of it all, or never
		if rand.IntN(2) == 0 {
			time.Sleep(time.Duration(rand.IntN(100)) * time.Microsecond)
			_ = do(clients, call{op: "close"}, func() (int, error) { q.Close(); return 0, nil })
		}
	})
	wg.Wait()
	_ = do(clients, call{op: "close"}, func() (int, error) { q.Close(); return 0, nil })
	for do(clients, call{op: "dequeue"}, q.TryDequeue) == nil {
	}
	return ops
}

func TestRandomHistoriesAreThoseOfAQueue(t *testing.T) {
	rounds := 150
	if testing.Short() {
		rounds = 20
	}
	for _, mode := range allModes {
		t.Run(mode.String(), func(t *testing.T) {
			for round := range rounds {
				capacity := 1 + round%3
				q := newQueue(t, channelq.Config[int]{Capacity: capacity, OnFull: mode})
				ops := history(q, 4, 10)
				if !porcupine.CheckOperations(porcupineModel(mode, capacity), ops) {
					t.Fatalf("capacity %d: no order of the calls explains %v", capacity, ops)
				}
				checkBooks(t, q.Stats())
			}
		})
	}
}

// lossy is a queue that loses one item on the way out.
type lossy struct {
	*channelq.Queue[int]
	left atomic.Int32 // dequeues until the loss
}

func (l *lossy) Dequeue(ctx context.Context) (int, error) {
	item, err := l.Queue.Dequeue(ctx)
	if err == nil && l.left.Add(-1) == 0 {
		return l.Queue.Dequeue(ctx)
	}
	return item, err
}

func (l *lossy) TryDequeue() (int, error) {
	item, err := l.Queue.TryDequeue()
	if err == nil && l.left.Add(-1) == 0 {
		return l.Queue.TryDequeue()
	}
	return item, err
}

func TestTheCheckerRejectsAQueueThatLosesOneItem(t *testing.T) {
	for _, mode := range allModes {
		for lost := 0; lost < 20; {
			// So large that no item is dropped: that could explain the loss.
			const capacity = 100
			q := &lossy{Queue: newQueue(t, channelq.Config[int]{Capacity: capacity, OnFull: mode})}
			q.left.Store(int32(1 + rand.IntN(5)))
			ops := history(q, 3, 8)
			if q.left.Load() > 0 {
				continue // too few items came out
			}
			lost++
			if porcupine.CheckOperations(porcupineModel(mode, capacity), ops) {
				t.Fatalf("%v: accepted although an item is missing: %v", mode, ops)
			}
		}
	}
}
