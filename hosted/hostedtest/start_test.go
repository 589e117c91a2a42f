package hostedtest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/hosted/hostedtest"
)

var errBoom = errors.New("boom")

func idle(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestStartStopsACleanHostWithoutAWord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("loop", idle)
		f := try(func(t testing.TB) {
			hostedtest.Start(t, h)
			synctest.Wait()
			if h.Goroutines()["loop"] != 1 {
				t.Error("the host does not run")
			}
		})
		if f.failed {
			t.Error(f.said.String())
		}
		<-h.Done()
	})
}

func TestAHostThatWasStoppedByTheTestIsFine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("loop", idle)
		f := try(func(t testing.TB) {
			hostedtest.Start(t, h)
			_ = h.Stop(context.Background())
		})
		if f.failed {
			t.Error(f.said.String())
		}
	})
}

func TestAStartThatFailsEndsTheTest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Task("task", func(context.Context) error { return errBoom })
		goesOn := false
		f := try(func(t testing.TB) {
			hostedtest.Start(t, h)
			goesOn = true
		})
		if !f.failed || goesOn {
			t.Errorf("failed %v, went on %v", f.failed, goesOn)
		}
		wantText(t, f.said.String(), `start "task": boom`)
	})
}

func TestAnErrorOfTheStopFailsTheTest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("loop", func(ctx context.Context) error { <-ctx.Done(); return errBoom })
		f := try(func(tb testing.TB) { hostedtest.Start(tb, h) })
		if !f.failed {
			t.Error("it did not fail")
		}
		wantText(t, f.said.String(), `run "loop": boom`)
	})
}

func TestAStragglerFailsTheTestWithItsStack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("loop", func(context.Context) error { holdForever(t); return nil })
		f := try(func(tb testing.TB) { hostedtest.Start(tb, h) })
		if !f.failed {
			t.Error("it did not fail")
		}
		wantText(t, f.said.String(), `"loop"`, "holdForever")
		if n := strings.Count(f.said.String(), "holdForever"); n != 1 {
			t.Errorf("the stack is shown %d times", n)
		}
	})
}

func holdForever(t testing.TB) { <-t.Context().Done() }

func TestALeakedGoroutineFailsTheTestWithItsStack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		inner := hosted.New(hosted.Config{})
		inner.Go("leaks", func(ctx context.Context) error { go holdForever(t); return idle(ctx) })
		h := hosted.New(hosted.Config{})
		h.Add("inner", inner)
		f := try(func(tb testing.TB) { hostedtest.Start(tb, h) })
		if !f.failed {
			t.Error("it did not fail")
		}
		wantText(t, f.said.String(), "inner/leaks", "holdForever")
	})
}

func TestAGoroutineThatTakesAMomentToEndIsNoLeak(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("loop", func(ctx context.Context) error {
			go func() { <-ctx.Done(); time.Sleep(100 * time.Millisecond) }()
			return idle(ctx)
		})
		f := try(func(tb testing.TB) { hostedtest.Start(tb, h) })
		if f.failed {
			t.Error(f.said.String())
		}
	})
}

func TestParallelTestsDoNotSeeEachOthersGoroutines(t *testing.T) {
	bubble(t, func(t *testing.T) {
		leaky, clean := hosted.New(hosted.Config{}), hosted.New(hosted.Config{})
		leaky.Go("loop", func(ctx context.Context) error { go holdForever(t); return idle(ctx) })
		clean.Go("loop", idle)
		first := try(func(tb testing.TB) { hostedtest.Start(tb, leaky) })
		second := try(func(tb testing.TB) { hostedtest.Start(tb, clean) })
		if !first.failed || second.failed {
			t.Errorf("failed %v and %v, want only the first", first.failed, second.failed)
		}
	})
}

// Four at once, on the real clock.
func TestStartInParallelTests(t *testing.T) {
	for _, name := range []string{"a", "b", "c", "d"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := hosted.New(hosted.Config{})
			h.Go("loop", idle)
			h.Add("probes", h.Probes("127.0.0.1:0"))
			hostedtest.Start(t, h)
		})
	}
}
