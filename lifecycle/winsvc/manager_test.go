package winsvc

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
)

// fakeManager is the service manager as run sees it.
type fakeManager struct {
	controls chan control
	mu       sync.Mutex
	said     []status
	code     chan int
	events   fakeEvents
}

// serving runs h under a fake manager, inside a bubble.
func serving(h *hosted.Host) *fakeManager {
	m := &fakeManager{controls: make(chan control), code: make(chan int, 1)}
	go func() {
		m.code <- run(h, slog.New(newEventHandler(&m.events)), m.controls, m.tell)
	}()
	synctest.Wait()
	return m
}

func (m *fakeManager) tell(s status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.said = append(m.said, s)
}

// all is what the manager was told so far.
func (m *fakeManager) all() []status {
	synctest.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.said)
}

func (m *fakeManager) last() status {
	all := m.all()
	return all[len(all)-1]
}

func (m *fakeManager) expect(t *testing.T, want status) {
	t.Helper()
	if got := m.last(); got != want {
		t.Fatalf("the manager was told %+v, want %+v", got, want)
	}
}

func (m *fakeManager) expectCode(t *testing.T, want int) {
	t.Helper()
	if got := <-m.code; got != want {
		t.Errorf("exit code %d, want %d\n%v", got, want, m.events.all)
	}
}

func TestALongStartHasCheckpointsUntilEveryServiceHasStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := hosted.New(hosted.Config{})
		host.Task("migrate", func(context.Context) error { time.Sleep(2500 * time.Millisecond); return nil })
		m := serving(host)
		m.expect(t, status{startPending, 1, patience})
		time.Sleep(2 * time.Second)
		m.expect(t, status{startPending, 3, patience})
		time.Sleep(time.Second)
		m.expect(t, status{state: running})
		time.Sleep(10 * time.Second)
		m.expect(t, status{state: running})
		m.controls <- stop
		m.expectCode(t, 0)
	})
}

func TestAStopIsPendingWithTheBudgetAsItsHint(t *testing.T) {
	for name, c := range map[string]struct {
		ask   control
		cause error
	}{"stop": {stop, errStop}, "shutdown": {shutdown, errShutdown}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host := hosted.New(hosted.Config{ShutdownTimeout: 20 * time.Second})
				host.Go("slow", func(ctx context.Context) error { <-ctx.Done(); time.Sleep(3500 * time.Millisecond); return nil })
				m := serving(host)
				m.controls <- c.ask
				m.expect(t, status{stopPending, 1, 20*time.Second + patience})
				time.Sleep(3 * time.Second)
				m.expect(t, status{stopPending, 4, 17*time.Second + patience})
				m.expectCode(t, 0)
				if got := host.Lifetime().Cause(); !errors.Is(got, c.cause) {
					t.Errorf("the cause is %v", got)
				}
			})
		})
	}
}

func TestWithoutABudgetTheManagerStillGetsAHint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := hosted.New(hosted.Config{ShutdownTimeout: -1})
		host.Go("slow", func(ctx context.Context) error { <-ctx.Done(); time.Sleep(time.Hour); return nil })
		m := serving(host)
		m.controls <- stop
		m.expect(t, status{stopPending, 1, patience})
		m.expectCode(t, 0)
	})
}

func TestAServiceThatIgnoresTheStopEndsTheProgramWithinTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := hosted.New(hosted.Config{ShutdownTimeout: 4 * time.Second})
		release := make(chan struct{})
		host.Go("deaf", func(context.Context) error { <-release; return nil })
		m := serving(host)
		began := time.Now()
		m.controls <- stop
		m.expectCode(t, 1)
		if took := time.Since(began); took > 4*time.Second+25*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		m.events.expect(t, "error", "service failed", `straggler.service=deaf straggler.op=stop straggler.stacks=`)
		close(release)
	})
}

func TestAFailedStartIsNeverRunningAndIsInTheEventLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := hosted.New(hosted.Config{})
		host.Task("migrate", func(context.Context) error { return errors.New("no such table") })
		m := serving(host)
		m.expectCode(t, 1)
		for _, s := range m.all() {
			if s.state == running {
				t.Error("it was running")
			}
		}
		m.events.expect(t, "error", "service failed", "no such table")
	})
}

func TestAHostThatEndsByItselfEndsTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := hosted.New(hosted.Config{})
		host.Go("work", func(context.Context) error { time.Sleep(time.Minute); return errors.New("the disk is full") })
		host.Go("slow", func(ctx context.Context) error { <-ctx.Done(); time.Sleep(time.Second / 2); return nil })
		m := serving(host)
		time.Sleep(time.Minute)
		if got := m.last(); got.state != stopPending {
			t.Errorf("the manager was told %+v", got)
		}
		m.expectCode(t, 1)
	})
}

func TestEveryQuestionIsAnsweredWithTheStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := hosted.New(hosted.Config{})
		host.Task("migrate", func(context.Context) error { time.Sleep(time.Second / 2); return nil })
		host.Go("slow", func(ctx context.Context) error { <-ctx.Done(); time.Sleep(time.Second / 2); return nil })
		m := serving(host)
		ask := func() {
			t.Helper()
			before := m.all()
			m.controls <- interrogate
			m.expect(t, before[len(before)-1])
			if n := len(m.all()) - len(before); n != 1 {
				t.Errorf("%d answers", n)
			}
		}
		ask()
		time.Sleep(time.Second / 2)
		ask()
		m.controls <- stop
		ask()
		m.controls <- stop // again: it stops already
		m.expectCode(t, 0)
	})
}

// reloader counts its reloads.
type reloader struct{ n int }

func (r *reloader) Start(context.Context) error  { return nil }
func (r *reloader) Stop(context.Context) error   { return nil }
func (r *reloader) Reload(context.Context) error { r.n++; return nil }

func TestAChangeOfParametersReloadsTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, settings := hosted.New(hosted.Config{}), &reloader{}
		host.Add("settings", settings)
		m := serving(host)
		m.controls <- paramChange
		m.expect(t, status{state: running})
		if settings.n != 1 {
			t.Errorf("%d reloads", settings.n)
		}
		m.controls <- stop
		m.expectCode(t, 0)
	})
}
