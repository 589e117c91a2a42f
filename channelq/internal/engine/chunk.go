package engine

import "unsafe"

// Items are kept in chunks, a list of them from the one that takes read to the one
// that puts write. A chunk is added when the last one is full and goes when its
// last item was taken; some are kept for the next time. So a queue costs memory as
// it fills, whatever its capacity, and a short one stays in the same few chunks,
// which are in the processor's cache.
//
// If the whole capacity fits into one chunk, that is followed by itself: a ring.
// Nothing else differs.
type chunk[T any] struct {
	items  []T     // a power of two of them
	stamps []int64 // when the items at sampled positions were put
	next   *chunk[T]
	spares int // while it is one of the spare chunks: how many there are from here on
}

// chunkBytes is about the size of a chunk: small enough for the cache, large enough
// that adding one costs nothing to speak of for each of its items.
const chunkBytes = 16 << 10

// spareBytes is about how much a queue that was long leaves in memory.
const spareBytes = 1 << 20

// chunkItems returns how many items of type T a chunk has: a power of two, and a
// multiple of sampleEvery, so that only sampled positions begin a chunk.
func chunkItems[T any]() int {
	n := sampleEvery
	for 2*n*int(unsafe.Sizeof(*new(T))) <= chunkBytes && n < chunkBytes {
		n *= 2
	}
	return n
}

func (e *Engine[T]) newChunk() *chunk[T] {
	n := int(e.mask) + 1
	c := &chunk[T]{items: make([]T, n)}
	if e.samples != nil {
		c.stamps = make([]int64, (n+sampleEvery-1)/sampleEvery)
	}
	return c
}

// firstChunk decides how long chunks are and makes the first one: the ring, or an
// empty one that the first put leaves for a proper one. It returns start, or with
// an empty one the position before it where a chunk begins.
func (e *Engine[T]) firstChunk(start uint64) uint64 {
	size := 1
	for size < e.capacity && size < chunkItems[T]() {
		size *= 2
	}
	e.mask = uint64(size - 1)
	e.maxSpares = spareBytes / max(1, size*int(unsafe.Sizeof(*new(T))))
	first := &chunk[T]{}
	if size >= e.capacity {
		first = e.newChunk()
		first.next = first
	} else {
		start &^= e.mask
	}
	e.putChunk, e.takeChunk = first, first
	return start
}

// nextPutChunk is for who is about to write the first position of a chunk.
func (e *Engine[T]) nextPutChunk() {
	c := e.putChunk.next
	if c == nil {
		if c = e.takeSpare(); c == nil {
			c = e.newChunk()
		}
		e.putChunk.next = c
	}
	e.putChunk = c
}

// nextTakeChunk is for who is about to read the first position of a chunk. A put
// has been there, so the one before belongs to nobody else any more.
func (e *Engine[T]) nextTakeChunk() {
	c := e.takeChunk
	e.takeChunk = c.next
	if c != c.next && c.items != nil {
		e.keepSpare(c)
	}
}

// keepSpare adds c to the stack of spare chunks, unless that has enough.
func (e *Engine[T]) keepSpare(c *chunk[T]) {
	for {
		top := e.spare.Load()
		c.next, c.spares = top, 1
		if top != nil {
			c.spares += top.spares
		}
		if c.spares > e.maxSpares || e.spare.CompareAndSwap(top, c) {
			return
		}
	}
}

// takeSpare returns the chunk that was used last, or nil. Only the holder of
// tail's lock bit takes one, so the chunk after top stays that if top is still in
// top.
func (e *Engine[T]) takeSpare() *chunk[T] {
	for {
		top := e.spare.Load()
		if top == nil {
			return nil
		}
		if e.spare.CompareAndSwap(top, top.next) {
			top.next = nil
			return top
		}
	}
}

// chunkOf returns the chunk of a position that is there and less than a chunk
// away from head, for the holder of head's lock bit.
func (e *Engine[T]) chunkOf(pos uint64) *chunk[T] {
	if pos&e.mask == 0 {
		return e.takeChunk.next
	}
	return e.takeChunk
}

// write places items from pos on, for the holder of tail's lock bit.
func (e *Engine[T]) write(pos uint64, vs []T) {
	for len(vs) > 0 {
		at := pos & e.mask
		if at == 0 {
			e.nextPutChunk()
		}
		n := copy(e.putChunk.items[at:], vs)
		e.stamp(pos, n)
		vs, pos = vs[n:], pos+uint64(n)
	}
}

// stamp notes the time for the sampled ones among n positions of putChunk.
func (e *Engine[T]) stamp(pos uint64, n int) {
	if p := ceil(pos); e.samples != nil && p-pos < uint64(n) {
		for now := e.samples.now(); p-pos < uint64(n); p += sampleEvery {
			e.putChunk.stamps[p&e.mask/sampleEvery] = now
		}
	}
}
