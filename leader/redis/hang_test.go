//go:build unix

package redis_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/steadgo/stead/internal/testserver"
)

// A server that takes requests and does not answer.
func TestACallEndsWithItsContext(t *testing.T) {
	testserver.Wanted(t)
	server := testserver.NewRedis(t)
	s := open(t, server.Addr)
	acquire(t, s, "a")
	server.Signal(syscall.SIGSTOP)
	defer server.Signal(syscall.SIGCONT)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := s.Renew(ctx, "news", "a", time.Minute); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Renew = %v", err)
	}
	if took := time.Since(began); took > 2*time.Second { // the client's own timeout is 3 s
		t.Errorf("Renew took %v", took)
	}
}
