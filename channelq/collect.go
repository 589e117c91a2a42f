package channelq

import (
	"context"
	"time"

	"github.com/steadgo/stead/channelq/internal/engine"
	"github.com/steadgo/stead/internal/guard"
)

// serve is the worker's goroutine, see [Workers.serve].
func (b *Batcher[T]) serve(unwound error) {
	guard.Run(func() error {
		if unwound != nil && !b.resume(unwound) {
			return nil
		}
		for b.collect() && b.run() {
		}
		return nil
	}, func(err error) {
		if err != nil {
			go b.serve(err)
			return
		}
		b.leave()
	})
}

// leave is the end of the worker. Of one that was abandoned nobody takes notice.
func (b *Batcher[T]) leave() {
	if b.state.Load() == abandoned {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.alive = false
	b.q.books.workers.Add(-1)
	b.pokeManager()
}

// sight is what the worker sees when it looks around.
type sight struct {
	turn    context.Context // ends when there is something new to see
	over    bool            // the worker is not needed any more
	mayTake bool            // from the queue
	flush   bool            // somebody waits for what is there, and only for that
}

// mostAtOnce is how many items are taken in one step from a queue that holds fewer.
const mostAtOnce = 1024

// collect fills the hand with the next batch. False means that the worker is not
// needed any more.
func (b *Batcher[T]) collect() bool {
	// MaxItems may be far more than will ever come.
	buf := make([]T, min(b.cfg.MaxItems, max(b.q.Cap(), mostAtOnce)))
	var deadline time.Time // of the batch in hand
	for {
		see := b.look()
		room := b.cfg.MaxItems - len(b.hand)
		if len(b.hand) > 0 && deadline.IsZero() {
			deadline = time.Now().Add(b.cfg.MaxWait)
		}
		switch {
		case see.over:
			return false
		case room <= 0 || len(b.hand) > 0 && !see.mayTake:
			return true
		case !see.mayTake:
			b.pause(see.turn)
		case see.flush:
			if b.receive(buf, room, b.q.engine.TryTakeN) != engine.OK && len(b.hand) > 0 {
				return true
			}
		case len(b.hand) == 0:
			b.receive(buf, room, func(to []T) (int, engine.Outcome) { return b.q.engine.TakeN(see.turn, to) })
		case !time.Now().Before(deadline):
			b.receive(buf, room, b.q.engine.TryTakeN)
			return true
		default:
			b.receive(buf, room, func(to []T) (int, engine.Outcome) {
				wait, cancel := context.WithDeadline(see.turn, deadline)
				defer cancel()
				return b.q.engine.TakeN(wait, to)
			})
		}
	}
}

// look brings the worker up to date: what has come due, what is to be flushed,
// and whether to go on at all.
func (b *Batcher[T]) look() sight {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.turn.Err() != nil {
		b.turn, b.recall = context.WithCancel(context.Background())
	}
	if b.ending {
		b.giveBackLocked()
		return sight{over: true}
	}
	for len(b.hand) < b.cfg.MaxItems {
		e, ok := b.parked.popDue()
		if !ok {
			break
		}
		b.parkedByLocked(-1)
		b.hand = append(b.hand, e)
	}
	for _, f := range b.flushes {
		if !f.seen {
			// What was enqueued before is in hand or among the first of the queue.
			f.seen, f.till = true, b.taken+uint64(b.q.engine.Len())
		}
	}
	if len(b.hand) == 0 {
		b.flushedLocked()
	}
	leaving := b.stopping && b.detach
	return sight{
		turn:    b.turn,
		mayTake: !b.drained && !leaving && b.parked.size() <= b.q.Cap(),
		flush:   len(b.flushes) > 0,
	}
}

// receive takes from the queue into the hand.
func (b *Batcher[T]) receive(buf []T, room int, take func([]T) (int, engine.Outcome)) engine.Outcome {
	n, o := take(buf[:min(room, len(buf))])
	for _, item := range buf[:n] {
		b.hand = append(b.hand, entry[T]{item: item})
	}
	clear(buf[:n])
	b.taken += uint64(n)
	if o != engine.Empty && o != engine.Closed {
		return o
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drained = b.drained || o == engine.Closed
	for _, f := range b.flushes {
		if f.seen { // everything it waits for was taken, by whomever
			f.till = min(f.till, b.taken)
		}
	}
	return o
}

// pause waits for a call.
func (b *Batcher[T]) pause(turn context.Context) {
	b.mu.Lock()
	b.resting = true
	b.pokeManager() // it may have been the last thing manage waited for
	b.mu.Unlock()
	<-turn.Done()
	b.mu.Lock()
	b.resting = false
	b.mu.Unlock()
}

// flushedLocked ends the flushes that have got what they wait for. The hand must
// be empty.
func (b *Batcher[T]) flushedLocked() {
	open := b.flushes[:0]
	for _, f := range b.flushes {
		if f.seen && b.taken >= f.till {
			close(f.done)
		} else {
			open = append(open, f)
		}
	}
	clear(b.flushes[len(open):])
	b.flushes = open
}

// giveBackLocked makes due what is in hand.
func (b *Batcher[T]) giveBackLocked() {
	b.parked.dueFirst(b.hand...)
	b.parkedByLocked(len(b.hand))
	b.hand = nil
}

// step is that of [Workers], for one worker.
func (b *Batcher[T]) step(now time.Time) (next time.Time, over bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.alive && !b.ending {
		b.alive = true
		b.q.books.workers.Add(1)
		go b.serve(nil)
	}
	if b.parked.release(now, releaseAtOnce) > 0 {
		b.recall()
	}
	quiet := b.resting && (b.drained || b.stopping && b.detach) && b.nothingDueLocked()
	if !b.ending && (quiet || b.stopping && reached(b.plan.cancel, now)) {
		b.ending = true
		b.state.CompareAndSwap(free, held)
		b.recall()
		b.cancel(ErrStopping)
	}
	if !b.ending {
		return b.nextLocked(), false
	}
	if reached(b.plan.abandon, now) {
		if b.state.CompareAndSwap(running, abandoned) {
			for _, e := range b.hand {
				b.lost = append(b.lost, e.item)
			}
			b.alive = false
			b.q.books.workers.Add(-1)
		}
		return time.Time{}, !b.alive
	}
	return b.plan.abandon, !b.alive
}

func (b *Batcher[T]) wakeLocked() { b.recall() }

func (b *Batcher[T]) lostLocked() []T { return b.lost }
