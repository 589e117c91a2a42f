package hostedtest_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/hosted/hostedtest"
	"github.com/steadgo/stead/periodic"
)

// correct is a service as it should be, with places to break it.
type correct struct {
	mu     sync.Mutex
	used   bool
	cancel context.CancelFunc
	done   chan struct{}

	runContext func(start context.Context) context.Context // nil: values only
	again      bool                                        // may be started after a stop
}

func (c *correct) Start(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.used && !c.again {
		return errors.New("started before")
	}
	c.used = true
	run := context.WithoutCancel(ctx)
	if c.runContext != nil {
		run = c.runContext(ctx)
	}
	run, c.cancel = context.WithCancel(run)
	c.done = make(chan struct{})
	go func(done chan struct{}) {
		defer close(done)
		<-run.Done()
	}(c.done)
	return nil
}

func (c *correct) Stop(ctx context.Context) error {
	c.mu.Lock()
	cancel, done := c.cancel, c.done
	c.mu.Unlock()
	if cancel == nil {
		return nil
	}
	cancel()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var services = map[string]func() hosted.Service{
	"correct":            func() hosted.Service { return &correct{} },
	"correct, again":     func() hosted.Service { return &correct{again: true} },
	"loop":               func() hosted.Service { return hosted.Loop(idle) },
	"loop that is short": func() hosted.Service { return hosted.Loop(func(context.Context) error { return nil }) },
	"once":               func() hosted.Service { return hosted.Once(func(context.Context) error { return nil }) },
	"fresh":              func() hosted.Service { return hosted.Fresh(func() (hosted.Service, error) { return &correct{}, nil }) },
	"host": func() hosted.Service {
		h := hosted.New(hosted.Config{})
		h.Go("loop", idle)
		h.Add("service", &correct{})
		return h
	},
	"reloadable": func() hosted.Service {
		return hosted.Reloadable(func(context.Context) (*hosted.Host, error) {
			h := hosted.New(hosted.Config{})
			h.Go("loop", idle)
			h.Add("service", &correct{})
			return h, nil
		})
	},
	"on reload": func() hosted.Service { return hosted.OnReload(func(context.Context) error { return nil }) },
	"workers": func() hosted.Service {
		q := must(channelq.New[int](channelq.Config[int]{Name: "q", Capacity: 1}))
		return must(channelq.NewWorkers(q, func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{Concurrency: 3}))
	},
	"job": func() hosted.Service {
		return must(periodic.New(periodic.Config{Name: "job", Schedule: periodic.Every(time.Hour)}, func(context.Context) error { return nil }))
	},
	"job that is on": func() hosted.Service {
		return must(periodic.New(periodic.Config{Name: "job", Schedule: periodic.Every(time.Hour), RunAtStart: true, CancelOnStop: true}, idle))
	},
	"scheduler": func() hosted.Service {
		s := must(periodic.NewScheduler(periodic.SchedulerConfig{Name: "jobs"}))
		if err := s.Add(must(periodic.New(periodic.Config{Name: "job", Schedule: periodic.Every(time.Hour), RunAtStart: true, CancelOnStop: true}, idle))); err != nil {
			panic(err)
		}
		return s
	},
}

// With time as it is. The others are below, in bubbles.
func TestCorrectServicesConform(t *testing.T) {
	t.Run("correct", func(t *testing.T) {
		hostedtest.Conform(t, services["correct"])
	})
	t.Run("http", func(t *testing.T) { // it has connections, which a bubble has not
		hostedtest.Conform(t, func() hosted.Service {
			return hosted.HTTP(&http.Server{Addr: "127.0.0.1:0", ReadHeaderTimeout: time.Second})
		})
	})
	t.Run("listen", func(t *testing.T) {
		hostedtest.Conform(t, func() hosted.Service {
			return hosted.Listen(&http.Server{ReadHeaderTimeout: time.Second}, func(ctx context.Context) (net.Listener, error) {
				return new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
			})
		})
	})
}

func TestCorrectServicesConformEachTime(t *testing.T) {
	for name, service := range services {
		t.Run(name, func(t *testing.T) {
			for range 30 {
				bubble(t, func(t *testing.T) {
					if broken := conform(service); len(broken) > 0 {
						t.Fatalf("broken: %v", broken)
					}
				})
			}
		})
	}
}

// conform returns the names of the sub-tests that fail, with what they said.
func conform(service func() hosted.Service) (failed []string) {
	hostedtest.ConformIn(func(name string, check func(t testing.TB)) {
		if f := try(check); f.failed {
			failed = append(failed, name)
		}
	}, service)
	return failed
}

// faulty replaces a method of a correct service.
type faulty struct {
	correct
	start, stop func(f *faulty, ctx context.Context) error
	calls       atomic.Int32 // of Stop
}

func (f *faulty) Start(ctx context.Context) error {
	if f.start != nil {
		return f.start(f, ctx)
	}
	return f.correct.Start(ctx)
}

func (f *faulty) Stop(ctx context.Context) error {
	if f.stop != nil {
		return f.stop(f, ctx)
	}
	return f.correct.Stop(ctx)
}

// faults are told when the test ends, as a bubble waits for what they leave.
var faults = map[string]struct {
	caughtBy string
	make     func(end <-chan struct{}) hosted.Service
}{
	"Start ignores its context": {"StartGivesUpWhenItsContextEnds", func(end <-chan struct{}) hosted.Service {
		return &faulty{start: func(*faulty, context.Context) error { <-end; return nil }}
	}},
	"Start does the work itself": {"StartReturnsWhenReady", func(<-chan struct{}) hosted.Service {
		return &faulty{start: func(_ *faulty, ctx context.Context) error { return idle(ctx) }}
	}},
	"Start fails": {"StartReturnsWhenReady", func(<-chan struct{}) hosted.Service {
		return &faulty{start: func(*faulty, context.Context) error { return errBoom }}
	}},
	"Start panics": {"StartReturnsWhenReady", func(<-chan struct{}) hosted.Service {
		return &faulty{start: func(*faulty, context.Context) error { panic("ouch") }}
	}},
	"a failed Start leaks": {"AFailedStartLeavesNothingRunning", func(end <-chan struct{}) hosted.Service {
		return &faulty{start: func(f *faulty, ctx context.Context) error {
			if ctx.Err() != nil {
				go func() { <-end }()
			}
			return f.correct.Start(ctx)
		}}
	}},
	"keeps the context of Start": {"TheEndOfStartsContextEndsNothing", func(<-chan struct{}) hosted.Service {
		return &correct{runContext: func(start context.Context) context.Context { return start }}
	}},
	"ends with the context of Start": {"TheEndOfStartsContextEndsNothing", func(<-chan struct{}) hosted.Service {
		return &mortal{done: make(chan struct{})}
	}},
	"a goroutine ends with the context of Start, or soon": {"TheEndOfStartsContextEndsNothing", func(<-chan struct{}) hosted.Service {
		return &faulty{start: func(f *faulty, ctx context.Context) error {
			go func() {
				select {
				case <-ctx.Done():
				case <-time.After(300 * time.Millisecond):
				}
			}()
			return f.correct.Start(ctx)
		}}
	}},
	"Stop ignores its context": {"StopReturnsWithinItsDeadline", func(end <-chan struct{}) hosted.Service {
		return &faulty{stop: func(f *faulty, ctx context.Context) error {
			if f.cancel == nil {
				return nil
			}
			_ = f.correct.Stop(ctx)
			<-end
			return nil
		}}
	}},
	"Stop waits for work that ignores it": {"StopReturnsWithinItsDeadline", func(end <-chan struct{}) hosted.Service {
		return &faulty{stop: func(f *faulty, ctx context.Context) error {
			if f.cancel == nil {
				return nil
			}
			_ = f.correct.Stop(ctx)
			time.Sleep(time.Minute)
			return nil
		}}
	}},
	"Stop fails": {"StopSucceeds", func(<-chan struct{}) hosted.Service {
		return &faulty{stop: func(f *faulty, ctx context.Context) error {
			if f.cancel == nil {
				return nil
			}
			_ = f.correct.Stop(ctx)
			return errBoom
		}}
	}},
	"Stop panics": {"StopSucceeds", func(<-chan struct{}) hosted.Service {
		return &faulty{stop: func(f *faulty, ctx context.Context) error {
			if f.cancel == nil {
				return nil
			}
			_ = f.correct.Stop(ctx)
			panic("ouch")
		}}
	}},
	"leaks a goroutine": {"StopLeavesNothingRunning", func(end <-chan struct{}) hosted.Service {
		return &faulty{start: func(f *faulty, ctx context.Context) error {
			err := f.correct.Start(ctx)
			if err == nil {
				go func() { <-end }()
			}
			return err
		}}
	}},
	"Stop before Start panics": {"StopBeforeStartDoesNothing", func(<-chan struct{}) hosted.Service {
		return &faulty{stop: func(f *faulty, ctx context.Context) error { f.cancel(); return f.correct.Stop(ctx) }}
	}},
	"Stop before Start hangs": {"StopBeforeStartDoesNothing", func(end <-chan struct{}) hosted.Service {
		return &faulty{stop: func(f *faulty, ctx context.Context) error {
			if f.cancel == nil {
				<-end
			}
			return f.correct.Stop(ctx)
		}}
	}},
	"closes twice": {"StopTwiceIsHarmless", func(<-chan struct{}) hosted.Service {
		closed := make(chan struct{})
		return &faulty{stop: func(f *faulty, ctx context.Context) error {
			if f.cancel != nil {
				close(closed)
			}
			return f.correct.Stop(ctx)
		}}
	}},
	"the second Stop fails": {"StopTwiceIsHarmless", func(<-chan struct{}) hosted.Service {
		return &faulty{stop: func(f *faulty, ctx context.Context) error {
			if f.cancel != nil && f.calls.Add(1) > 1 {
				return errBoom
			}
			return f.correct.Stop(ctx)
		}}
	}},
	"Stops at once panic": {"StopFromManyGoroutinesIsHarmless", func(<-chan struct{}) hosted.Service {
		return &faulty{stop: func(f *faulty, ctx context.Context) error {
			if f.calls.Add(1) > 1 {
				panic("two at once")
			}
			time.Sleep(time.Millisecond)
			f.calls.Add(-1)
			return f.correct.Stop(ctx)
		}}
	}},
	"starts by half after a Stop": {"StartAfterStopWorksOrIsRefused", func(<-chan struct{}) hosted.Service {
		return &faulty{start: func(f *faulty, ctx context.Context) error {
			if f.used {
				return nil // as with a sync.Once around the start
			}
			return f.correct.Start(ctx)
		}}
	}},
	"counts work as stuck": {"StuckIsZeroUntilAStopGivesUp", func(<-chan struct{}) hosted.Service { return &busy{} }},
	"panics in a Start after a Stop": {"StartAfterStopWorksOrIsRefused", func(<-chan struct{}) hosted.Service {
		return &faulty{start: func(f *faulty, ctx context.Context) error {
			if f.used {
				panic("ouch")
			}
			return f.correct.Start(ctx)
		}}
	}},
}

// busy counts work that is on as stuck.
type busy struct{ correct }

func (b *busy) Stuck() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used {
		return 1
	}
	return 0
}

