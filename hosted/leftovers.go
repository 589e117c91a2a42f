package hosted

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"sync"
	"time"

	"github.com/steadgo/stead/internal/plural"
	"github.com/steadgo/stead/lifecycle"
)

// reply is what a service says of itself after its stop.
type reply struct {
	stuck  int               // calls it abandoned
	left   int               // items it left over itself
	items  map[string]uint64 // where its items ended; nil means it does not say
	of     any               // the queue of which items tells; nil means none
	queues []queueReply
}

// queueReply is what a queue says that a service watches.
type queueReply struct {
	queue any
	name  string
	left  int
	items map[string]uint64
}

// leftoverCall is one service that is asked, on a goroutine of its own.
type leftoverCall struct {
	u      *unit
	queues []interface{ Name() string } // that it watches, and no service before it
	call   *call                        // nil means it is not asked

	mu   sync.Mutex
	said reply // so far
}

// askAll asks every service that has stopped what it left over, all at once and
// under one bound, and notes it. It returns a call that is never back for each that
// stopped in time only because it left calls of its own, such as handlers of a queue.
func (h *Host) askAll(end time.Time) (stuck []*call) {
	questions := h.leftoverCalls()
	for _, q := range questions {
		// One that has not answered StopPlan, perhaps because it needs a lock that a stuck
		// Stop holds, is not asked again.
		if of := q.u.asked.Load(); of != nil && of.silent() {
			continue
		}
		q.call = q.u.call(&q.u.base, "ask", q.ask, nil)
	}
	soon := time.Now().Add(askTimeout(end))
	replies := make([]reply, len(questions))
	told := map[any]bool{} // queues of which their consumers tell
	for i, q := range questions {
		q.answered(soon)
		q.mu.Lock()
		replies[i] = q.said
		q.mu.Unlock()
		if of := replies[i].of; of != nil && reflect.ValueOf(of).Comparable() {
			told[of] = true
		}
	}
	for i, q := range questions {
		said := replies[i]
		q.u.keep(said, told)
		if said.stuck > 0 {
			h.mu.Lock()
			stuck = append(stuck, &call{unit: q.u, op: "stop", began: time.Now().Add(-q.u.stopTook), left: said.stuck})
			h.mu.Unlock()
		}
	}
	return stuck
}

// askTimeout is how long answers may take, all together: up to a second if end leaves
// time for it.
func askTimeout(end time.Time) time.Duration {
	if end.IsZero() {
		return time.Second
	}
	return max(overrunLimit, min(time.Second, time.Until(end)))
}

func (h *Host) leftoverCalls() (all []*leftoverCall) {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := map[any]bool{}
	for _, u := range h.units {
		if !u.tells() && len(u.watched) == 0 {
			continue
		}
		q := &leftoverCall{u: u}
		for _, w := range u.watched {
			if reflect.ValueOf(w).Comparable() && !seen[w] {
				seen[w] = true
				q.queues = append(q.queues, w)
			}
		}
		if (u.tells() || len(q.queues) > 0) && u.base.unit != nil {
			all = append(all, q)
		}
	}
	return all
}

// tells says whether the service may have anything to tell. It calls nothing.
func (u *unit) tells() bool {
	if u.loop != nil {
		return false
	}
	switch u.service.(type) {
	case wrapper, leftover, counts, stuck, backlog:
		return true
	default:
		return false
	}
}

// ask runs on a goroutine of the service. What it has learned counts even if the
// next question is not answered.
func (q *leftoverCall) ask(context.Context) error {
	note := func(change func(said *reply)) {
		q.mu.Lock()
		defer q.mu.Unlock()
		change(&q.said)
	}
	var own bool // it says itself where its items ended
	if q.u.loop == nil {
		s := q.u.service
		if l, ok := As[leftover](s); ok {
			n := l.Leftover()
			note(func(said *reply) { said.left = n })
		}
		var of any // noted with the items, which would count twice without it
		if c, ok := As[interface {
			counts
			Observed() any
		}](s); ok {
			of = c.Observed()
		}
		if t, ok := As[counts](s); ok {
			own = true
			items := maps.Clone(t.Counts())
			note(func(said *reply) { said.items, said.of = items, of })
		}
		if c, ok := As[stuck](s); ok && q.u.stateNow() != lifecycle.Stopping {
			n := c.Stuck()
			note(func(said *reply) { said.stuck = n })
		}
	}
	for _, w := range q.queues {
		l, ok := w.(interface{ Len() int })
		if !ok {
			continue
		}
		r := queueReply{queue: w, name: w.Name(), left: l.Len()}
		if t, ok := w.(counts); ok && !own {
			r.items = maps.Clone(t.Counts())
		}
		note(func(said *reply) { said.queues = append(said.queues, r) })
	}
	return nil
}

// keep notes what the service said, but for what consumers told of their queues. Items that
// are still in a queue that it watches make its stop a failure: the consumers have stopped.
func (u *unit) keep(said reply, told map[any]bool) {
	h := u.host
	for _, q := range said.queues {
		said.left += max(0, q.left)
		if !told[q.queue] {
			said.items = sum(said.items, q.items)
		}
		if q.left > 0 {
			h.leftInQueue(u, fmt.Errorf("queue %q: %s left over", q.name, plural.Of(q.left, "item")))
		}
	}
	if said.left == 0 && said.items == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	u.said = &said
}

// sum adds what the buckets of more have to those of all.
func sum(all, more map[string]uint64) map[string]uint64 {
	if all == nil {
		return more
	}
	for bucket, n := range more {
		all[bucket] += n
	}
	return all
}

func (h *Host) leftInQueue(u *unit, err error) {
	h.failAtStop(u, "stop", err)
	h.mu.Lock()
	defer h.mu.Unlock()
	if u.err == nil {
		u.err = err
	}
	u.enterLocked(lifecycle.Failed)
}

// answered waits until soon for the answers.
func (q *leftoverCall) answered(soon time.Time) {
	log := q.u.host.log
	switch {
	case q.call == nil || !waitUntil(q.call.done, soon):
		log.Warn("service does not say what it has left", "service", q.u.name)
	case q.call.err != nil:
		log.Error("service cannot say what it has left", failure(q.u, q.call.err)...)
	}
}
