package channelq

// grip is what a slot says about its worker in one word: a state and, while
// items of a run are in its hands, which of them is being handled. It decides
// who may do what with an item:
//
//	free ----> running ----> free       the worker starts and ends a handler;
//	  |         |   |                   or goes on from one item to the next
//	  v         |   v
//	held        | abandoned             Pause and Stop forbid the start, or give
//	            v                       up on a handler that does not return
//	         running, no rest           the items not yet started are taken back
//
// Whoever makes the step with a compare-and-swap has the item; the other side
// leaves it alone. That is what keeps an item from being counted twice.
//
// Only the worker makes a grip of items, and nobody but the worker makes one
// that begins or goes on. So a grip that the worker finds as it left it was not
// touched in between.
type grip = uint32

// The states are also grips of no items.
const (
	free grip = iota
	running
	held
	abandoned
)

const (
	nextShift      = 8
	endShift       = 16
	one       grip = 1 << nextShift
)

// started is the grip of a worker that handles the first of n items.
func started(n int) grip { return running | one | grip(n)<<endShift }

// next is the position of the first item that is not started.
func next(g grip) int { return int(g >> nextShift & 0xff) }

// end is the position behind the last item.
func end(g grip) int { return int(g >> endShift) }

// alone is g without the items that are not started.
func alone(g grip) grip { return g&(1<<endShift-1) | grip(next(g))<<endShift }
