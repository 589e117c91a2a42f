package hosted_test

import (
	"context"
	"fmt"
	"runtime/pprof"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
)

// labelsOf is what a CPU profile would say of the goroutine.
func labelsOf(ctx context.Context) string {
	host, _ := pprof.Label(ctx, "host")
	service, _ := pprof.Label(ctx, "service")
	return host + "/" + service
}

func TestEveryCallCarriesTheLabelsOfItsHostAndService(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{Name: "shop"})
		var r record
		look := func(op string) func(context.Context) error {
			return func(ctx context.Context) error {
				if got := labelsOf(ctx); got != "shop/s" {
					t.Errorf("%s: the context says %s", op, got)
				}
				synctest.Wait() // until the call before this one is gone
				if n := h.Goroutines()["s"]; n == 0 {
					t.Errorf("%s: the goroutine is not counted", op)
				}
				child := make(chan bool)
				before := h.Goroutines()["s"]
				go func() { child <- h.Goroutines()["s"] == before+1 }()
				if !<-child {
					t.Errorf("%s: a goroutine that was started by it is not counted", op)
				}
				r.addf("%s", op)
				return nil
			}
		}
		hooks := &hooked{fake{look("start"), look("stop")}, look("starting"), look("started"), look("stopping"), look("stopped")}
		h.Add("s", &reloadHooked{hooks, look("reload")}, hosted.Health(look("health")))
		starts(t, h)
		_ = ok(h.ReadyHandler())
		wantNil(t, h.Reload(t.Context()))
		stops(t, h)
		r.want(t, "starting", "start", "started", "health", "reload", "stopping", "stop", "stopped")
		synctest.Wait() // until those that came back are gone
		if n := h.Goroutines(); len(n) > 0 {
			t.Errorf("left: %v", n)
		}
	})
}

type reloadHooked struct {
	*hooked
	reload func(ctx context.Context) error
}

func (r *reloadHooked) Reload(ctx context.Context) error { return r.reload(ctx) }

func TestOddNamesAreFoundInTheProfile(t *testing.T) {
	for _, name := range []string{`say "hi"`, `back\slash`, "new\nline", "ünïcode", `x", "service":"y`, "a/b c"} {
		t.Run(fmt.Sprintf("%q", name), func(t *testing.T) {
			h := hosted.New(hosted.Config{Name: `"service":"fake"`})
			h.Go(name, func(ctx context.Context) error { hosted.Ready(ctx); return idle(ctx) }, hosted.WaitReady())
			starts(t, h)
			if got := h.Goroutines(); got[name] != 1 || len(got) != 1 {
				t.Errorf("got %v", got)
			}
			stops(t, h)
		})
	}
}

func TestLabelsStayThroughRestarts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		n := 0
		h.Go("loop", func(ctx context.Context) error {
			if n++; n < 3 {
				return errBoom
			}
			return idle(ctx)
		}, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})))
		h.Add("fresh", hosted.Fresh(func() (hosted.Service, error) { return hosted.Loop(idle), nil }))
		starts(t, h)
		pass(time.Minute)
		if got := h.Goroutines(); got["loop"] != 1 || got["fresh"] != 2 { // the loop and who watches it
			t.Errorf("got %v", got)
		}
		stops(t, h)
	})
}
