package leader_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/leader"
)

// stalling is a server that is stopped for a while, behind a client that gives up
// with its context: what was sent meanwhile lies in the server's buffers, and is done
// when it goes on, though nobody waits for it. Each request has a connection of its
// own, so what comes first is up to the server: here it is the releases.
type stalling struct {
	leader.Store

	mu                 sync.Mutex
	stalled            bool
	acquires, releases []func()
}

func (s *stalling) stall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stalled = true
}

func (s *stalling) goOn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stalled = false
	for _, do := range append(s.releases, s.acquires...) {
		do()
	}
	s.acquires, s.releases = nil, nil
}

// do is one request; it is left in the buffer when ctx ends.
func (s *stalling) do(ctx context.Context, buffer *[]func(), request func()) error {
	s.mu.Lock()
	if !s.stalled {
		s.mu.Unlock()
		request()
		return nil
	}
	done := make(chan struct{})
	*buffer = append(*buffer, func() { request(); close(done) })
	s.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *stalling) Acquire(ctx context.Context, key, token string, ttl time.Duration) (fence int64, ok bool, err error) {
	var f int64
	var got bool
	var failed error
	err = s.do(ctx, &s.acquires, func() { f, got, failed = s.Store.Acquire(context.Background(), key, token, ttl) })
	if err != nil {
		return 0, false, err
	}
	return f, got, failed
}

func (s *stalling) Release(ctx context.Context, key, token string) error {
	return s.do(ctx, &s.releases, func() { _ = s.Store.Release(context.Background(), key, token) })
}

// A lease that a stalled server gave to a try that nobody waits for any more has to
// be of use to the next try, or all candidates wait until it expires.
func TestALeaseThatIsTakenAfterItsCandidateGaveUpIsItsOwn(t *testing.T) {
	for _, candidates := range []int{1, 3} {
		bubble(t, func(t *testing.T, e *env) {
			store := &stalling{Store: &e.store}
			store.stall()
			electors := make([]*leader.Elector, candidates)
			for i := range electors {
				elector, err := leader.New(store, e.config())
				if err != nil {
					t.Fatal(err)
				}
				electors[i] = elector
				up(t, leader.Loop(elector, (&obeys{}).run))
			}
			time.Sleep(ttl + ttl/10) // each has given up once at least
			store.goOn()
			took := until(t, "somebody leads", func() bool {
				for _, elector := range electors {
					if elector.Stats().Leading {
						return true
					}
				}
				return false
			})
			if took > ttl/3+time.Second {
				t.Errorf("%d candidates: nobody led for %v of a TTL of %v", candidates, took, ttl)
			}
			time.Sleep(5 * ttl) // and what comes late does not end the term
			terms := 0
			for _, elector := range electors {
				s := elector.Stats()
				terms += int(s.Terms)
				if s.Lost != 0 {
					t.Errorf("lost: %+v", s)
				}
			}
			if terms != 1 {
				t.Errorf("%d terms", terms)
			}
		})
	}
}

// Who gives up for good leaves no lease behind once the store answers.
func TestALeaseThatNobodyAsksForAnyMoreIsReleased(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		store := &deaf{Store: &e.store}
		speak := store.silence()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := leader.Do(ctx, store, "news", func(context.Context, int64) error { return nil }, leader.With(e.config())); err == nil {
			t.Error("it led")
		}
		speak()
		synctest.Wait()
		if h := e.store.Holder("news"); h != "" {
			t.Errorf("%q has it", h)
		}
	})
}
