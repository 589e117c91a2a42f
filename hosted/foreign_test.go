package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
)

// curious is an error whose methods call the host that asks it.
type curious struct {
	h  *hosted.Host
	in string
}

func (c curious) look(method string) {
	if c.in == method || c.in == "all" {
		_, _, _ = c.h.Services(), c.h.Report(), c.h.Summary()
		_ = c.h.Graph()
	}
}

func (c curious) Error() string   { c.look("Error"); return "curious" }
func (c curious) Is(error) bool   { c.look("Is"); return false }
func (c curious) As(any) bool     { c.look("As"); return false }
func (c curious) Unwrap() []error { c.look("Unwrap"); return []error{errBoom} }

// Errors that unwrap to themselves, cannot be compared, or panic.
type (
	roundabout   struct{ _ int }
	incomparable struct{ parts []any }
	bursting     struct{ in string }
)

func (roundabout) Error() string    { return "roundabout" }
func (r *roundabout) Unwrap() error { return r }
func (incomparable) Error() string  { return "incomparable" }
func (e bursting) Error() string {
	if e.in == "Error" {
		panic("ouch")
	}
	return "bursting"
}

func (e bursting) Is(error) bool {
	if e.in == "Is" {
		panic("ouch")
	}
	return false
}

// oddErrors are those of services that mean no good.
func oddErrors(h *hosted.Host) map[string]error {
	all := map[string]error{
		"roundabout":   &roundabout{},
		"wrapped":      fmt.Errorf("outer: %w", errors.Join(errOther, &roundabout{})),
		"incomparable": incomparable{[]any{1}},
		"explodes":     bursting{"Error"},
		"is":           bursting{"Is"},
	}
	for _, in := range []string{"Error", "Is", "As", "Unwrap", "all"} {
		all["curious "+in] = curious{h, in}
	}
	return all
}

// Wherever an error comes from, it is asked without a lock and to an end.
func TestWhateverAnErrorDoesWhenItIsAskedTheHostComesToItsEnd(t *testing.T) {
	restart := hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: time.Millisecond, Limit: 1}))
	places := map[string]func(h *hosted.Host, err error){
		"start": func(h *hosted.Host, err error) { h.Add("s", &fake{start: failing(err)}) },
		"task":  func(h *hosted.Host, err error) { h.Task("s", failing(err)) },
		"loop":  func(h *hosted.Host, err error) { h.Go("s", failing(err)) },
		"loop at stop": func(h *hosted.Host, err error) {
			h.Go("s", func(ctx context.Context) error { <-ctx.Done(); return err })
		},
		"restarted":  func(h *hosted.Host, err error) { h.Go("s", failing(err), restart) },
		"ignored":    func(h *hosted.Host, err error) { h.Go("s", failing(err), hosted.OnFailure(hosted.Ignore())) },
		"not ready":  func(h *hosted.Host, err error) { h.Go("s", failing(err), hosted.WaitReady()) },
		"panic":      func(h *hosted.Host, err error) { h.Go("s", func(context.Context) error { panic(err) }) },
		"stop":       func(h *hosted.Host, err error) { h.Add("s", &fake{stop: failing(err)}) },
		"hook":       func(h *hosted.Host, err error) { h.Add("s", &hooked{stopping: failing(err), stopped: failing(err)}) },
		"start hook": func(h *hosted.Host, err error) { h.Add("s", &hooked{started: failing(err)}) },
		"health":     func(h *hosted.Host, err error) { h.Add("s", &fake{}, hosted.Health(failing(err))) },
		"reload":     func(h *hosted.Host, err error) { h.Add("s", &reloading{reload: failing(err)}) },
		"ends": func(h *hosted.Host, err error) {
			e := newEnding()
			e.stop = failing(err) // as many a Stop returns it again
			e.end(err)
			h.Add("s", e)
		},
		"fresh": func(h *hosted.Host, err error) {
			h.Add("s", hosted.Fresh(func() (hosted.Service, error) {
				e := newEnding()
				e.stop = failing(err)
				e.end(err)
				return e, nil
			}), restart)
		},
		"waited for": func(h *hosted.Host, err error) {
			h.Go("s", failing(err), hosted.OnFailure(hosted.Ignore()))
			h.Go("waits", func(ctx context.Context) error { _ = hosted.Coordinator(ctx).Wait(ctx, "s"); return idle(ctx) })
		},
		"cause": func(h *hosted.Host, err error) {
			h.Go("s", func(ctx context.Context) error { h.Lifetime().Stop(err); <-ctx.Done(); return context.Cause(ctx) })
		},
		"nested": func(h *hosted.Host, err error) {
			inner := hosted.New(hosted.Config{Name: "inner"})
			inner.Add("s", &fake{stop: failing(err)})
			h.Add("inner", inner)
		},
	}
	kinds := oddErrors(nil)
	for place, put := range places {
		t.Run(place, func(t *testing.T) {
			for kind := range kinds {
				bubble(t, func(t *testing.T) {
					_, l := newLog()
					h := hosted.New(hosted.Config{Logger: l, ShutdownTimeout: 5 * time.Second})
					h.Add("first", &fake{})
					err := oddErrors(h)[kind]
					put(h, err)
					ctx, cancel := context.WithCancelCause(t.Context())
					result := runs(ctx, h)
					pass(time.Second)
					_ = ok(h.ReadyHandler())
					_ = h.Reload(t.Context())
					cancel(err)
					select {
					case <-result:
					case <-time.After(6 * time.Second):
						t.Fatalf("%s: it did not end", kind)
					}
					_ = h.Report().String()
				})
			}
		})
	}
}

