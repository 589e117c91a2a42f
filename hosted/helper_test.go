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

// Errors that services of the tests fail with.
var (
	errBoom  = errors.New("boom")
	errOther = errors.New("other")
	errWhy   = errors.New("because of the test")
)

// bubble is a test with a clock of its own.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// pass lets time pass in a bubble and everything settle.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// starts starts h and stops it at the latest when the test is over.
func starts(t testing.TB, h *hosted.Host) {
	t.Helper()
	t.Cleanup(func() { _ = h.Stop(context.Background()) })
	if err := h.Start(t.Context()); err != nil {
		t.Fatalf("start: %v", err)
	}
}

func stops(t testing.TB, h *hosted.Host) {
	t.Helper()
	if err := h.Stop(context.Background()); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// runs calls Run on a goroutine and returns what it will return.
func runs(ctx context.Context, h *hosted.Host) <-chan error {
	result := make(chan error, 1)
	go func() { result <- h.Run(ctx) }()
	return result
}

func wantIs(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("got error %v, want one that is %v", err, target)
	}
}

func wantNot(t testing.TB, err, target error) {
	t.Helper()
	if errors.Is(err, target) {
		t.Errorf("got error %v, want one that is not %v", err, target)
	}
}

func wantNil(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("got error %v, want none", err)
	}
}

func wantText(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not say %q", text, part)
		}
	}
}

// findServiceError finds the error of one call of one service.
func findServiceError(t testing.TB, err error, service, op string) *hosted.ServiceError {
	t.Helper()
	for _, e := range flat(err) {
		if s, ok := e.(*hosted.ServiceError); ok && s.Service == service && s.Op == op { //nolint:errorlint // flat has unwrapped it
			return s
		}
	}
	t.Errorf("%v has no error of %s %q", err, op, service)
	return &hosted.ServiceError{}
}

func wantServiceError(t testing.TB, err error, service, op string) {
	t.Helper()
	_ = findServiceError(t, err, service, op)
}

// flat is err and everything it wraps, in order.
func flat(err error) []error {
	if err == nil {
		return nil
	}
	all := []error{err}
	switch e := err.(type) { //nolint:errorlint // this is the unwrapping
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			all = append(all, flat(inner)...)
		}
	case interface{ Unwrap() error }:
		all = append(all, flat(e.Unwrap())...)
	}
	return all
}

// calls lists the ServiceErrors in err as "op service", in order.
func calls(err error) (list []string) {
	for _, e := range flat(err) {
		if s, ok := e.(*hosted.ServiceError); ok { //nolint:errorlint // flat has unwrapped it
			list = append(list, s.Op+" "+s.Service)
		}
	}
	return list
}

// stragglers lists those in err as "op service".
func stragglers(err error) (list []string) {
	var timeout *hosted.TimeoutError
	if errors.As(err, &timeout) {
		for _, s := range timeout.Stragglers {
			list = append(list, s.Op+" "+s.Service)
		}
	}
	return list
}

func wantList(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func status(t testing.TB, h *hosted.Host, name string) hosted.ServiceStatus {
	t.Helper()
	for _, s := range h.Services() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no service %q", name)
	return hosted.ServiceStatus{}
}

func wantState(t testing.TB, h *hosted.Host, name string, want lifecycle.State) {
	t.Helper()
	if got := status(t, h, name).State; got != want {
		t.Errorf("%s is %v, want %v", name, got, want)
	}
}

func closed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
