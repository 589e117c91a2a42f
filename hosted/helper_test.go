package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
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

// record is what happened, in order.
type record struct {
	mu    sync.Mutex
	lines []string
}

func (r *record) addf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func (r *record) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

func (r *record) count(line string) (n int) {
	for _, l := range r.all() {
		if l == line {
			n++
		}
	}
	return n
}

func (r *record) want(t testing.TB, lines ...string) {
	t.Helper()
	if got := r.all(); !slices.Equal(got, lines) {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), strings.Join(lines, ", "))
	}
}

// fake is a Service of functions; nil ones do nothing.
type fake struct {
	start, stop func(ctx context.Context) error
}

func call(ctx context.Context, fn func(ctx context.Context) error) error {
	if fn == nil {
		return nil
	}
	return fn(ctx)
}

func (f *fake) Start(ctx context.Context) error { return call(ctx, f.start) }
func (f *fake) Stop(ctx context.Context) error  { return call(ctx, f.stop) }

// hooked is a fake with every hook of the host's life.
type hooked struct {
	fake
	starting, started, stopping, stopped func(ctx context.Context) error
}

func (f *hooked) Starting(ctx context.Context) error { return call(ctx, f.starting) }
func (f *hooked) Started(ctx context.Context) error  { return call(ctx, f.started) }
func (f *hooked) Stopping(ctx context.Context) error { return call(ctx, f.stopping) }
func (f *hooked) Stopped(ctx context.Context) error  { return call(ctx, f.stopped) }

// ending is a fake that can end by itself.
type ending struct {
	fake
	done chan struct{}
	err  error
}

func newEnding() *ending { return &ending{done: make(chan struct{})} }

func (e *ending) end(err error) {
	e.err = err
	close(e.done)
}

func (e *ending) Done() <-chan struct{} { return e.done }
func (e *ending) Err() error            { return e.err }

// traced records its start and stop.
func traced(r *record, name string) *fake {
	return &fake{
		start: func(context.Context) error { r.addf("start %s", name); return nil },
		stop:  func(context.Context) error { r.addf("stop %s", name); return nil },
	}
}

// tracedHooks records its whole life.
func tracedHooks(r *record, name string) *hooked {
	note := func(op string) func(context.Context) error {
		return func(context.Context) error { r.addf("%s %s", op, name); return nil }
	}
	return &hooked{*traced(r, name), note("starting"), note("started"), note("stopping"), note("stopped")}
}

// idle is a loop that does nothing until its turn to stop.
func idle(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// stuck is a call that ignores its context until the test is over.
func stuck(t testing.TB) func(context.Context) error {
	return func(context.Context) error { <-t.Context().Done(); return nil }
}

func failing(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

// after is a call that takes a while, whatever its context says.
func after(d time.Duration, err error) func(context.Context) error {
	return func(context.Context) error { time.Sleep(d); return err }
}

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

// logged is a slog.Handler that keeps lines as "LEVEL message key=value ...".
type logged struct {
	record
	with []slog.Attr
	to   *record
}

func newLog() (*logged, *slog.Logger) {
	l := &logged{}
	l.to = &l.record
	return l, slog.New(l)
}

func (l *logged) Enabled(context.Context, slog.Level) bool { return true }
func (l *logged) WithGroup(string) slog.Handler            { return l }
func (l *logged) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logged{with: append(slices.Clone(l.with), attrs...), to: l.to}
}

func (l *logged) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %s", r.Level, r.Message)
	note := func(a slog.Attr) bool { fmt.Fprintf(&b, " %s=%v", a.Key, a.Value); return true }
	for _, a := range l.with {
		note(a)
	}
	r.Attrs(note)
	l.to.addf("%s", b.String())
	return nil
}

// matching returns the lines that contain part.
func (l *logged) matching(part string) (lines []string) {
	for _, line := range l.to.all() {
		if strings.Contains(line, part) {
			lines = append(lines, line)
		}
	}
	return lines
}
