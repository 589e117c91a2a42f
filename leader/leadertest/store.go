// Package leadertest helps to test programs that use package leader: a store in
// memory that loses leases, answers late or not at all when a test says so, and a
// check for stores.
//
// # Usage
//
// In a bubble of testing/synctest everything here takes no time:
//
//	synctest.Test(t, func(t *testing.T) {
//		store := &leadertest.Store{}
//		elector, err := leader.New(store, leader.Config{Group: "newsletter"})
//		host.Add("newsletter", leader.Only(elector, newNewsletter))
//		...
//		store.Fail(errors.New("unreachable")) // now the lead is lost within the TTL
//		store.Forget()                        // or at the next renewal
//	})
//
// # Not for
//
// Several processes: each has a memory of its own.
package leadertest

import (
	"context"
	"sync"
	"time"

	"github.com/steadgo/stead/leader"
)

// Store keeps leases in memory. The zero value is ready; all methods may be called
// from any goroutine. Its clock is the process's, also in a bubble.
type Store struct {
	mu     sync.Mutex
	leases map[string]lease
	fences map[string]int64
	err    error
	delay  time.Duration
	skew   time.Duration
	lie    bool
}

type lease struct {
	token string
	until time.Time
}

var _ leader.Store = (*Store)(nil)

// Fail makes every call fail with err, as a store that cannot be reached; nil ends
// that.
func (s *Store) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Delay makes every answer come so much later than what it answers to happened.
func (s *Store) Delay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// Forget loses all leases and fences, as FLUSHALL or a restart without persistence.
func (s *Store) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leases, s.fences = nil, nil
}

// SetClock sets the store's clock forward, or back, by d against the process's.
func (s *Store) SetClock(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = d
}

// Lie makes the store give every lease to everybody who asks, and confirm every
// renewal: two leaders, as after a failover that lost a lease.
func (s *Store) Lie() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lie = true
}

// Holder is the token that has the lease of key, "" if nobody has it.
func (s *Store) Holder(key string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.leases[key]; s.nowLocked().Before(l.until) {
		return l.token
	}
	return ""
}

func (s *Store) nowLocked() time.Time { return time.Now().Add(s.skew) }

// Acquire takes the lease if nobody has it. See [leader.Store].
func (s *Store) Acquire(ctx context.Context, key, token string, ttl time.Duration) (fence int64, ok bool, err error) {
	err = s.do(ctx, func() {
		now := s.nowLocked()
		if l := s.leases[key]; now.Before(l.until) && l.token != token && !s.lie {
			return
		}
		if s.leases == nil {
			s.leases = map[string]lease{}
		}
		if s.fences == nil {
			s.fences = map[string]int64{}
		}
		fence, ok = max(s.fences[key]+1, now.UnixMilli()), true
		s.fences[key] = fence
		s.leases[key] = lease{token, now.Add(ttl)}
	})
	return fence, ok, err
}

// Renew extends the lease if it is token's. See [leader.Store].
func (s *Store) Renew(ctx context.Context, key, token string, ttl time.Duration) (ok bool, err error) {
	err = s.do(ctx, func() {
		now := s.nowLocked()
		if l := s.leases[key]; l.token == token && now.Before(l.until) {
			s.leases[key] = lease{token, now.Add(ttl)}
			ok = true
		}
		ok = ok || s.lie
	})
	return ok, err
}

// Release frees the lease if it is token's. See [leader.Store].
func (s *Store) Release(ctx context.Context, key, token string) error {
	return s.do(ctx, func() {
		if s.leases[key].token == token {
			delete(s.leases, key)
		}
	})
}

func (s *Store) do(ctx context.Context, fn func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	err, delay := s.err, s.delay
	if err == nil {
		fn()
	}
	s.mu.Unlock()
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}
