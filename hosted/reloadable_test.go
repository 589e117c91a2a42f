package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// made is what a test's build function makes: hosts whose one service records its life.
type made struct {
	record
	mu    sync.Mutex
	n     int
	build error
	host  func(n int, h *hosted.Host)
}

func (m *made) next(context.Context) (*hosted.Host, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.build != nil {
		return nil, m.build
	}
	m.n++
	h := hosted.New(hosted.Config{})
	h.Add("db", traced(&m.record, fmt.Sprint(m.n)))
	if m.host != nil {
		m.host(m.n, h)
	}
	return h, nil
}

func (m *made) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.build = err
}

func reloadableHost(m *made, opts ...hosted.Option) *hosted.Host {
	h := hosted.New(hosted.Config{})
	h.Add("plugins", hosted.Reloadable(m.next), opts...)
	return h
}

func TestAReloadStopsTheOldHostAndStartsTheNew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := &made{}
		h := reloadableHost(m)
		starts(t, h)
		wantNil(t, h.Reload(t.Context()))
		m.fail(errBoom)
		wantIs(t, h.Reload(t.Context()), errBoom)
		wantState(t, h, "plugins", lifecycle.Running)
		m.want(t, "start 1", "stop 1", "start 2")
		m.fail(nil)
		wantNil(t, h.Reload(t.Context()))
		stops(t, h)
		m.want(t, "start 1", "stop 1", "start 2", "stop 2", "start 3", "stop 3")
	})
}

func TestAReloadableIsSeenAllTheWhile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := &made{}
		m.host = func(n int, h *hosted.Host) {
			h.Add("slow", &fake{start: after(time.Second, nil), stop: after(time.Second, nil)})
		}
		h := reloadableHost(m)
		starts(t, h)
		seen := map[lifecycle.State]bool{}
		reloaded := make(chan error, 1)
		go func() { reloaded <- h.Reload(t.Context()) }()
		for range 21 {
			time.Sleep(90 * time.Millisecond)
			inner, ok := hosted.As[*hosted.Host](status(t, h, "plugins").Service)
			if !ok || len(inner.Services()) != 2 {
				t.Fatal("the host inside is not found")
			}
			seen[inner.Services()[1].State] = true
		}
		wantNil(t, <-reloaded)
		for _, s := range []lifecycle.State{lifecycle.Stopping, lifecycle.Starting} {
			if !seen[s] {
				t.Errorf("never seen %v: %v", s, seen)
			}
		}
		stops(t, h)
	})
}

func TestAHostThatEndsByItselfEndsTheReloadable(t *testing.T) {
	for name, fails := range map[string]bool{"with an error": true, "well": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				m := &made{host: func(n int, h *hosted.Host) {
					if n == 2 {
						h.Go("worker", func(context.Context) error {
							time.Sleep(time.Second)
							if fails {
								return errBoom
							}
							h.Lifetime().Stop(nil)
							return nil
						})
					}
				}}
				h := reloadableHost(m, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: time.Second})))
				starts(t, h)
				wantNil(t, h.Reload(t.Context()))
				pass(500 * time.Millisecond)
				wantState(t, h, "plugins", lifecycle.Running)
				pass(10 * time.Second)
				if fails {
					wantState(t, h, "plugins", lifecycle.Running) // a third one
					m.want(t, "start 1", "stop 1", "start 2", "stop 2", "start 3")
				} else {
					wantState(t, h, "plugins", lifecycle.Completed)
				}
				stops(t, h)
			})
		})
	}
}

func TestANewHostThatDoesNotStartFailsTheReloadable(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := &made{host: func(n int, h *hosted.Host) {
			if n == 2 {
				h.Add("port", &fake{start: failing(errBoom)})
			}
		}}
		h := reloadableHost(m)
		starts(t, h)
		wantIs(t, h.Reload(t.Context()), errBoom)
		synctest.Wait()
		wantIs(t, h.Stop(t.Context()), errBoom)
		m.want(t, "start 1", "stop 1", "start 2", "stop 2")
	})
}

