package channelq_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

func (l *life) run() {
	unstarted := l.rng.IntN(20) == 0
	for _, c := range l.crews {
		if !unstarted {
			if err := c.Start(context.Background()); err != nil {
				l.t.Fatal(err)
			}
		}
	}
	for p := range 1 + l.rng.IntN(3) {
		l.others.Go(func() { l.produce(p) })
	}
	if l.rng.IntN(3) == 0 {
		l.others.Go(l.consume)
	}
	for range l.rng.IntN(15) {
		time.Sleep(time.Duration(l.rng.IntN(200)) * time.Millisecond)
		l.meddle(l.rng, l.crews[l.rng.IntN(len(l.crews))])
		l.pauseOrResume()
		synctest.Wait()
		checkBooks(l.t, l.q.Stats())
	}
	if !unstarted && !l.stubborn && !l.paused.Load() && l.rng.IntN(4) == 0 {
		l.rest()
	}
	l.stopAll()
	l.checkEnd()
}

// pauseOrResume is for lives with one crew.
func (l *life) pauseOrResume() {
	w, ok := l.crews[0].(*channelq.Workers[int])
	if !ok || len(l.crews) > 1 || l.rng.IntN(3) > 0 {
		return
	}
	if w.Paused() {
		l.paused.Store(false)
		w.Resume()
		return
	}
	w.Pause()
	synctest.Wait() // one that has started before may say so now
	l.paused.Store(true)
}

// rest waits until everything that was accepted must have ended.
func (l *life) rest() {
	l.others.Wait()
	time.Sleep(time.Hour)
	synctest.Wait()
	if s := l.q.Stats(); s.Depth+s.InProgress+s.Parked > 0 {
		l.t.Errorf("after an hour there is still something to do: %+v", s)
	}
}

// stopAll stops the crews, the one that closes the queue last, while others go on.
func (l *life) stopAll() {
	rng := rand.New(rand.NewPCG(l.seed, 1))
	if l.rng.IntN(2) == 0 {
		l.others.Go(func() {
			for range rng.IntN(10) {
				time.Sleep(time.Duration(rng.IntN(300)) * time.Millisecond)
				l.meddle(rng, l.crews[0])
			}
		})
	}
	for _, c := range slices.Backward(l.crews) {
		l.stop(c)
	}
	l.over.Store(true)
	l.others.Wait()
}

// stop stops a crew with a random budget and checks that it keeps to that.
func (l *life) stop(c lifeCrew) {
	budget := []time.Duration{0, 50 * time.Millisecond, 8 * time.Second}[l.rng.IntN(3)]
	budget = time.Duration(l.rng.Int64N(int64(budget) + 1))
	limit := budget
	ctx, cancel := context.WithTimeout(context.Background(), budget)
	if l.rng.IntN(3) == 0 || budget == 0 { // cancelled, not at a deadline
		cancel()
		ctx, cancel = context.WithCancel(context.Background())
		time.AfterFunc(budget, cancel)
		limit += 250 * time.Millisecond
	}
	defer cancel()
	other := make(chan error, 1)
	time.AfterFunc(limit/3, func() { other <- c.Stop(context.Background()) })
	start := time.Now()
	err := c.Stop(ctx)
	if took := time.Since(start); took > limit {
		l.t.Errorf("a stop with %v took %v", budget, took)
	}
	if same := <-other; same != err { //nolint:errorlint // the very same
		l.t.Errorf("Stop = %v, and for another %v", err, same)
	}
	var left *channelq.LeftoverError
	if errors.As(err, &left) && left.N != c.Leftover() {
		l.t.Errorf("Stop = %v, and %d left over", err, c.Leftover())
	}
}

func (l *life) checkEnd() {
	synctest.Wait()
	s := l.q.Stats()
	l.book.check(l.t, s)
	left := 0
	for _, c := range l.crews {
		left += c.Leftover()
	}
	if uint64(left) != s.Leftover {
		l.t.Errorf("the crews left %d over, the books say %d", left, s.Leftover)
	}
	close(l.release)
	if l.settles && l.stubborn {
		defer l.book.checkSettled(l.t, s) // a callback may only end now
	} else if l.settles {
		l.book.checkSettled(l.t, s)
	}
	time.Sleep(time.Minute)
	synctest.Wait()
	late := l.q.Stats()
	if late.Handled != s.Handled || late.GaveUp != s.GaveUp || late.Leftover != s.Leftover || late.Accepted != s.Accepted {
		l.t.Errorf("handlers that returned late changed the books:\n%+v\n%+v", s, late)
	}
}
