package hosted

import (
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"time"

	"github.com/steadgo/stead/internal/guard"
)

// inHand is what a service says of the work that its stop waits for.
type inHand struct {
	known bool
	count int
	what  string
	ended uint64
	inner *Host // of a nested host, which is asked itself
}

// stalled is how long a service may take until the next one is asked meanwhile.
const stalled = 10 * time.Millisecond

// asking is a service that is being asked. Who wants to know the same meanwhile waits for
// its answer.
type asking struct {
	began  time.Time
	done   chan struct{} // closed when answer is there
	answer inHand
}

// answerTime is how long a service is being asked until it counts as one that does not
// answer. It is asked nothing more until it has.
const answerTime = time.Second

func (a *asking) silent() bool { return time.Since(a.began) >= answerTime && !closed(a.done) }

// inHand asks the units, until timeout at the latest. The answer of a unit that has
// nothing to tell, or has not returned from the last such call, is not known.
//
// It asks one after the other, on one goroutine: one for each of 10,000 queues would
// cost a page that is renewed every second several times as much. When that goroutine
// gets no further, another one goes on with the next unit.
func (h *Host) inHand(units []*unit, timeout time.Time) []inHand {
	type answer struct {
		i int
		inHand
	}
	all := make([]inHand, len(units))
	answers := make(chan answer, len(units))
	var next atomic.Int64
	ask := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(units) {
				return
			}
			answers <- answer{i, units[i].inHand()}
		}
	}
	go ask()
	ticker := time.NewTicker(stalled)
	defer ticker.Stop()
	for left, before := len(units), len(units); left > 0; {
		select {
		case a := <-answers:
			all[a.i] = a.inHand
			left--
		case now := <-ticker.C:
			if !now.Before(timeout) {
				return all
			}
			if left == before {
				go ask()
			}
			before = left
		}
	}
	return all
}

// toDrain is how many requests, items and runs the units have in hand together, and
// which units do not say.
func (h *Host) toDrain(units []*unit, timeout time.Duration) (n int, unknown []*unit) {
	for i, a := range h.inHand(units, time.Now().Add(timeout)) {
		if n += a.count; !a.known || a.inner != nil {
			unknown = append(unknown, units[i])
		}
	}
	return n, unknown
}

// inHand asks the service itself and may block.
func (u *unit) inHand() inHand {
	if _, nested := u.service.(*Host); !nested && !u.tells() {
		return inHand{}
	}
	mine := &asking{began: time.Now(), done: make(chan struct{})}
	for !u.asked.CompareAndSwap(nil, mine) {
		other := u.asked.Load()
		if other == nil { // it has just answered
			continue
		}
		select {
		case <-other.done:
			return other.answer
		case <-time.After(answerTime - time.Since(other.began)):
			return inHand{}
		}
	}
	pprof.SetGoroutineLabels(&u.base)
	// A panic leaves the answer as it is: not known.
	_ = guard.Call(func() error {
		defer func() {
			u.asked.Store(nil)
			close(mine.done)
		}()
		mine.answer = askInHand(u.service)
		return nil
	})
	return mine.answer
}

func askInHand(s Service) (a inHand) {
	if h, ok := As[*Host](s); ok {
		return inHand{known: true, inner: h}
	}
	b, ok := As[backlog](s)
	if !ok {
		return a
	}
	a = inHand{known: true, count: max(0, b.Backlog()), what: "item"}
	if _, isHTTP := b.(*HTTPService); isHTTP {
		a.what = "request"
	}
	if e, ok := As[endCounter](s); ok {
		a.ended = e.Ended()
	} else if c, ok := As[counts](s); ok {
		items := c.Counts()
		if _, isJob := items["runs"]; isJob {
			a.what = "run"
		}
		a.ended = endedOf(items)
	}
	return a
}

// endedOf is how many items or runs have ended. The total is one of the buckets, and so
// is what has not ended.
func endedOf(items map[string]uint64) (n uint64) {
	for bucket, count := range items {
		switch {
		case bucket == "accepted", bucket == "runs", bucket == "running", bucket == "skipped", bucket == refusedClosed, strings.HasPrefix(bucket, "still_"):
		default:
			n += count
		}
	}
	return n
}
