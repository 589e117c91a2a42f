package leader_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/leader"
)

func TestALateReleaseOfAnOldTermRemovesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		first := make(chan error, 1)
		go func() {
			first <- leader.Do(t.Context(), &e.store, "news", func(ctx context.Context, _ int64) error {
				e.store.Fail(errStore)
				<-ctx.Done()
				time.Sleep(ttl) // works on although it lost the lease
				e.store.Fail(nil)
				time.Sleep(2 * time.Second) // and the other one has it now
				return nil
			}, leader.With(e.config()))
		}()
		time.Sleep(time.Second)
		err := leader.Do(t.Context(), &e.store, "news", func(ctx context.Context, _ int64) error {
			mine := e.store.Holder("news")
			if err := <-first; !errors.Is(err, leader.ErrLost) {
				t.Errorf("the first: %v", err)
			}
			if now := e.store.Holder("news"); now != mine {
				t.Errorf("the lease was %q, now it is %q", mine, now)
			}
			return ctx.Err()
		}, leader.With(e.config()))
		if err != nil {
			t.Error(err)
		}
	})
}

func TestTheWindowCountsFromTheRequest(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		e.store.Delay(ttl / 2)
		asked := time.Now()
		err := leader.Do(t.Context(), &e.store, "news", func(ctx context.Context, _ int64) error {
			if took := time.Since(asked); took != ttl/2 {
				t.Errorf("gained after %v", took)
			}
			<-ctx.Done()
			return nil
		}, leader.With(e.config()))
		if !errors.Is(err, leader.ErrLost) {
			t.Errorf("Do = %v", err)
		}
		// No renewal is answered within a third of the TTL, and giving back fails too.
		if took := time.Since(asked); took < ttl-ttl/10 || took > ttl-ttl/10+time.Second {
			t.Errorf("over after %v of a TTL of %v", took, ttl)
		}
	})
}

func TestAnAnswerAfterTheWindowIsGivenBack(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		e.store.Delay(ttl)
		err := leader.TryDo(t.Context(), &e.store, "news", func(context.Context, int64) error {
			t.Error("the work ran")
			return nil
		}, leader.With(e.config()))
		if err == nil || errors.Is(err, leader.ErrHeld) {
			t.Errorf("TryDo = %v", err)
		}
		if h := e.store.Holder("news"); h != "" {
			t.Errorf("%q still has it", h)
		}
	})
}

// deaf does not look at contexts, as a client without deadlines.
type deaf struct {
	leader.Store
	mu   sync.Mutex
	hang chan struct{} // nil: it answers
}

func (d *deaf) silence() (speak func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	hang := make(chan struct{})
	d.hang = hang
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.hang = nil
		close(hang)
	}
}

func (d *deaf) wait() {
	d.mu.Lock()
	hang := d.hang
	d.mu.Unlock()
	if hang != nil {
		<-hang
	}
}

func (d *deaf) Acquire(_ context.Context, key, token string, ttl time.Duration) (int64, bool, error) {
	d.wait()
	return d.Store.Acquire(context.Background(), key, token, ttl)
}

func (d *deaf) Renew(_ context.Context, key, token string, ttl time.Duration) (bool, error) {
	d.wait()
	return d.Store.Renew(context.Background(), key, token, ttl)
}

func TestAStoreThatIgnoresItsContextDoesNotProlongTheTrust(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		store := &deaf{Store: &e.store}
		began := time.Now()
		var speak func()
		err := leader.Do(t.Context(), store, "news", func(ctx context.Context, _ int64) error {
			speak = store.silence()
			<-ctx.Done()
			if took := time.Since(began); took > ttl-ttl/10 {
				t.Errorf("told after %v", took)
			}
			return nil
		}, leader.With(e.config()))
		if !errors.Is(err, leader.ErrLost) {
			t.Errorf("Do = %v", err)
		}
		speak()
	})
}

func TestWhatAStoreGivesTooLateIsGivenBack(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		store := &deaf{Store: &e.store}
		speak := store.silence()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err := leader.Do(ctx, store, "news", func(context.Context, int64) error { t.Error("the work ran"); return nil })
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 3*time.Second {
			t.Errorf("Do = %v after %v", err, time.Since(began))
		}
		speak()
		synctest.Wait()
		if h := e.store.Holder("news"); h != "" {
			t.Errorf("%q has it", h)
		}
	})
}

func TestCancelledWhileWaitingReturnsAtOnceAndLeavesNoKey(t *testing.T) {
	for _, delay := range []time.Duration{0, 100 * time.Millisecond} {
		t.Run(fmt.Sprint(delay), func(t *testing.T) {
			bubble(t, func(t *testing.T, e *env) {
				e.store.Delay(delay)
				release := make(chan struct{})
				held := make(chan error, 1)
				go func() {
					held <- leader.Do(t.Context(), &e.store, "news", func(context.Context, int64) error { <-release; return nil }, leader.With(e.config()))
				}()
				time.Sleep(time.Second)
				ctx, cancel := context.WithCancelCause(t.Context())
				why := errors.New("closing time")
				time.AfterFunc(rand.N(10*time.Second), func() { cancel(why) })
				err := leader.Do(ctx, &e.store, "news", func(context.Context, int64) error { t.Error("the work ran"); return nil }, leader.With(e.config()))
				if !errors.Is(err, context.Canceled) || !errors.Is(err, why) {
					t.Errorf("Do = %v", err)
				}
				close(release)
				if err := <-held; err != nil {
					t.Error(err)
				}
				if h := e.store.Holder("news"); h != "" {
					t.Errorf("%q has it", h)
				}
			})
		})
	}
}

func TestACancelThatMeetsTheAnswerLeavesNoKey(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		for i := range 200 {
			e.store.Delay(time.Duration(i%3) * time.Millisecond)
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%4)*time.Millisecond)
			_ = leader.Do(ctx, &e.store, "news", func(context.Context, int64) error { return nil }, leader.With(e.config()))
			cancel()
			e.store.Delay(0)
			if h := e.store.Holder("news"); h != "" {
				t.Fatalf("try %d: %q has it", i, h)
			}
		}
	})
}
