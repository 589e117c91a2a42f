package engine

import "unsafe"

// A cache line of the ring that the other side used last takes longer to arrive
// than dozens of instructions, and the atomic that publishes an item cannot
// complete before the item's line is there. So lines are asked for some way
// ahead, and only where the other side is known to have done with them: a line
// that both want would go back and forth.

const lineSize = 64

// fetching says when and what, in items.
type fetching struct {
	every uint64 // a position with none of these bits asks for a line
	reach uint64 // how far ahead that is
	known int    // so many positions ahead must be known to be free, or in place
}

// fetchingOf is for a ring of items of type T. It is for items of which several
// are in a line. Asking for each of larger ones costs a put and a take about 5 ns
// each, and with two processors at work nothing was seen to be gained by it.
func fetchingOf[T any](size int) fetching {
	each := int(unsafe.Sizeof(*new(T)))
	never := fetching{every: ^uint64(0), known: size + 1}
	if each == 0 || 2*each > lineSize {
		return never
	}
	every := 2
	for every*2*each <= lineSize {
		every *= 2
	}
	reach := min(4*lineSize/each, size/4)
	if reach < every {
		return never
	}
	return fetching{every: uint64(every - 1), reach: uint64(reach), known: reach + every}
}

// fetchRoom asks for slots that are soon written to.
func (e *Engine[T]) fetchRoom(pos uint64) {
	fetchToWrite(unsafe.Pointer(&e.values[(pos+e.fetching.reach)&e.mask]))
}

// fetchItems asks for items that are soon taken. Taken slots of items with
// pointers are written to.
func (e *Engine[T]) fetchItems(pos uint64) {
	p := unsafe.Pointer(&e.values[(pos+e.fetching.reach)&e.mask])
	if e.pointers {
		fetchToWrite(p)
	} else {
		fetchToRead(p)
	}
}
