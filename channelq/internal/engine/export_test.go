package engine

import "context"

// ByValue has the operations on single items with the items as values, which is
// how tests speak of them.
type ByValue[T any] struct{ *Engine[T] }

func NewByValue[T any](cfg Config) ByValue[T] { return ByValue[T]{New[T](cfg)} }

// NewAt starts the indices at a position of the test's choice.
func NewAt[T any](cfg Config, start uint64) ByValue[T] { return ByValue[T]{newAt[T](cfg, start)} }

func (e ByValue[T]) Put(ctx context.Context, v T) Outcome {
	if ctx.Err() != nil {
		return Canceled
	}
	if o := e.TryPut(v); o != Full {
		return o
	}
	return e.Engine.Put(ctx, nil, &v)
}

func (e ByValue[T]) TryPut(v T) Outcome { return e.Engine.TryPut(&v) }

func (e ByValue[T]) Take(ctx context.Context) (v T, o Outcome) {
	o = e.Engine.Take(ctx, &v)
	return v, o
}

func (e ByValue[T]) TryTake() (v T, o Outcome) {
	o = e.Engine.TryTake(&v)
	return v, o
}

func (e ByValue[T]) PutOldest(v T) (evicted T, was bool, o Outcome) {
	was, o = e.PutEvict(&v, &evicted, Oldest)
	return evicted, was, o
}

func (e ByValue[T]) PutNewest(v T) (evicted T, was bool, o Outcome) {
	was, o = e.PutEvict(&v, &evicted, Newest)
	return evicted, was, o
}

// StallTake begins a take of one item as if its goroutine then lost its
// processor. The function it returns goes on.
func (e ByValue[T]) StallTake() (resume func() T) {
	h, run, o := e.lockHead()
	if o != OK {
		panic("nothing to take")
	}
	return func() T {
		var buf [1]T
		e.takeRun(h/posUnit, run, buf[:])
		return buf[0]
	}
}

// StallPut begins a put of one item in the same way.
func (e ByValue[T]) StallPut(v T) (resume func()) {
	pos, _, o := e.lockTail(1)
	if o != OK {
		panic("no room")
	}
	return func() {
		e.write(pos, []T{v})
		e.publish(1)
	}
}

// Hold takes both lock bits, as a call does whose thread lost its processor, and
// returns what gives them back.
func (e *Engine[T]) Hold() (free func()) {
	e.head.Or(locked)
	e.tail.Or(locked)
	return func() {
		e.head.And(^uint64(locked))
		e.tail.And(^uint64(locked))
	}
}
