package channelq

import (
	"context"
	"slices"
	"time"

	"github.com/steadgo/stead/channelq/internal/engine"
)

// What knows the type of the items is here and in Queue, and nothing else: each
// further type of items costs a copy of this code.

// itemsOf is the typed part of a consumer.
type itemsOf[T any] struct {
	q          *Queue[T]
	make       func() hands
	onGiveUp   func(context.Context, T, error)
	onLeftover func(context.Context, []T) error
	describer  func(T) string
	left       []T
	requeued   map[int]int64 // by position in left: the failure that was requeued
	notified   int           // OnSettled was called for so many of them
}

// unboxed returns a parked item, off the shelf if it is there. The assertion fails for
// a nil of an interface type, whose zero value is that nil.
func unboxed[T any](item any) T {
	if i, ok := item.(*shelved[T]); ok {
		return i.claim()
	}
	v, _ := item.(T)
	return v
}

func (o *itemsOf[T]) queue() any { return o.q }

func (o *itemsOf[T]) newHands() hands { return o.make() }

func (o *itemsOf[T]) giveUp(ctx context.Context, item any, err error) {
	o.onGiveUp(ctx, unboxed[T](item), err)
}

func (o *itemsOf[T]) putBack(item any) engine.Outcome {
	v := unboxed[T](item)
	if o.q.shelf != nil {
		return engine.Full // what waits must be known to it
	}
	return o.q.engine.TryPut(&v)
}

func (o *itemsOf[T]) describe(item any) string { return o.describer(unboxed[T](item)) }

func (o *itemsOf[T]) settled(item any, outcome Outcome, err error) {
	o.q.settle(unboxed[T](item), outcome, err)
}

func (o *itemsOf[T]) settleLeft(err error) {
	for o.notified < len(o.left) && o.q.settles.Load() {
		i, why := o.notified, err
		if id := o.requeued[i]; id > 0 {
			why = &RequeuedError{ID: id, Err: err}
		}
		o.notified++
		o.q.settle(o.left[i], Leftover, why)
	}
}

// takeAtOnce is how many items of what is left in a queue are taken in one step.
const takeAtOnce = 256

func (o *itemsOf[T]) collect(lost []*parkedItem, parked *parking, rest bool) int {
	n := len(lost) + parked.size() + takeAtOnce
	if rest {
		n += o.q.Len()
	}
	left := make([]T, 0, n)
	o.requeued = make(map[int]int64)
	add := func(p *parkedItem) {
		if p.requeued > 0 {
			o.requeued[len(left)] = p.requeued
		}
		left = append(left, unboxed[T](p.item))
	}
	for _, p := range lost {
		add(p)
	}
	parked.each(add)
	for rest {
		left = slices.Grow(left, takeAtOnce)
		n, outcome := o.q.engine.TryTakeN(left[len(left):cap(left)])
		o.q.taken(left[len(left) : len(left)+n])
		left, rest = left[:len(left)+n], outcome == engine.OK
	}
	o.left = left
	return len(left)
}

func (o *itemsOf[T]) handOver(ctx context.Context) error {
	left := o.left
	if o.q.settles.Load() { // which is told of them whatever OnLeftover does to its slice
		left = slices.Clone(left)
	}
	return o.onLeftover(ctx, left)
}

// oneItem is the hands of Workers: they hold one item and those prefetched.
type oneItem[T any] struct {
	w  *Workers[T]
	v  []T
	on *shelved[T] // what v[0] is until it is claimed; nil without a shelf
	at time.Time
}

func (h *oneItem[T]) take(wait signal, _ int) (int, engine.Outcome) {
	return h.taken(h.w.typed.q.engine.Take(wait, &h.v[0]))
}

func (h *oneItem[T]) takeNow(most int) (int, engine.Outcome) {
	if most = min(most, len(h.v)); most > 1 {
		return h.w.typed.q.engine.TryTakeN(h.v[:most])
	}
	return h.taken(h.w.typed.q.engine.TryTake(&h.v[0]))
}

