package leadertest

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steadgo/stead/leader"
)

// Conform checks a store against the contract of [leader.Store], in one subtest for
// each promise. It uses random keys with characters that Config.Group allows, and
// leaves leases of a minute behind. elapse must let time pass for the store; it is
// called a few times with about half a second. If nil, time.Sleep is used. Conform
// takes a second or two.
//
// Conform cannot check that the store keeps leases when it is killed, restarted or
// failed over. That needs tests with a real server.
func Conform(t *testing.T, store leader.Store, elapse func(d time.Duration)) {
	t.Helper()
	if elapse == nil {
		elapse = time.Sleep
	}
	for _, check := range []struct {
		name string
		run  func(*subject)
	}{
		{"OneHolderAtATime", oneHolder},
		{"AnEndedLeaseIsTakenByAnother", ended},
		{"ARenewedLeaseLasts", renewed},
		{"OnlyTheHolderRenews", onlyHolderRenews},
		{"OnlyTheHolderReleases", onlyHolderReleases},
		{"AskingTwiceWithOneTokenSucceeds", asksTwice},
		{"FencesRise", fencesRise},
		{"ManyAtOnceAndOneGetsIt", many},
		{"KeysAreApart", keysApart},
		{"AContextThatIsDoneTakesNothing", contextDone},
	} {
		t.Run(check.name, func(t *testing.T) {
			check.run(&subject{T: t, store: store, elapse: elapse, key: "conform " + rand.Text() + ` '%\"é`})
		})
	}
}

// long outlasts a check on any machine. short is waited for, but gives a slow server the
// time to answer before the lease expires.
const (
	long  = time.Minute
	short = 200 * time.Millisecond
)

// subject is one check of one store. Its helpers end the check at the first
// failure, because later results would mean nothing.
type subject struct {
	*testing.T
	store  leader.Store
	elapse func(time.Duration)
	key    string
}

func (s *subject) acquire(token string, ttl time.Duration, want bool) int64 {
	s.Helper()
	fence, ok, err := s.store.Acquire(s.Context(), s.key, token, ttl)
	if err != nil {
		s.Fatalf("leadertest: Acquire: %v", err)
	}
	if ok != want {
		s.Fatalf("leadertest: Acquire for %q = %v, want %v", token, ok, want)
	}
	if ok && fence <= 0 {
		s.Fatalf("leadertest: the fence is %d", fence)
	}
	return fence
}

func (s *subject) renews(token string) bool {
	s.Helper()
	ok, err := s.store.Renew(s.Context(), s.key, token, long)
	if err != nil {
		s.Fatalf("leadertest: Renew: %v", err)
	}
	return ok
}

func (s *subject) renew(token string, want bool) {
	s.Helper()
	if ok := s.renews(token); ok != want {
		s.Fatalf("leadertest: Renew for %q = %v, want %v", token, ok, want)
	}
}

func (s *subject) release(token string) {
	s.Helper()
	if err := s.store.Release(s.Context(), s.key, token); err != nil {
		s.Fatalf("leadertest: Release: %v", err)
	}
}

// A refused attempt changes nothing: the holder remains the holder.
func oneHolder(s *subject) {
	s.acquire("a", long, true)
	s.acquire("b", long, false)
	s.release("a")
	s.acquire("b", long, true)
	s.acquire("a", long, false)
}

// A lease expires by the clock of the store, as its holder may have crashed. Worse
// than no leader is a former leader that is told that it still leads.
func ended(s *subject) {
	s.acquire("a", short, true)
	s.elapse(short + short/2)
	s.acquire("b", long, true)
	s.renew("a", false)
}

// A renewal counts from now, not from when the lease would have expired.
func renewed(s *subject) {
	ttl := short
	for began := time.Now(); ; began = time.Now() {
		s.acquire("a", ttl, true)
		if s.renews("a") {
			break
		}
		if time.Since(began) < ttl {
			s.Fatalf("leadertest: Renew for %q = false, want true", "a")
		}
		ttl *= 4 // the lease had expired by then: the machine is that slow
	}
	s.elapse(ttl + ttl/2)
	s.acquire("b", long, false)
}

// A renewal never creates a lease. A store that lost a lease must not get it back
// from its former holder, who would lead beside the next one.
func onlyHolderRenews(s *subject) {
	s.renew("a", false) // nobody has it
	s.acquire("a", long, true)
	s.renew("b", false)
	s.renew("a", true)
	s.release("a")
	s.renew("a", false)
}

// A late release, from a process that was paused, does not affect the current
// holder and is not an error.
func onlyHolderReleases(s *subject) {
	s.release("a") // nobody has it
	s.acquire("a", long, true)
	s.release("b")
	s.acquire("b", long, false)
	s.release("a")
	s.acquire("b", long, true)
	s.release("a") // late
	s.acquire("a", long, false)
}

// A client may repeat a request whose answer was lost. If the second were refused,
// the lease would be held by a process that does not know.
func asksTwice(s *subject) {
	first := s.acquire("a", long, true)
	if second := s.acquire("a", long, true); second < first {
		s.Errorf("leadertest: the fence fell from %d to %d", first, second)
	}
}

// Fifty terms within a few milliseconds: a clock alone is too coarse to distinguish
// them, and the receiver would accept a write of an earlier one.
func fencesRise(s *subject) {
	last := int64(0)
	for n := range 50 {
		token := strings.Repeat("x", 1+n%3)
		fence := s.acquire(token, long, true)
		if fence <= last {
			s.Fatalf("leadertest: fence %d after %d", fence, last)
		}
		last = fence
		s.release(token)
	}
}

// A store that reads and then writes in two steps passes all of the other checks.
func many(s *subject) {
	for range 5 {
		var mu sync.Mutex
		var got []string
		var all sync.WaitGroup
		for range 20 {
			token := rand.Text()
			all.Go(func() {
				_, ok, err := s.store.Acquire(s.Context(), s.key, token, long)
				if err != nil {
					s.Errorf("leadertest: Acquire: %v", err)
				}
				if ok {
					mu.Lock()
					defer mu.Unlock()
					got = append(got, token)
				}
			})
		}
		all.Wait()
		if len(got) != 1 {
			s.Fatalf("leadertest: %d of 20 got it", len(got))
		}
		s.release(got[0])
	}
}

// This detects a store that has one lease for all keys, or truncates keys.
func keysApart(s *subject) {
	s.acquire("a", long, true)
	s.key += "2"
	s.acquire("b", long, true)
}

// A canceled caller acquires nothing.
func contextDone(s *subject) {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	if _, ok, err := s.store.Acquire(ctx, s.key, "a", long); ok || err == nil {
		s.Errorf("leadertest: Acquire = %v, %v", ok, err)
	}
	s.acquire("b", long, true)
}
