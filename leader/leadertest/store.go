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
// A store of your own is held to the contract of leader.Store by one test:
//
//	func TestItConforms(t *testing.T) { leadertest.Conform(t, mine, nil) }
//
// # Guarantees
//
//  1. Nothing here has a goroutine, and nothing depends on chance: a test that
//     fails fails again.
//  2. Faults take effect with the next call, and last until they are taken back.
//     What was granted before stays granted.
//  3. A fence is the larger of one more than the last and the store's time in
//     milliseconds, as in leader/postgres and leader/redis.
//
// # Not for
//
// Several processes: each has a memory of its own, and all of them would lead.
// Tests of how a program gets on with a real server that is stopped, cut off or
// killed: take the server for that.
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
// that. Nothing changes in the store meanwhile, but its leases run out: a leader
// loses its lead within the TTL, and a follower gets none.
func (s *Store) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Delay makes every answer come so much later than what it answers to happened, or
// end with its context: then what was done is done all the same, and nobody knows.
// 0 ends that. Half a TTL is enough to show that a lease is counted from the
// request and not from the answer.
func (s *Store) Delay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// Forget loses all leases and fences, as FLUSHALL or a restart without persistence.
// Who led finds out at the next renewal; until then two may lead.
func (s *Store) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leases, s.fences = nil, nil
}

// SetClock sets the store's clock forward, or back, by d against the process's. It
// is not added to what was set before; 0 is no difference.
func (s *Store) SetClock(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = d
}

// Lie makes the store give every lease to everybody who asks, and confirm every
// renewal: two leaders, as after a failover that lost a lease. What saves a program
// then is that its writes carry the fence. There is no way back to the truth.
func (s *Store) Lie() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lie = true
}

// Holder is the token that has the lease of key, "" if nobody has it. A token is
// leader.Config.Name, a blank, and chance; without a name just chance.
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

// do is one call: it happens at once or not at all, and its answer comes after the
// delay.
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