func (h *oneItem[T]) taken(o engine.Outcome) (int, engine.Outcome) {
	if o != engine.OK {
		return 0, o
	}
	if s := h.w.typed.q.shelf; s != nil {
		h.on = s.pop()
		h.v[0], h.at = h.on.peek(), h.on.at
	}
	return 1, o
}

func (h *oneItem[T]) load(item any) {
	if on, ok := item.(*shelved[T]); ok {
		h.on, h.v[0] = on, on.peek()
		return
	}
	h.v[0] = unboxed[T](item)
}

func (h *oneItem[T]) item(i int) any {
	if h.on != nil {
		return h.on
	}
	return h.v[i]
}

func (h *oneItem[T]) claim() {
	if h.on != nil {
		h.v[0], h.on = h.on.claim(), nil
	}
}

func (h *oneItem[T]) enqueued(int) time.Time { return h.at }
func (h *oneItem[T]) key() string            { return h.w.key(h.v[0]) }
func (h *oneItem[T]) skip() bool             { return h.w.skip(h.v[0]) }

func (h *oneItem[T]) settled(i int, o Outcome, err error) { h.w.typed.q.settle(h.v[i], o, err) }

func (h *oneItem[T]) handle(ctx context.Context, i int) error { return h.w.handle(ctx, h.v[i]) }

func (h *oneItem[T]) drop(from, to int) {
	clear(h.v[from:to])
	if h.on != nil { // with prefetched items, which another goroutine may look at, it is
		h.on = nil
	}
}

// batchOf is the hands of a Batcher.
type batchOf[T any] struct {
	b    *Batcher[T]
	v    []T
	from int         // the position in v of the first one of those taken last
	at   []time.Time // when these were enqueued
}

func (h *batchOf[T]) take(wait signal, most int) (int, engine.Outcome) {
	return h.taken(h.b.typed.q.engine.TakeN(wait, h.room(most)))
}

func (h *batchOf[T]) takeNow(most int) (int, engine.Outcome) {
	return h.taken(h.b.typed.q.engine.TryTakeN(h.room(most)))
}

func (h *batchOf[T]) taken(n int, o engine.Outcome) (int, engine.Outcome) {
	q := h.b.typed.q
	h.from, h.at = len(h.v), h.at[:0]
	h.v = h.v[:h.from+n]
	for i := h.from; q.shelf != nil && i < len(h.v); i++ {
		on := q.shelf.pop()
		h.v[i], h.at = on.claim(), append(h.at, on.at)
	}
	return n, o
}

// mostAtOnce is how many items are taken in one step from a queue that holds fewer.
const mostAtOnce = 1024

// room returns room for more items: not for all at once, as MaxItems may be far more
// than will ever come.
func (h *batchOf[T]) room(most int) []T {
	most = min(most, max(h.b.typed.q.engine.Cap(), mostAtOnce))
	h.v = slices.Grow(h.v, most)
	return h.v[len(h.v) : len(h.v)+most]
}

func (h *batchOf[T]) load(item any)  { h.v = append(h.v, unboxed[T](item)) }
func (h *batchOf[T]) item(i int) any { return h.v[i] }
func (h *batchOf[T]) key() string    { return "" }
func (h *batchOf[T]) skip() bool     { return false }
func (h *batchOf[T]) claim()         {}

func (h *batchOf[T]) enqueued(i int) time.Time { return h.at[i-h.from] }

func (h *batchOf[T]) settled(i int, o Outcome, err error) { h.b.typed.q.settle(h.v[i], o, err) }

// handle gives the handler a slice of its own.
func (h *batchOf[T]) handle(ctx context.Context, _ int) error {
	return h.b.handle(ctx, slices.Clone(h.v))
}

func (h *batchOf[T]) drop(int, int) {
	clear(h.v)
	h.v = h.v[:0]
}
