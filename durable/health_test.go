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
	return c.Backend.Check(context.WithoutCancel(ctx)) // it answers, on whatever machine
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
	until(t, "a store that answers is no problem", func() bool { return page.State().Verdict == dashboard.OK && ready() == http.StatusOK })
	cut.away.Store(true)
	began := time.Now()
	until(t, "the outage is known", func() bool { since, err := jobs.Outage(); return err != nil && !since.Before(began) })
	if err := jobs.CheckStore(t.Context()); !errors.Is(err, errCutOff) {
		t.Errorf("a store that is away: %v", err)
	}
	until(t, "readiness says so", func() bool { return ready() == http.StatusServiceUnavailable })
	until(t, "the page says so", func() bool {
		got := page.State()
		return len(got.Problems) == 1 && got.Problems[0].Why == errCutOff.Error() && got.Headline != "All is well"
	})
	cut.away.Store(false)
	until(t, "the store is back", func() bool { _, err := jobs.Outage(); return err == nil })
	until(t, "the page says so", func() bool { return page.State().Headline == "All is well" })
	until(t, "readiness says so", func() bool { return ready() == http.StatusOK })
	must(t, q.Enqueue(t.Context(), 1))
	until(t, "the log says so", func() bool { return strings.Contains(log.String(), "store answers again") })
	for _, line := range []string{"store does not answer", "store answers again"} {
		if n := strings.Count(log.String(), line); n != 1 {
			t.Errorf("the log says %d times: %s\n%s", n, line, log)
		}
	}
}