// mortal says that it has ended when Start's context does.
type mortal struct {
	correct
	done chan struct{}
	once sync.Once
}

func (m *mortal) Start(ctx context.Context) error {
	context.AfterFunc(ctx, func() { m.once.Do(func() { close(m.done) }) })
	return m.correct.Start(ctx)
}

func (m *mortal) Done() <-chan struct{} { return m.done }
func (m *mortal) Err() error            { return nil }

func TestEachFaultIsCaughtByExactlyTheSubTestThatNamesIt(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				failed := conform(func() hosted.Service { return fault.make(t.Context().Done()) })
				if !slices.Equal(failed, []string{fault.caughtBy}) {
					t.Errorf("caught by %v, want %s", failed, fault.caughtBy)
				}
				time.Sleep(time.Hour) // what only takes long may end
			})
		})
	}
}

func TestConformSaysWhatIsSkippedBecauseOfWhat(t *testing.T) {
	bubble(t, func(t *testing.T) {
		skipped := map[string]string{}
		hostedtest.ConformIn(func(name string, check func(t testing.TB)) {
			if f := try(check); f.skipped {
				skipped[name] = f.said.String()
			}
		}, func() hosted.Service { return faults["Start fails"].make(nil) })
		if len(skipped) != 8 {
			t.Errorf("skipped %v", skipped)
		}
		wantText(t, skipped["StopSucceeds"], "StopReturnsWithinItsDeadline")
		wantText(t, skipped["TheEndOfStartsContextEndsNothing"], "StartReturnsWhenReady")
	})
}

func TestConformRefusesAFactoryOfNothing(t *testing.T) {
	f := try(func(t testing.TB) {
		hostedtest.ConformIn(func(_ string, check func(t testing.TB)) { check(t) }, func() hosted.Service { return nil })
	})
	if !f.failed {
		t.Error("it did not fail")
	}
	wantText(t, f.said.String(), "no service")
}
