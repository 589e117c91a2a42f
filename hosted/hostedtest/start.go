package hostedtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
)

// settle is how long goroutines that are about to return may take.
const settle = 20 * time.Second

// Start starts the host, and stops it when the test and its sub-tests have ended.
//
// If the start fails, Start ends the test as t.Fatal does. The host stops within its own
// ShutdownTimeout. The test fails if the stop returns an error, if services did not stop
// in time, and if a goroutine of a service is left, nested hosts included. If the runtime
// has the goroutineleak profile (Go 1.26 built with GOEXPERIMENT=goroutineleakprofile),
// the test also fails if goroutines leaked while the host ran. A test may stop the host
// itself before its end, and an error of that stop still fails the test. A test that
// expects an error calls [hosted.Host.Start] and Stop instead.
//
// Services see the values of t.Context() and not its end. Call Start from the goroutine
// of a test only. It also works in a testing/synctest bubble.
func Start(t testing.TB, h *hosted.Host) {
	t.Helper()
	if err := h.Start(t.Context()); err != nil {
		t.Fatalf("hostedtest: %v%s", err, stragglers(err))
	}
	t.Cleanup(func() {
		t.Helper()
		if lost := listed(h.Leaked(), ""); lost != "" {
			t.Errorf("hostedtest: goroutines were leaked while the host ran:\n%s", lost)
		}
		err := h.Stop(context.Background())
		if err != nil {
			t.Errorf("hostedtest: %v%s", err, stragglers(err))
		}
		var timeout *hosted.TimeoutError
		if errors.As(err, &timeout) {
			return // what is left has just been shown
		}
		if left := leaks(h); left != "" {
			t.Errorf("hostedtest: goroutines are left after the stop:\n%s", left)
		}
	})
}

// stragglers is the stacks of those named in err.
func stragglers(err error) string {
	var timeout *hosted.TimeoutError
	if !errors.As(err, &timeout) {
		return ""
	}
	var b strings.Builder
	for _, s := range timeout.Stragglers {
		fmt.Fprintf(&b, "\n%s, left in %s: %s", s.Service, s.Op, s.Stacks)
	}
	return b.String()
}

// leaks waits until no goroutine of the host is left and returns the stacks of
// the ones that do not end.
func leaks(h *hosted.Host) string {
	var left string
	until(settle, func() bool {
		left = all(h, "")
		return left == ""
	})
	return left
}

func all(h *hosted.Host, prefix string) string {
	var b strings.Builder
	b.WriteString(listed(h.Stacks(), prefix))
	for _, s := range h.Services() {
		if inner, ok := hosted.As[*hosted.Host](s.Service); ok {
			b.WriteString(all(inner, prefix+s.Name+"/"))
		}
	}
	return b.String()
}

func listed(stacks map[string]string, prefix string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(stacks)) {
		fmt.Fprintf(&b, "%s%s: %s", prefix, name, stacks[name])
	}
	return b.String()
}

// until asks again and again, at growing distances, and reports whether the
// answer became true in time. In a bubble of testing/synctest the first pause
// already lets everything else come to rest.
func until(patience time.Duration, done func() bool) bool {
	last := time.Now().Add(patience)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		if done() {
			return true
		}
		if !time.Now().Before(last) {
			return false
		}
		time.Sleep(pause)
	}
}
