package hostedtest_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// fakeTB is a testing.TB that keeps what it is told.
type fakeTB struct {
	testing.TB // whose other methods nobody calls

	ctx      context.Context
	failed   bool
	skipped  bool
	said     strings.Builder
	cleanups []func()
}

func (f *fakeTB) Helper()                           {}
func (f *fakeTB) Failed() bool                      { return f.failed }
func (f *fakeTB) Cleanup(fn func())                 { f.cleanups = append(f.cleanups, fn) }
func (f *fakeTB) Context() context.Context          { return f.ctx }
func (f *fakeTB) Error(args ...any)                 { f.failed = true; fmt.Fprintln(&f.said, args...) }
func (f *fakeTB) Errorf(format string, args ...any) { f.Error(fmt.Sprintf(format, args...)) }
func (f *fakeTB) Fatal(args ...any)                 { f.Error(args...); runtime.Goexit() }
func (f *fakeTB) Fatalf(format string, args ...any) { f.Errorf(format, args...); runtime.Goexit() }
func (f *fakeTB) Skipf(format string, args ...any) {
	f.skipped = true
	fmt.Fprintf(&f.said, format+"\n", args...)
	runtime.Goexit()
}

// try runs a test on a fake TB as package testing does.
func try(test func(t testing.TB)) *fakeTB {
	ctx, cancel := context.WithCancel(context.Background())
	f := &fakeTB{ctx: ctx}
	inGoroutine(func() { test(f) })
	cancel()
	for _, fn := range slices.Backward(f.cleanups) {
		inGoroutine(fn)
	}
	return f
}

// inGoroutine waits for fn, which may end with a Goexit.
func inGoroutine(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	<-done
}

func wantText(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not say %q", text, part)
		}
	}
}
