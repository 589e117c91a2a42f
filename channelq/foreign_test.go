package channelq_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

// touchyError panics when it is asked the n-th question, and only then.
type touchyError struct{ left int }

func (e *touchyError) ask() {
	if e.left--; e.left == 0 {
		panic("touched")
	}
}

func (e *touchyError) Error() string { e.ask(); return "touchy" }
func (e *touchyError) Is(error) bool { e.ask(); return false }
func (e *touchyError) As(any) bool   { e.ask(); return false }
func (e *touchyError) Unwrap() error { e.ask(); return io.EOF }

// questions is more than are ever asked of an error.
const questions = 60

func TestAnErrorThatPanicsAtAnyQuestionCostsNoItemAndNoWorker(t *testing.T) {
	for n := 1; n <= questions; n++ {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(t, channelq.Config[int]{Capacity: 4})
			var tries int
			w := startWorkers(t, q, func(_ context.Context, i int) error {
				if tries++; i == 0 {
					return &touchyError{n}
				}
				return nil
			}, channelq.WorkerConfig[int]{Concurrency: 1, Retry: channelq.Retry{Attempts: 2}, Logger: slog.New(slog.DiscardHandler)})
			enqueue(t, q, 0, 1)
			time.Sleep(time.Hour)
			if s := w.Stats(); s.Handled != 1 || s.GaveUp != 1 || s.Workers != 1 || s.Accepted != 2 {
				t.Errorf("at question %d, %d tries: %+v", n, tries, s)
			}
			checkBooks(t, w.Stats())
		})
	}
}

func TestAnErrorThatPanicsAtAnyQuestionCostsNoOtherItemOfItsBatch(t *testing.T) {
	for n := 1; n <= questions; n++ {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(t, channelq.Config[int]{Capacity: 4})
			var seen []int
			b, err := channelq.NewBatcher(q, func(_ context.Context, items []int) error {
				seen = append(seen, items...)
				if i := slices.Index(items, 0); i >= 0 {
					return &channelq.BatchError{Failed: map[int]error{i: &touchyError{n}}}
				}
				return nil
			}, channelq.BatchConfig[int]{MaxItems: 2, MaxWait: time.Second, Retry: channelq.Retry{Attempts: 2}})
			if err != nil {
				t.Fatal(err)
			}
			enqueue(t, q, 0, 1, 2, 3)
			if err := b.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			s := b.Stats()
			if s.InProgress+s.Parked+s.Depth != 0 || s.Workers != 1 || s.Handled+s.GaveUp != 4 {
				t.Errorf("at question %d: %+v, seen %v", n, s, seen)
			}
			// In the guard of the handler the whole batch fails and is tried again; later
			// only this item does.
			again := slices.Index(seen[slices.Index(seen, 1)+1:], 1) >= 0
			if again != (s.GaveUp == 2) || s.GaveUp > 2 {
				t.Errorf("at question %d: %v, %+v", n, seen, s)
			}
			checkBooks(t, s)
			if err := b.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAGoexitInOnGiveUpIsNoFailureOfTheRestOfTheBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 4})
		var seen []int
		b, err := channelq.NewBatcher(q, func(_ context.Context, items []int) error {
			seen = append(seen, items...)
			return &channelq.BatchError{Failed: map[int]error{0: channelq.Permanent(io.EOF)}}
		}, channelq.BatchConfig[int]{
			Retry:    channelq.Retry{Attempts: 2},
			OnGiveUp: func(context.Context, int, error) { runtime.Goexit() },
		})
		if err != nil {
			t.Fatal(err)
		}
		enqueue(t, q, 0, 1, 2)
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := b.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		s := b.Stats()
		if !slices.Equal(seen, []int{0, 1, 2}) || s.Handled != 2 || s.GaveUp != 1 || len(b.Failures()) != 1 {
			t.Errorf("seen %v: %+v", seen, s)
		}
		checkBooks(t, s)
	})
}

// selfError wraps itself.
type selfError struct{}

func (selfError) Error() string   { return "self" }
func (e selfError) Unwrap() error { return e }

func TestAnErrorThatWrapsItselfFailsItsItemAndNothingElse(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 4})
	w := newWorkers(t, q, func(_ context.Context, i int) error {
		switch i {
		case 0:
			return selfError{}
		case 1:
			panic(fmt.Errorf("wrapped: %w", selfError{}))
		}
		return nil
	}, channelq.WorkerConfig[int]{Concurrency: 1, OnLeftover: func(context.Context, []int) error { return selfError{} }})
	enqueue(t, q, 0, 1, 2)
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if s := w.Stats(); s.GaveUp != 2 || s.Handled != 1 || s.Panics != 2 {
		t.Errorf("%+v", s)
	}
	unstarted := newWorkers(t, newQueue(t, channelq.Config[int]{Capacity: 1}), nothing,
		channelq.WorkerConfig[int]{OnLeftover: func(context.Context, []int) error { return selfError{} }})
	enqueue(t, unstarted.Observed().(*channelq.Queue[int]), 1)
	if err := unstarted.Stop(t.Context()); err == nil || errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// probe is foreign code of every kind: whatever is called of it looks whether a lock
