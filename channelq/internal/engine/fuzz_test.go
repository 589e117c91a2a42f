package engine_test

import (
	"testing"

	"github.com/steadgo/stead/channelq/internal/engine"
)

// FuzzOperations runs a sequence of calls, one byte each, on an engine and on a
// slice, and compares after each.
func FuzzOperations(f *testing.F) {
	f.Add(uint8(3), uint64(0), []byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b"))
	f.Add(uint8(1), uint64(1<<62-2), []byte{0, 8, 16, 24, 32, 40, 3, 11, 19, 27, 0, 4, 5, 6, 1, 255})
	f.Add(uint8(8), uint64(1<<56-5), []byte{58, 58, 3, 59, 5, 4, 58, 4, 59, 6, 58, 0, 1, 2})
	f.Add(uint8(200), uint64(3), []byte{250, 251, 250, 1, 3, 250, 5, 4})
	f.Fuzz(func(t *testing.T, capacity uint8, start uint64, calls []byte) {
		if capacity == 0 {
			return // a rendezvous needs two sides
		}
		e := engine.NewAt[int](engine.Config{Capacity: int(capacity)}, start>>2)
		m := &listed{capacity: int(capacity)}
		for i, call := range calls {
			m.do(t, e, i, call)
			want(t, "the length", e.Len(), len(m.items))
			want(t, "the high-water mark", e.HighWater(), m.high)
			put, taken := e.Totals()
			want(t, "the total put", put, m.put)
			want(t, "the total taken", taken, m.put-uint64(len(m.items)))
			drained := false
			select {
			case <-e.Drained():
				drained = true
			default:
			}
			want(t, "drained", drained, m.closed && len(m.items) == 0)
			if t.Failed() {
				t.Fatalf("after call %d, %d", i, call)
			}
		}
	})
}

// listed is the queue as a slice.
type listed struct {
	items    []int
	capacity int
	high     int
	put      uint64
	closed   bool
}

func (m *listed) add(vs ...int) {
	m.items = append(m.items, vs...)
	m.put += uint64(len(vs))
	m.high = max(m.high, len(m.items))
}

func (m *listed) putOutcome(fits bool) engine.Outcome {
	switch {
	case m.closed:
		return engine.Closed
	case fits:
		return engine.OK
	default:
		return engine.Full
	}
}

func (m *listed) takeOutcome() engine.Outcome {
	switch {
	case len(m.items) > 0:
		return engine.OK
	case m.closed:
		return engine.Closed
	default:
		return engine.Empty
	}
}

// do makes one call: its kind is in the low bits, the size of a batch above.
func (m *listed) do(t *testing.T, e engine.ByValue[int], i int, call byte) {
	size := 1 + int(call>>3)*int(call>>3)/2
	room := m.capacity - len(m.items)
	switch call & 7 {
	case 0, 1:
		o := m.putOutcome(room > 0)
		want(t, "a put", e.TryPut(i), o)
		if o == engine.OK {
			m.add(i)
		}
	case 2:
		vs := make([]int, size)
		for j := range vs {
			vs[j] = i<<16 + j
		}
		n, got := e.TryPutN(vs)
		want(t, "a batch put", got, m.putOutcome(size <= room))
		if !m.closed {
			want(t, "its length", n, min(size, room))
			m.add(vs[:n]...)
		}
	case 3, 7:
		o := m.takeOutcome()
		v, got := e.TryTake()
		want(t, "a take", got, o)
		if o == engine.OK {
			want(t, "its item", v, m.items[0])
			m.items = m.items[1:]
		}
	case 4:
		buf := make([]int, size)
		n, got := e.TryTakeN(buf)
		want(t, "a batch taken", got, m.takeOutcome())
		wantItems(t, buf[:n], m.items[:min(size, len(m.items))]...)
		m.items = m.items[n:]
	case 5, 6:
		m.displace(t, e, i, call)
	}
	if call == 255 {
		want(t, "a close", e.Close(), !m.closed)
		m.closed = true
	}
}

func (m *listed) displace(t *testing.T, e engine.ByValue[int], i int, call byte) {
	put, at := e.PutOldest, 0
	if call&7 == 6 {
		put, at = e.PutNewest, len(m.items)-1
	}
	v, was, o := put(i)
	want(t, "a displacing put", o, m.putOutcome(true))
	want(t, "that one gave way", was, !m.closed && len(m.items) == m.capacity)
	if m.closed {
		return
	}
	if was {
		want(t, "which one", v, m.items[at])
		m.items = append(append([]int{}, m.items[:at]...), m.items[at+1:]...)
	}
	m.add(i)
}
