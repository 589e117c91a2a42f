// Package leadertest helps to test programs that use package leader. It has a store
// in memory that loses leases, answers late or does not answer on request, and a
// conformance test for stores.
//
// # Usage
//
// In a testing/synctest bubble everything here takes no time:
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
// One test checks a store of your own against the contract of leader.Store:
//
//	func TestItConforms(t *testing.T) { leadertest.Conform(t, mine, nil) }
//
// # Guarantees
//
//  1. Nothing here has a goroutine or depends on chance. A test that fails, fails
//     again.
//  2. Faults take effect with the next call and last until they are reset. Leases
//     that were granted before stay granted.
//  3. A fence is the larger of one more than the last and the time of the store in
//     milliseconds, as in leader/postgres and leader/redis.
//
// # Not for
//
// Several processes: each has a memory of its own, and all of them would lead.
// Tests with a real server that is stopped, cut off or killed: use the server.
package leadertest

import (
	"context"
	"sync"
	"time"

	"github.com/steadgo/stead/leader"
)

// Store stores leases in memory. The zero value is ready to use. It is safe for
// concurrent use. Its clock is that of the process, or of a bubble.
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

// Fail makes every call fail with err, like an unreachable store. If err is nil,
// calls succeed again. Meanwhile nothing changes in the store, but its leases
// expire: a leader loses the lead within the TTL, and a follower cannot gain it.
func (s *Store) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Delay delays every answer by d after the call took effect. If the context of a
// call is done before that, the call has taken effect and the caller does not know.
// If d is 0, there is no delay. Half a TTL is enough to show that a lease is
// counted from the request and not from the answer.
func (s *Store) Delay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// Forget deletes all leases and fences, like FLUSHALL or a restart without
// persistence. The leader notices at its next renewal; until then two processes may
// lead.
func (s *Store) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leases, s.fences = nil, nil
}

// SetClock sets the clock of the store forward, or back, by d relative to that of
// the process. It replaces an earlier setting. If d is 0, there is no difference.
func (s *Store) SetClock(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = d
}

// Lie makes the store grant every lease to every caller and confirm every renewal.
// There are then two leaders, as after a failover that lost a lease, and only the
// fence of its writes protects a program. Lie cannot be undone.
func (s *Store) Lie() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lie = true
}

// Holder returns the token that holds the lease of key, or "". A token is
// leader.Config.Name, a space, and a random text; without a name only the random
// text.
func (s *Store) Holder(key string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.leases[key]; s.nowLocked().Before(l.until) {
		return l.token
	}
	return ""
}

func (s *Store) nowLocked() time.Time { return time.Now().Add(s.skew) }

// Acquire acquires the lease if it is free. See [leader.Store].
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

// Renew extends the lease if token holds it. See [leader.Store].
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

// Release frees the lease if token holds it. See [leader.Store].
func (s *Store) Release(ctx context.Context, key, token string) error {
	return s.do(ctx, func() {
		if s.leases[key].token == token {
			delete(s.leases, key)
		}
	})
}

// do is one call. It takes effect at once or not at all, and its answer comes after
// the delay.
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