// is held.
type probe struct {
	t    *testing.T
	mu   sync.Mutex
	free func() bool
	seen map[string]bool
}

func (p *probe) look(what string) {
	p.mu.Lock()
	p.seen[what] = true
	free := p.free
	p.mu.Unlock()
	if !free() {
		p.t.Errorf("%s is called under a lock", what)
	}
}

// of makes it look at another lock, also while what had the last one is still about.
func (p *probe) of(free func() bool) {
	p.mu.Lock()
	p.free = free
	p.mu.Unlock()
}

type probeError struct{ *probe }

func (e probeError) Error() string { e.look("Error"); return "probe" }
func (e probeError) Is(error) bool { e.look("Is"); return false }
func (e probeError) As(any) bool   { e.look("As"); return false }
func (e probeError) Unwrap() error { e.look("Unwrap"); return io.EOF }

type probeContext struct {
	context.Context
	*probe
}

func (c probeContext) Deadline() (time.Time, bool) { c.look("Deadline"); return c.Context.Deadline() }
func (c probeContext) Done() <-chan struct{}       { c.look("Done"); return c.Context.Done() }
func (c probeContext) Err() error                  { c.look("Err"); return c.Context.Err() }
func (c probeContext) Value(key any) any           { c.look("Value"); return c.Context.Value(key) }

type probeHandler struct{ *probe }

func (h probeHandler) Enabled(context.Context, slog.Level) bool { h.look("Enabled"); return true }
func (h probeHandler) WithAttrs([]slog.Attr) slog.Handler       { h.look("WithAttrs"); return h }
func (h probeHandler) WithGroup(string) slog.Handler            { h.look("WithGroup"); return h }
func (h probeHandler) Handle(_ context.Context, r slog.Record) error {
	h.look("Handle")
	r.Attrs(func(a slog.Attr) bool { _ = a.Value.String(); return true })
	return nil
}

func TestNoForeignCodeIsCalledUnderALock(t *testing.T) {
	p := &probe{t: t, free: func() bool { return true }, seen: map[string]bool{}}
	for _, mode := range []channelq.FullMode{channelq.Wait, channelq.DropOldest} {
		q := newQueue(t, channelq.Config[int]{
			Capacity: 3, OnFull: mode, OnDrop: func(int, channelq.DropReason) { p.look("OnDrop") },
			Logger: slog.New(probeHandler{p}),
		})
		ctx := probeContext{t.Context(), p}
		w := newWorkers(t, q, func(ctx context.Context, i int) error {
			p.look("handler")
			if i == 9 {
				<-ctx.Done()
			}
			return probeError{p}
		}, channelq.WorkerConfig[int]{
			Concurrency: 2, Timeout: time.Hour, KeepFailures: 1,
			Retry: channelq.Retry{Attempts: 2, Initial: 1, If: func(err error) bool {
				p.look("If")
				return errors.Is(err, io.EOF)
			}},
			OnGiveUp:   func(context.Context, int, error) { p.look("OnGiveUp") },
			OnLeftover: func(context.Context, []int) error { p.look("OnLeftover"); return probeError{p} },
			Key:        func(i int) string { p.look("Key"); return fmt.Sprint(i) },
			Logger:     slog.New(probeHandler{p}),
		})
		p.of(w.Free)
		w.InheritLogger(slog.New(probeHandler{p}))
		for i := range 3 {
			if err := q.Enqueue(ctx, i); err != nil {
				t.Error(err)
			}
		}
		if mode == channelq.DropOldest {
			_ = q.Enqueue(ctx, 3)
		}
		if err := w.Start(ctx); err != nil {
			t.Fatal(err)
		}
		for w.Stats().GaveUp < 3 {
			runtime.Gosched()
		}
		for _, i := range []int{9, 9, 9} {
			_ = q.Enqueue(ctx, i)
		}
		short, cancel := context.WithCancel(ctx)
		time.AfterFunc(time.Millisecond, cancel)
		if err := w.Stop(probeContext{short, p}); err == nil {
			t.Error("nothing was left over")
		}
		_, _, _ = w.Failures(), w.Retrying(), w.Counts()
		q2 := newQueue(t, channelq.Config[int]{})
		w2 := newWorkers(t, q2, nothing, channelq.WorkerConfig[int]{})
		p.of(w2.Free)
		if !q2.CloseWithError(probeError{p}) || q2.CloseWithError(probeError{p}) {
			t.Error("closed not once")
		}
		if err := w2.Stop(ctx); err != nil {
			t.Error(err)
		}
	}
	p.mu.Lock() // the cancel of the last stop may still be on its way
	defer p.mu.Unlock()
	for _, what := range []string{
		"Error", "Is", "As", "Unwrap", "Deadline", "Done", "Err", "Value", "Handle", "Enabled",
		"OnDrop", "handler", "If", "OnGiveUp", "OnLeftover", "Key",
	} {
		if !p.seen[what] {
			t.Errorf("%s was not called at all", what)
		}
	}
}
