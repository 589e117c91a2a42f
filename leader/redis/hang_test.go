//go:build unix

package redis_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/steadgo/stead/internal/testserver"
	"github.com/steadgo/stead/leader"
	"github.com/steadgo/stead/leader/redis"
)

// A server that takes requests and does not answer.
func TestACallEndsWithItsContext(t *testing.T) {
	testserver.Wanted(t)
	server := testserver.NewRedis(t)
	s, err := redis.Open("redis://" + server.Addr + "/0?read_timeout=5m") // the context is to end it
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	acquire(t, s, "a")
	server.Signal(syscall.SIGSTOP)
	defer server.Signal(syscall.SIGCONT)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := s.Renew(ctx, "news", "a", time.Minute); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Renew = %v", err)
	}
	if took := time.Since(began); took > time.Minute { // the client's own timeout is 5 minutes
		t.Errorf("Renew took %v", took)
	}
}

// counted tells of each try for the lease that failed.
type counted struct {
	leader.Store

	failed chan struct{}
}

func (c counted) Acquire(ctx context.Context, key, token string, ttl time.Duration) (int64, bool, error) {
	fence, ok, err := c.Store.Acquire(ctx, key, token, ttl)
	if err != nil {
		select {
		case c.failed <- struct{}{}:
		default:
		}
	}
	return fence, ok, err
}

// The server takes the lease for a try that the client gave up on while the server
// was stopped. It lasts for an hour: whoever waits for its end is not seen here.
func TestALeaseThatAStoppedServerGaveToNobodyIsTaken(t *testing.T) {
	testserver.Wanted(t)
	server := testserver.NewRedis(t)
	s, err := redis.Open("redis://" + server.Addr + "/0?read_timeout=100ms&max_retries=-1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	// Until the script is there, and a connection: a busy machine may take longer than the
	// client has patience.
	for began := time.Now(); ; {
		_, ok, err := s.Acquire(t.Context(), "news", "a", time.Minute)
		if ok {
			err = s.Release(t.Context(), "news", "a")
		}
		if ok && err == nil {
			break
		}
		if time.Since(began) > 2*time.Minute {
			t.Fatalf("Acquire = %v, %v", ok, err)
		}
	}
	server.Signal(syscall.SIGSTOP)
	store := counted{s, make(chan struct{}, 1)}
	done := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		done <- leader.Do(ctx, store, "news", func(context.Context, int64) error { return nil },
			leader.With(leader.Config{TTL: time.Hour, Retry: 50 * time.Millisecond}))
	}()
	<-store.failed
	<-store.failed // a release has been tried too, if one was going to be
	server.Signal(syscall.SIGCONT)
	if err := <-done; err != nil {
		t.Errorf("Do = %v", err)
	}
}
