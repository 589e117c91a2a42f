package leader_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/leader"
	"github.com/steadgo/stead/leader/leadertest"
)

const ttl = 10 * time.Second

var errStore = errors.New("the store is on fire")

// sight collects a log; it may be read while it is written.
type sight struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *sight) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *sight) lines(t *testing.T, part string) (n int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.text.String(), part)
}

// env is one store in a bubble.
type env struct {
	store leadertest.Store
	log   sight
}

func bubble(t *testing.T, test func(t *testing.T, e *env)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, &env{}) })
}

func (e *env) config() leader.Config {
	return leader.Config{Group: "news", TTL: ttl, Logger: slog.New(slog.NewTextHandler(&e.log, nil))}
}

func (e *env) elector(t *testing.T) *leader.Elector {
	t.Helper()
	elector, err := leader.New(&e.store, e.config())
	if err != nil {
		t.Fatal(err)
	}
	return elector
}

// up starts a service and stops it at the end of the test.
func up(t *testing.T, s hosted.Service) {
	t.Helper()
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		_ = s.Stop(ctx)
	})
	synctest.Wait()
}

func down(t *testing.T, s hosted.Service, within time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return s.Stop(ctx)
}

// until waits in fake time for what no channel tells.
func until(t *testing.T, what string, happened func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !happened() {
		if time.Since(began) > time.Hour {
			t.Fatalf("never happened: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(began)
}

func leading(e *leader.Elector) func() bool { return func() bool { return e.Stats().Leading } }

// obeys is work that returns when its context ends, and asyncLog when and why.
type obeys struct {
	mu    sync.Mutex
	runs  int
	ended time.Time
	cause error
	fence int64
	takes time.Duration // to return
}

func (o *obeys) run(ctx context.Context) error {
	o.mu.Lock()
	o.runs++
	o.fence = leader.Fence(ctx)
	o.mu.Unlock()
	<-ctx.Done()
	o.mu.Lock()
	o.ended, o.cause = time.Now(), context.Cause(ctx)
	takes := o.takes
	o.mu.Unlock()
	time.Sleep(takes)
	return ctx.Err()
}

func (o *obeys) do(ctx context.Context, _ int64) error { return o.run(ctx) }

func (o *obeys) get() (runs int, ended time.Time, cause error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.runs, o.ended, o.cause
}
