package hosted_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
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

// logged is a slog.Handler that keeps lines as "LEVEL message key=value ...".
type logged struct {
	record
	with []slog.Attr
	to   *record
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

func newLog() (*logged, *slog.Logger) {
	l := &logged{}
	l.to = &l.record
	return l, slog.New(l)
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
