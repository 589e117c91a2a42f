package ticking

import (
	"sync"
	"sync/atomic"
	"time"
)

// startTickers is a goroutine and a ticker for each job. A ticker's slots begin
// when it is made or reset, so they are put to their places afterwards, by a
// reset at the right moment.
func startTickers(l *Load) (func() error, error) {
	quit := make(chan struct{})
	var all sync.WaitGroup
	tickers := make([]*time.Ticker, l.N)
	for i := range tickers {
		t := time.NewTicker(l.Period)
		tickers[i] = t
		all.Go(func() {
			for {
				select {
				case <-t.C:
					l.ran(i)
				case <-quit:
					return
				}
			}
		})
	}
	l.align = func() {
		begin := time.Now()
		for i, t := range tickers {
			if wait := l.offset(i) - time.Since(begin); wait > 0 {
				time.Sleep(wait)
			}
			l.phase[i] = time.Now().UnixNano()
			t.Reset(l.Period)
		}
	}
	return func() error {
		close(quit)
		all.Wait()
		for _, t := range tickers {
			t.Stop()
		}
		return nil
	}, nil
}

// rearming is a timer that sets itself again after each run.
type rearming struct {
	load *Load
	i    int
	next int64
	t    *time.Timer
	over *atomic.Bool
}

func (r *rearming) fire() {
	r.load.ran(r.i)
	if r.over.Load() {
		return
	}
	r.next += int64(r.load.Period)
	r.arm()
}

func (r *rearming) arm() { r.t.Reset(time.Until(time.Unix(0, r.next))) }

// startAfterFunc starts a goroutine for each run, by the runtime's own timers.
func startAfterFunc(l *Load) (func() error, error) {
	over := new(atomic.Bool)
	timers := make([]rearming, l.N)
	for i := range timers {
		r := &timers[i]
		*r = rearming{load: l, i: i, next: l.grid(i).after(time.Now().UnixNano()), over: over}
		// Not armed at once: it could fire before it knows its timer.
		r.t = time.AfterFunc(time.Hour, r.fire)
		r.arm()
	}
	return func() error {
		over.Store(true)
		for i := range timers {
			timers[i].t.Stop()
		}
		return nil
	}, nil
}