// wrapping is a service whose Unwrap is anything but quick.
type wrapping struct {
	fake
	unwrap func() hosted.Service
}

func (w *wrapping) Unwrap() hosted.Service { return w.unwrap() }

func TestAnUnwrapThatPanicsBlocksOrGoesInACircleHoldsNothingUp(t *testing.T) {
	for name, unwrap := range map[string]func(t *testing.T, w *wrapping) hosted.Service{
		"panics": func(*testing.T, *wrapping) hosted.Service { panic("ouch") },
		"blocks": func(t *testing.T, _ *wrapping) hosted.Service { <-t.Context().Done(); return nil },
		"itself": func(_ *testing.T, w *wrapping) hosted.Service { return w },
		"nil":    func(*testing.T, *wrapping) hosted.Service { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := hosted.New(hosted.Config{ShutdownTimeout: 10 * time.Second})
				w := &wrapping{}
				var up, stopped atomic.Bool
				w.stop = func(context.Context) error { stopped.Store(true); return nil }
				// While it starts it behaves: a Start that hangs is another matter.
				w.start = func(context.Context) error { up.Store(true); return nil }
				w.unwrap = func() hosted.Service {
					if !up.Load() || name == "blocks" && !stopped.Load() && !closed(h.Lifetime().Started()) {
						return nil
					}
					return unwrap(t, w)
				}
				h.Add("s", w)
				starts(t, h)
				began := time.Now()
				_ = h.Reload(t.Context())
				_ = h.Stop(context.Background())
				within(t, began, 2*time.Second)
				if !stopped.Load() {
					t.Error("it was not stopped")
				}
			})
		})
	}
}

// oddListener panics in Accept, or gives connections that cannot be compared.
type oddListener struct {
	net.Listener
	panics bool
}

type oddConn struct {
	net.Conn
	_ []int
}

func (l oddListener) Accept() (net.Conn, error) {
	if l.panics {
		panic("ouch")
	}
	c, err := l.Listener.Accept()
	return oddConn{Conn: c}, err
}

func listenHere(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAnAcceptThatPanicsIsAFailureOfItsServiceAlone(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Add("web", hosted.Serve(&http.Server{ReadHeaderTimeout: time.Second}, oddListener{listenHere(t), true}))
	err := h.Run(t.Context())
	wantServiceError(t, err, "web", "run")
	var caught *hosted.PanicError
	if !errors.As(err, &caught) || !strings.Contains(string(caught.Stack), "Accept") {
		t.Errorf("got %v", err)
	}
}

func TestConnectionsThatCannotBeComparedAreServed(t *testing.T) {
	h := hosted.New(hosted.Config{})
	web := hosted.Serve(&http.Server{ReadHeaderTimeout: time.Second, Handler: http.NotFoundHandler()}, oddListener{listenHere(t), false})
	h.Add("web", web)
	starts(t, h)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+web.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("got %s", resp.Status)
	}
	stops(t, h)
}
