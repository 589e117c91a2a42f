package bench

import (
	"context"
	"runtime"
	"sync/atomic"

	"github.com/puzpuzpuz/xsync/v4"

	"github.com/steadgo/stead/channelq"
)

// Queue is a contender for moving items.
type Queue[T any] interface {
	Put(ctx context.Context, v T) bool
	Take(ctx context.Context) (T, bool)
	// Produce and Consume are loops around Put and Take, which each contender
	// writes itself so that none pays for calls that its users would not make.
	// With a batch above 1 they move as many at a time as they can.
	Produce(ctx context.Context, items, batch int)
	Consume(ctx context.Context, batch int) // until closed and empty
	Close()
}

// Contender makes an empty queue.
type Contender[T any] struct {
	Name string
	Make func(capacity int) Queue[T]
}

// Queues are all contenders for items of type T.
func Queues[T any]() []Contender[T] {
	return []Contender[T]{
		{Reference, func(n int) Queue[T] { return channel[T](make(chan T, n)) }},
		{Rival, func(n int) Queue[T] { return selecting[T](make(chan T, n)) }},
		{"xsync", func(n int) Queue[T] { return &spinning[T]{q: xsync.NewMPMCQueue[T](n)} }},
		{Subject, func(n int) Queue[T] { return newStead[T](n) }},
	}
}

// channel is a buffered channel without contexts.
type channel[T any] chan T

func (c channel[T]) Put(_ context.Context, v T) bool {
	c <- v
	return true
}

func (c channel[T]) Take(context.Context) (T, bool) {
	v, ok := <-c
	return v, ok
}

func (c channel[T]) Produce(_ context.Context, items, _ int) {
	var v T
	for range items {
		c <- v
	}
}

func (c channel[T]) Consume(context.Context, int) {
	for range c { // taking is all there is to measure
	}
}

func (c channel[T]) Close() { close(c) }

// selecting is a buffered channel as most programs use it.
type selecting[T any] chan T

func (c selecting[T]) Put(ctx context.Context, v T) bool {
	select {
	case c <- v:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c selecting[T]) Take(ctx context.Context) (T, bool) {
	select {
	case v, ok := <-c:
		return v, ok
	case <-ctx.Done():
		var zero T
		return zero, false
	}
}

func (c selecting[T]) Produce(ctx context.Context, items, _ int) {
	var v T
	for range items {
		c.Put(ctx, v)
	}
}

func (c selecting[T]) Consume(ctx context.Context, _ int) {
	for ok := true; ok; {
		_, ok = c.Take(ctx)
	}
}

func (c selecting[T]) Close() { close(c) }

// spinning is xsync's queue. It knows neither contexts nor Close, and who waits
// for it keeps a processor busy.
type spinning[T any] struct {
	q      *xsync.MPMCQueue[T]
	closed atomic.Bool
}

func (s *spinning[T]) Put(_ context.Context, v T) bool {
	for !s.q.TryEnqueue(v) {
		runtime.Gosched()
	}
	return true
}

func (s *spinning[T]) Take(context.Context) (T, bool) {
	for {
		// Closed is read first: what is found empty after it stays empty.
		closed := s.closed.Load()
		if v, ok := s.q.TryDequeue(); ok || closed {
			return v, ok
		}
		runtime.Gosched()
	}
}

func (s *spinning[T]) Produce(ctx context.Context, items, _ int) {
	var v T
	for range items {
		s.Put(ctx, v)
	}
}

func (s *spinning[T]) Consume(ctx context.Context, _ int) {
	for ok := true; ok; {
		_, ok = s.Take(ctx)
	}
}

func (s *spinning[T]) Close() { s.closed.Store(true) }

// stead is a channelq.Queue in Wait mode.
type stead[T any] struct{ q *channelq.Queue[T] }

func newStead[T any](capacity int) stead[T] {
	q, err := channelq.New(channelq.Config[T]{Name: "bench", Capacity: capacity})
	if err != nil {
		panic(err)
	}
	return stead[T]{q}
}

func (s stead[T]) Put(ctx context.Context, v T) bool { return s.q.Enqueue(ctx, v) == nil }

func (s stead[T]) Take(ctx context.Context) (T, bool) {
	v, err := s.q.Dequeue(ctx)
	return v, err == nil
}

func (s stead[T]) Produce(ctx context.Context, items, batch int) {
	if batch > 1 {
		vs := make([]T, batch)
		for ; items > 0; items -= batch {
			if _, err := s.q.EnqueueAll(ctx, vs[:min(batch, items)]); err != nil {
				return
			}
		}
		return
	}
	var v T
	for range items {
		if s.q.Enqueue(ctx, v) != nil {
			return
		}
	}
}

func (s stead[T]) Consume(ctx context.Context, batch int) {
	if batch > 1 {
		buf := make([]T, batch)
		for {
			if _, err := s.q.DequeueBatch(ctx, buf); err != nil {
				return
			}
		}
	}
	for {
		if _, err := s.q.Dequeue(ctx); err != nil {
			return
		}
	}
}

func (s stead[T]) Close() { s.q.Close() }
