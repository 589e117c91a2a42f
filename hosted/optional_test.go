package hosted_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

func TestTheHostStartsWithoutAnOptionalServiceThatCannot(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	never := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, add := range map[string]func(h *hosted.Host, opts ...hosted.Option){
		"a port that is taken": func(h *hosted.Host, opts ...hosted.Option) {
			h.Add("extra", hosted.HTTP(&http.Server{Addr: taken.Addr().String()}), opts...)
		},
		"an error": func(h *hosted.Host, opts ...hosted.Option) { h.Add("extra", &fake{start: failing(errBoom)}, opts...) },
		"a panic": func(h *hosted.Host, opts ...hosted.Option) {
			h.Task("extra", func(context.Context) error { panic(1) }, opts...)
		},
		"a task":     func(h *hosted.Host, opts ...hosted.Option) { h.Task("extra", failing(errBoom), opts...) },
		"its hooks":  func(h *hosted.Host, opts ...hosted.Option) { h.Add("extra", neverStarted(t), opts...) },
		"a deadline": func(h *hosted.Host, opts ...hosted.Option) { h.Add("extra", &fake{start: never}, opts...) },
		"a loop": func(h *hosted.Host, opts ...hosted.Option) {
			h.Go("extra", failing(errBoom), append(opts, hosted.WaitReady())...)
		},
		"a loop that is not ready": func(h *hosted.Host, opts ...hosted.Option) {
			h.Go("extra", idle, append(opts, hosted.WaitReady())...)
		},
		"a host": func(h *hosted.Host, opts ...hosted.Option) {
			inner := hosted.New(hosted.Config{})
			inner.Add("db", &fake{start: failing(errBoom)})
			h.Add("extra", inner, opts...)
		},
	} {
		for _, beside := range []int{1, 4} {
			t.Run(name, func(t *testing.T) {
				log, logger := newLog()
				h := hosted.New(hosted.Config{Logger: logger, StartConcurrency: beside})
				add(h, hosted.OptionalStart(), hosted.StartTimeout(20*time.Millisecond))
				h.Go("app", idle, hosted.After("extra"))
				starts(t, h)
				wantState(t, h, "extra", lifecycle.Failed)
				wantState(t, h, "app", lifecycle.Running)
				if s := status(t, h, "extra"); s.Err == nil || s.Critical || s.Ready {
					t.Errorf("status %+v", s)
				}
				wantAnswer(t, h.ReadyHandler(), "/readyz?verbose", 200, "[-]extra failed, not counted")
				wantAnswer(t, h.LiveHandler(), "/livez", 200, "ok")
				stops(t, h)
				if n := len(log.matching("ERROR service not started host=host service=extra error=")); n != 1 {
					t.Errorf("logged %q", log.all())
				}
				if r := h.Report(); !r.Clean() {
					t.Errorf("not clean: %v", r)
				}
			})
		}
	}
}

// neverStarted is a service whose start fails and which gets no later call.
func neverStarted(t *testing.T) *hooked {
	not := func(context.Context) error { t.Error("called without a start"); return nil }
	return &hooked{fake{failing(errBoom), not}, nil, not, not, not}
}

func TestAnOptionalStartIsNoExcuseForAnythingElse(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  hosted.Config
		stop bool
	}{
		"the whole start takes too long": {hosted.Config{StartTimeout: time.Second}, false},
		"a stop is asked for":            {hosted.Config{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := hosted.New(c.cfg)
				h.Add("extra", &fake{start: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}, hosted.OptionalStart())
				h.Go("app", func(context.Context) error { t.Error("started"); return nil })
				if c.stop {
					time.AfterFunc(time.Second, func() { h.Lifetime().Stop(errWhy) })
				}
				if h.Run(t.Context()) == nil {
					t.Error("it started")
				}
			})
		})
	}
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("extra", after(time.Second, errBoom), hosted.OptionalStart())
		wantIs(t, h.Run(t.Context()), errBoom) // it had started
	})
}

func TestALoopThatIsNotStartedDoesNotHoldUpAHostThatEndsWhenDone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ExitWhenDone: true})
		h.Go("extra", failing(errBoom), hosted.WaitReady(), hosted.OptionalStart())
		h.Go("work", after(time.Second, nil))
		wantNil(t, h.Run(t.Context()))
	})
}
