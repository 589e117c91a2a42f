package durable_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/hosted"
)

// cutOff is a store that may not answer a check.
type cutOff[TTx any] struct {
	store.Backend[TTx]
	away atomic.Bool
}

var errCutOff = errors.New("connection refused")

func (c *cutOff[TTx]) Check(ctx context.Context) error {
	if c.away.Load() {
		return errCutOff
	}
	return c.Backend.Check(ctx)
}

// notes is a log that can be read while it is written.
type notes struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notes) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(b)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

func storeAway[TTx any](t *testing.T, e env[TTx]) {
	cut, log := &cutOff[TTx]{Backend: store.Of(e.store)}, &notes{}
	cfg := quick(durable.EnqueueOnly)
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	jobs, err := durable.New(fake[TTx](cut), cfg)
	must(t, err)
	durable.SetBeat(jobs, 20*time.Millisecond)
	q := newQueue[int](t, jobs, "mails", nil, durable.QueueConfig[int]{})
	host := hosted.New(hosted.Config{HealthTimeout: 200 * time.Millisecond}) // and as long it keeps an answer
	host.Add("jobs", jobs, hosted.Health(jobs.CheckStore))
	must(t, host.Start(t.Context()))
	t.Cleanup(func() { must(t, host.Stop(context.Background())) })
	ready := func() int {
		w := httptest.NewRecorder()
		host.ReadyHandler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
		return w.Code
	}
	page := dashboard.New(host, dashboard.Config{})
	if got := page.State(); got.Verdict != dashboard.OK || ready() != http.StatusOK {
		t.Errorf("a store that answers: %v, readiness %d", got.Problems, ready())
	}
	cut.away.Store(true)
	began := time.Now()
	until(t, "the outage is known", func() bool { since, err := jobs.Outage(); return err != nil && !since.Before(began) })
	if err := jobs.CheckStore(t.Context()); !errors.Is(err, errCutOff) {
		t.Errorf("a store that is away: %v", err)
	}
	until(t, "readiness says so", func() bool { return ready() == http.StatusServiceUnavailable })
	if got := page.State(); len(got.Problems) != 1 || got.Problems[0].Why != errCutOff.Error() || got.Headline == "All is well" {
		t.Errorf("the page says %q: %+v", got.Headline, got.Problems)
	}
	cut.away.Store(false)
	until(t, "the store is back", func() bool { _, err := jobs.Outage(); return err == nil })
	if got := page.State(); got.Headline != "All is well" {
		t.Errorf("the store is back: %v", got.Problems)
	}
	until(t, "readiness says so", func() bool { return ready() == http.StatusOK })
	must(t, q.Enqueue(t.Context(), 1))
	for _, line := range []string{"store does not answer", "store answers again"} {
		if n := strings.Count(log.String(), line); n != 1 {
			t.Errorf("the log says %d times: %s\n%s", n, line, log)
		}
	}
}
