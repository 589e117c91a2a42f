package suite_test

import (
	"context"
	"time"

	under "github.com/steadgo/stead/channelq/internal/engine" // the engine under test: any other one with this API will do
)

// engine is what the tests of this package hold an engine to.
type engine[T any] interface {
	Put(ctx context.Context, v T) under.Outcome
	TryPut(v T) under.Outcome
	PutN(ctx context.Context, halt <-chan struct{}, vs []T) (int, under.Outcome)
	TryPutN(vs []T) (int, under.Outcome)
	PutOldest(v T) (evicted T, was bool, o under.Outcome)
	PutNewest(v T) (evicted T, was bool, o under.Outcome)
	Take(ctx context.Context) (T, under.Outcome)
	TryTake() (T, under.Outcome)
	TakeN(ctx context.Context, buf []T) (int, under.Outcome)
	TryTakeN(buf []T) (int, under.Outcome)
	Close() bool
	Drained() <-chan struct{}
	Len() int
	Cap() int
	HighWater() int
	Totals() (put, taken uint64)
	Oldest() time.Time
}

func newEngine[T any](capacity int, sampled func(time.Duration)) engine[T] {
	return byValue[T]{under.New[T](under.Config{Capacity: capacity, Sampled: sampled})}
}

// byValue moves single items as values, which is how tests speak of them.
type byValue[T any] struct{ *under.Engine[T] }

func (e byValue[T]) Put(ctx context.Context, v T) under.Outcome {
	if ctx.Err() != nil {
		return under.Canceled
	}
	if o := e.Engine.TryPut(&v); o != under.Full {
		return o
	}
	return e.Engine.Put(ctx, nil, &v)
}

func (e byValue[T]) TryPut(v T) under.Outcome { return e.Engine.TryPut(&v) }

func (e byValue[T]) Take(ctx context.Context) (v T, o under.Outcome) {
	o = e.Engine.Take(ctx, &v)
	return v, o
}

func (e byValue[T]) TryTake() (v T, o under.Outcome) {
	o = e.Engine.TryTake(&v)
	return v, o
}

func (e byValue[T]) PutOldest(v T) (lost T, was bool, o under.Outcome) {
	was, o = e.PutEvict(&v, &lost, under.Oldest)
	return lost, was, o
}

func (e byValue[T]) PutNewest(v T) (lost T, was bool, o under.Outcome) {
	was, o = e.PutEvict(&v, &lost, under.Newest)
	return lost, was, o
}
