package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/internal/stopping"
)

func TestTheLifetimeHasAContextThatEndsWhenTheStopBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("slow", func(ctx context.Context) error {
			<-ctx.Done()
			if h.Lifetime().Context().Err() == nil {
				t.Error("the service had its turn before the context ended")
			}
			return nil
		})
		before := h.Lifetime().Context()
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if before.Err() != nil || before != h.Lifetime().Context() {
			t.Error("the context has ended or changed without a stop")
		}
		why := errors.New("licence expired")
		h.Lifetime().Stop(why)
		if !errors.Is(context.Cause(before), why) {
			t.Errorf("cause %v", context.Cause(before))
		}
		_ = h.Stop(t.Context())
		late := hosted.New(hosted.Config{})
		late.Lifetime().Stop(why)
		if !errors.Is(context.Cause(late.Lifetime().Context()), why) {
			t.Error("asked for after the stop, the context has not ended")
		}
	})
}

// told is how the contexts of a host's services know of its stop.
type told struct {
	start, stop chan context.Context
}

func (s told) Start(ctx context.Context) error {
	kept, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, cancel)
	s.start <- stopping.From(kept)
	return nil
}

func (s told) Stop(ctx context.Context) error {
	s.stop <- stopping.From(ctx)
	return nil
}

func TestContextsOfServicesKnowThatTheHostIsStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outer, inner := hosted.New(hosted.Config{}), hosted.New(hosted.Config{Name: "inner"})
		s := told{make(chan context.Context, 1), make(chan context.Context, 1)}
		loops := make(chan context.Context, 3)
		run := func(ctx context.Context) error {
			loops <- stopping.From(ctx)
			<-ctx.Done()
			return nil
		}
		outer.Go("loop", run)
		outer.Add("told", s)
		inner.Go("loop", run)
		outer.Add("inner", inner)
		if err := outer.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		all := []context.Context{<-loops, <-s.start, <-loops}
		for _, ctx := range all {
			if ctx == nil || ctx.Err() != nil {
				t.Fatalf("before the stop: %v", ctx)
			}
		}
		why := errors.New("licence expired")
		outer.Lifetime().Stop(why)
		synctest.Wait()
		for _, ctx := range all {
			if !errors.Is(context.Cause(ctx), why) {
				t.Errorf("after it: %v", context.Cause(ctx))
			}
		}
		if ctx := <-s.stop; ctx != nil {
			t.Error("what Stop does itself is not in the way of the stop")
		}
		_ = outer.Stop(t.Context())
	})
}

func TestRequestsKnowThatTheHostIsStopping(t *testing.T) {
	for name, base := range map[string]func(net.Listener) context.Context{
		"of the host": nil,
		"of the user": func(net.Listener) context.Context { return context.Background() },
	} {
		t.Run(name, func(t *testing.T) {
			h := hosted.New(hosted.Config{})
			stopped := make(chan error, 1)
			web := hosted.HTTP(&http.Server{Addr: "127.0.0.1:0", BaseContext: base, Handler: http.HandlerFunc(
				func(_ http.ResponseWriter, r *http.Request) {
					stop := stopping.From(r.Context())
					h.Lifetime().Stop(nil)
					<-stop.Done()
					stopped <- stopping.Error(stop)
				})})
			h.Add("http", web)
			if err := h.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			resp, err := http.Get("http://" + web.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			wantIs(t, <-stopped, hosted.ErrStopping)
			if err := h.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAProducerThatEndsWithTheNewsOfTheStopEndsCleanly(t *testing.T) {
	for name, c := range map[string]struct {
		with   func(stop context.Context) error
		policy hosted.Policy
		clean  bool
	}{
		"the news": {func(stop context.Context) error { return fmt.Errorf("enqueue: %w", stopping.Error(stop)) },
			hosted.Restart(hosted.RestartConfig{}), true},
		"the news and a fault": {func(stop context.Context) error { return errors.Join(stopping.Error(stop), errors.New("disk full")) },
			hosted.StopHost(), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := hosted.New(hosted.Config{DrainDelay: time.Second}) // its turn is far
				h.Go("producer", func(ctx context.Context) error {
					stop := stopping.From(ctx)
					<-stop.Done()
					return c.with(stop)
				}, hosted.OnFailure(c.policy))
				if err := h.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				err := h.Stop(t.Context())
				if s := h.Services()[0]; (err == nil) != c.clean || s.Restarts > 0 && c.clean {
					t.Errorf("error %v, %d restarts", err, s.Restarts)
				}
			})
		})
	}
}
