package engine_test

import (
	"fmt"

	"github.com/anishathalye/porcupine"

	"github.com/steadgo/stead/channelq/internal/engine"
)

// step is one indivisible operation of a history. Batches are split into one
// step per item plus one for the way they ended, all with the batch's interval:
// that is what the engine promises.
type step struct {
	kind      string // put, take, oldest, newest, close
	item      uint16
	outcome   engine.Outcome
	displaced uint16 // the item that gave way, 0 for none
	first     bool   // close: it was the first
}

// queue is the sequential queue: the items as two bytes each, so that states
// compare engine.
type queue struct {
	items  string
	closed bool
}

func (q queue) len() int { return len(q.items) / 2 }

func (q queue) at(i int) uint16 { return uint16(q.items[2*i])<<8 | uint16(q.items[2*i+1]) }

func encode(v uint16) string { return string([]byte{byte(v >> 8), byte(v)}) }

func (q queue) put(v uint16) queue { return queue{q.items + encode(v), q.closed} }

// model is the specification that histories are checked against.
//
// At a rendezvous an item never stays, but a put and the take it meets are two
// operations: the model lets the item pass through, and takes "full" and "empty"
// as said while nothing is passing.
func model(capacity int) porcupine.Model {
	room := func(q queue) bool { return q.len() < capacity || capacity == 0 }
	full := func(q queue) bool { return q.len() == capacity }
	next := func(q queue, s step) (queue, bool) {
		switch {
		case s.outcome == engine.Canceled:
			return q, true
		case s.kind == "close":
			return queue{q.items, true}, s.first == !q.closed
		case s.outcome == engine.Closed:
			return q, q.closed && (s.kind != "take" || q.len() == 0)
		case s.outcome == engine.Full:
			return q, full(q) && !q.closed
		case s.outcome == engine.Empty:
			return q, q.len() == 0 && !q.closed
		case s.kind == "take":
			if q.len() == 0 || q.at(0) != s.item {
				return q, false
			}
			return queue{q.items[2:], q.closed}, true
		case q.closed:
			return q, false
		case s.displaced == 0:
			return q.put(s.item), room(q)
		case capacity == 0:
			return q, s.displaced == s.item && q.len() == 0
		case s.kind == "oldest":
			ok := full(q) && q.at(0) == s.displaced
			return queue{q.items[2*min(1, q.len()):], false}.put(s.item), ok
		case s.kind == "newest":
			ok := full(q) && q.at(q.len()-1) == s.displaced
			return queue{q.items[:max(0, len(q.items)-2)], false}.put(s.item), ok
		}
		panic("unknown step " + s.kind)
	}
	return porcupine.Model{
		Init: func() any { return queue{} },
		Step: func(state, input, _ any) (bool, any) {
			q, ok := next(state.(queue), input.(step))
			return ok, q
		},
		Equal:             func(a, b any) bool { return a.(queue) == b.(queue) },
		DescribeOperation: func(input, _ any) string { return fmt.Sprintf("%+v", input) },
	}
}
