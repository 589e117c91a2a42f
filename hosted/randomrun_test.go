package hosted_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// inside is a nested host, as the one it is in sees it.
type inside struct {
	hosted.Service
	w *witness
	// Guarded by w.mu.
	late     bool // its Start came back when its context had ended: it may have been given up
	left     bool // its Stop has returned: whoever is in there is out, or was given up
	deadline time.Time
}

func (s *inside) Unwrap() hosted.Service { return s.Service }

func (s *inside) Start(ctx context.Context) error {
	err := s.Service.Start(ctx)
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.late = ctx.Err() != nil
	return err
}

func (s *inside) Stop(ctx context.Context) error {
	s.w.mu.Lock()
	s.deadline, _ = ctx.Deadline()
	s.w.mu.Unlock()
	defer func() {
		s.w.mu.Lock()
		defer s.w.mu.Unlock()
		s.left = true
	}()
	return s.Service.Stop(ctx)
}

// live is the life of one host, from Run to what comes back late.
func live(t *testing.T, w *witness, h *hosted.Host, cfg hosted.Config) {
	t.Helper()
	r := w.r
	when, how, given := time.Duration(r.IntN(8000))*time.Millisecond, r.IntN(4), time.Duration(r.IntN(6000))*time.Millisecond
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	asked := make(chan time.Time, 1)
	go func() { <-h.Lifetime().Stopping(); asked <- time.Now() }()
	result := runs(ctx, h)
	budget := cfg.ShutdownTimeout
	over := make(chan struct{})
	go func() {
		defer close(over)
		time.Sleep(when)
		_ = h.Reload(ctx)
		switch how {
		case 0:
			h.Lifetime().Stop(errWhy)
		case 1:
			bounded, release := context.WithTimeout(t.Context(), given)
			defer release()
			_ = h.Stop(bounded)
		case 2:
			_ = h.Stop(context.Background())
		default:
			cancel(errWhy)
		}
	}()
	err := <-result
	began := <-asked
	if how == 1 && h.Lifetime().Cause() == lifecycle.ErrStopRequested { //nolint:errorlint // this very one
		budget = min(budget, given)
	}
	if took := time.Since(began); took > budget+50*time.Millisecond {
		t.Errorf("the stop took %v of %v", took, budget)
	}
	missing(t, w, h, err)
	if ok(h.ReadyHandler()) {
		t.Error("it is ready after its stop")
	}
	for _, s := range h.Services() {
		if s.State != lifecycle.Stopped && s.State != lifecycle.Completed && s.State != lifecycle.Failed && s.State != lifecycle.New {
			t.Errorf("%s is left %v", s.Name, s.State)
		}
	}
	if err != nil && !w.bad && closed(h.Lifetime().Started()) && (how != 1 || given > 4*time.Second) {
		t.Errorf("nobody did anything wrong, and the result is %v", err)
	}
	report := h.Report().String()
	close(w.release)
	time.Sleep(time.Hour)
	<-over
	synctest.Wait()
	if now := h.Report().String(); now != report {
		t.Errorf("what came back late has changed the report from\n%s\nto\n%s", report, now)
	}
	if again := h.Stop(t.Context()); closed(h.Lifetime().Started()) && !sameError(again, err) {
		t.Errorf("Run returned %v and Stop %v", err, again)
	}
	for _, a := range w.actors {
		if !a.loop && a.ups != a.stops {
			t.Errorf("%s came up %d times and was stopped %d times", a.path, a.ups, a.stops)
		}
	}
}

func sameError(a, b error) bool { return a == b || a != nil && b != nil && a.Error() == b.Error() } //nolint:errorlint // this very one

// missing compares the stragglers with what has not returned.
func missing(t *testing.T, w *witness, h *hosted.Host, err error) {
	t.Helper()
	var timeout *hosted.TimeoutError
	var named []string
	if errors.As(err, &timeout) {
		for _, s := range timeout.Stragglers {
			named = append(named, s.Service)
		}
	}
	for _, name := range w.unreturned() {
		known := slices.ContainsFunc(named, func(s string) bool { return s == name || strings.HasPrefix(name, s+"/") })
		if !known {
			t.Errorf("%s is not back, and only %q are named by %v", name, named, err)
		}
	}
}
