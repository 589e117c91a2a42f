package engine

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