func TestAnOldHostThatDoesNotStopWellIsNotInTheWayOfTheNew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := &made{host: func(n int, h *hosted.Host) {
			if n == 1 {
				h.Add("deaf", &fake{stop: stuck(t)})
			}
		}}
		h := reloadableHost(m)
		starts(t, h)
		err := h.Reload(t.Context())
		wantList(t, "stragglers", stragglers(err), "stop deaf")
		wantState(t, h, "plugins", lifecycle.Running)
		stops(t, h)
		m.want(t, "start 1", "stop 1", "start 2", "stop 2")
	})
}

// TestAStopDuringAReloadStopsEither stops the outer host at every moment of a reload.
func TestAStopDuringAReloadStopsEither(t *testing.T) {
	for at := range 40 {
		bubble(t, func(t *testing.T) {
			var up []string
			m := &made{}
			m.host = func(n int, h *hosted.Host) {
				name := fmt.Sprint(n)
				h.Add("slow", &fake{
					start: func(ctx context.Context) error {
						select {
						case <-time.After(100 * time.Millisecond):
							up = append(up, name)
							return nil
						case <-ctx.Done():
							return ctx.Err()
						}
					},
					stop: func(context.Context) error {
						time.Sleep(100 * time.Millisecond)
						up = up[1:]
						return nil
					},
				})
			}
			h := hosted.New(hosted.Config{})
			h.Add("plugins", hosted.Reloadable(func(ctx context.Context) (*hosted.Host, error) {
				time.Sleep(50 * time.Millisecond)
				return m.next(ctx)
			}))
			starts(t, h)
			go func() { _ = h.Reload(t.Context()) }()
			time.Sleep(time.Duration(at) * 10 * time.Millisecond)
			stops(t, h)
			if !h.Report().Clean() || len(up) > 0 {
				t.Errorf("stopped after %d ms: %v\nup: %v", at*10, h.Report(), up)
			}
		})
	}
}

func TestAReloadThatHangsInBuildIsLeftBehind(t *testing.T) {
	bubble(t, func(t *testing.T) {
		first := true
		m := &made{}
		h := hosted.New(hosted.Config{ShutdownTimeout: 5 * time.Second})
		h.Add("plugins", hosted.Reloadable(func(ctx context.Context) (*hosted.Host, error) {
			if !first {
				<-t.Context().Done()
			}
			first = false
			return m.next(ctx)
		}))
		starts(t, h)
		bounded, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantIs(t, h.Reload(bounded), context.DeadlineExceeded)
		began := time.Now()
		if h.Stop(t.Context()) == nil || time.Since(began) > 5100*time.Millisecond {
			t.Errorf("took %v", time.Since(began))
		}
		m.want(t, "start 1", "stop 1")
	})
}

func TestAReloadableSaysWhatIsWrongWithIt(t *testing.T) {
	for name, s := range map[string]hosted.Service{
		"no function": hosted.Reloadable(nil),
		"no reload":   hosted.OnReload(nil),
		"no host":     hosted.Reloadable(func(context.Context) (*hosted.Host, error) { return nil, nil }),
		"a panic":     hosted.Reloadable(func(context.Context) (*hosted.Host, error) { panic("ouch") }),
		"an error":    hosted.Reloadable(func(context.Context) (*hosted.Host, error) { return nil, errors.New("syntax") }),
	} {
		h := hosted.New(hosted.Config{})
		h.Add("s", s)
		if err := h.Start(t.Context()); err == nil {
			t.Errorf("%s: it started", name)
		}
	}
}

func TestOnReloadIsCalledForEveryReload(t *testing.T) {
	h := hosted.New(hosted.Config{})
	n := 0
	h.Add("certificate", hosted.OnReload(func(ctx context.Context) error {
		if n++; n == 2 {
			return errBoom
		}
		return ctx.Err()
	}))
	starts(t, h)
	wantNil(t, h.Reload(t.Context()))
	wantIs(t, h.Reload(t.Context()), errBoom)
	wantState(t, h, "certificate", lifecycle.Running)
	stops(t, h)
}
