package engine

import "context"

// NewAt starts the indices at a position of the test's choice.
func NewAt[T any](cfg Config, start uint64) *Engine[T] { return newAt[T](cfg, start) }

// StallTake begins a take of one item as if its goroutine then lost its
// processor. The function it returns goes on.
func (e *Engine[T]) StallTake() (resume func() T) {
	h, run, o := e.lockHead()
	if o != OK {
		panic("nothing to take")
	}
	return func() T {
		var buf [1]T
		e.takeRun(h/step, run, buf[:])
		return buf[0]
	}
}

// StallPut begins a put of one item in the same way.
func (e *Engine[T]) StallPut(v T) (resume func()) {
	pos, _, o := e.lockTail(1)
	if o != OK {
		panic("no room")
	}
	return func() {
		e.write(pos, []T{v})
		e.publish(1)
	}
}

// The operations on single items with the items as values, which is how tests
// speak of them.

func (e *Engine[T]) Put(ctx context.Context, v T) Outcome {
	if ctx.Err() != nil {
		return Cancelled
	}
	if o := e.PutNow(&v); o != Full {
		return o
	}
	return e.PutLater(ctx, nil, &v)
}

func (e *Engine[T]) TryPut(v T) Outcome { return e.PutNow(&v) }

func (e *Engine[T]) Take(ctx context.Context) (v T, o Outcome) {
	o = e.TakeTo(ctx, &v)
	return v, o
}

func (e *Engine[T]) TryTake() (v T, o Outcome) {
	o = e.TakeNow(&v)
	return v, o
}

func (e *Engine[T]) PutOldest(v T) (lost T, was bool, o Outcome) {
	was, o = e.Displace(&v, &lost, Oldest)
	return lost, was, o
}

func (e *Engine[T]) PutNewest(v T) (lost T, was bool, o Outcome) {
	was, o = e.Displace(&v, &lost, Newest)
	return lost, was, o
}
