package redis_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	client "github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/steadgo/stead/leader"
	"github.com/steadgo/stead/leader/leadertest"
	"github.com/steadgo/stead/leader/redis"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, addr string) *redis.Store {
	t.Helper()
	s, err := redis.Open("redis://" + addr + "/0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// STEAD_TEST_REDIS=host:port runs it on that server; keys of the tests expire.
func TestTheStoreConforms(t *testing.T) {
	if addr := os.Getenv("STEAD_TEST_REDIS"); addr != "" {
		leadertest.Conform(t, open(t, addr), nil)
		return
	}
	m := miniredis.RunT(t)
	leadertest.Conform(t, open(t, m.Addr()), m.FastForward)
}

// A program's own client, without deadlines from contexts.
func TestAWrappedClientConformsAndStaysOpen(t *testing.T) {
	m := miniredis.RunT(t)
	c := client.NewClient(&client.Options{Addr: m.Addr()})
	defer func() { _ = c.Close() }()
	s := redis.Wrap(c)
	leadertest.Conform(t, s, m.FastForward)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Errorf("the client was closed: %v", err)
	}
}

func acquire(t *testing.T, s leader.Store, token string) int64 {
	t.Helper()
	fence, ok, err := s.Acquire(t.Context(), "news", token, time.Minute)
	if err != nil || !ok {
		t.Fatalf("Acquire = %v, %v", ok, err)
	}
	return fence
}

func TestAFlushNeverStepsTheFenceBack(t *testing.T) {
	m := miniredis.RunT(t)
	s := open(t, m.Addr())
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	last := int64(0)
	for n := range 100 {
		now = now.Add(time.Millisecond)
		m.SetTime(now)
		fence := acquire(t, s, fmt.Sprint(n))
		if fence <= last {
			t.Fatalf("fence %d after %d", fence, last)
		}
		last = fence
		m.FlushAll()
	}
}

func TestAClockThatIsSetBackDoesNotStepTheFenceBack(t *testing.T) {
	m := miniredis.RunT(t)
	s := open(t, m.Addr())
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	last := int64(0)
	for n := range 24 {
		m.SetTime(now)
		fence := acquire(t, s, fmt.Sprint(n))
		if fence <= last {
			t.Fatalf("fence %d after %d", fence, last)
		}
		last = fence
		if err := s.Release(t.Context(), "news", fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
		now = now.Add(-time.Minute)
	}
}

func TestAServerThatIsAwayIsAnError(t *testing.T) {
	m := miniredis.RunT(t)
	s := open(t, m.Addr())
	m.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, ok, err := s.Acquire(ctx, "news", "a", time.Minute); err == nil || ok {
		t.Errorf("Acquire = %v, %v", ok, err)
	}
	if _, err := redis.Open("http://nowhere"); err == nil {
		t.Error("a wrong URL is accepted")
	}
}

func ExampleOpen() {
	store, err := redis.Open("redis://localhost:6379/0") // connects when it is used
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = store.Close() }()
	elector, err := leader.New(store, leader.Config{Group: "newsletter"})
	fmt.Println(elector.Group(), err)
	// Output: newsletter <nil>
}

func ExampleStore() {
	cluster := client.NewUniversalClient(&client.UniversalOptions{Addrs: []string{"a:6379", "b:6379"}})
	defer func() { _ = cluster.Close() }()
	elector, err := leader.New(redis.Wrap(cluster), leader.Config{Group: "newsletter"})
	fmt.Println(elector.Group(), err)
	// Output: newsletter <nil>
}

// A lease that is shorter in the store than here would be trusted when it is over.
func TestALeaseIsNoShorterInTheStoreThanAsked(t *testing.T) {
	m := miniredis.RunT(t)
	s := open(t, m.Addr())
	const ttl = 30*time.Millisecond + 900*time.Microsecond
	for _, ask := range []func() (bool, error){
		func() (bool, error) { _, ok, err := s.Acquire(t.Context(), "k", "a", ttl); return ok, err },
		func() (bool, error) { return s.Renew(t.Context(), "k", "a", ttl) },
	} {
		if ok, err := ask(); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if got := m.TTL("stead:lease:{k}"); got < ttl {
			t.Errorf("it lasts %v there, %v here", got, ttl)
		}
	}
}
