package hosted_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
)

// queueOf makes a queue of three items and workers for it.
func queueOf(t *testing.T, handle func(context.Context, int) error, cfg channelq.WorkerConfig[int]) (*channelq.Queue[int], *channelq.Workers[int]) {
	t.Helper()
	q, err := channelq.New(channelq.Config[int]{Name: "orders", Capacity: 10})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Concurrency = 1
	w, err := channelq.NewWorkers(q, handle, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_ = q.TryEnqueue(1)
	}
	return q, w
}

func TestAStragglerIsOneLineOfError(t *testing.T) {
	deaf := func(context.Context) error { time.Sleep(time.Hour); return nil }
	for name, c := range map[string]struct {
		add  func(t *testing.T, h *hosted.Host)
		line string
	}{
		"a service": {func(_ *testing.T, h *hosted.Host) { h.Add("s", &fake{stop: deaf}) }, "ERROR service did not return host=host service=s op=stop"},
		"a loop":    {func(_ *testing.T, h *hosted.Host) { h.Go("s", deaf) }, "ERROR service did not return host=host service=s op=stop"},
		"a handler": {func(t *testing.T, h *hosted.Host) {
			l := newPipes()
			h.Add("web", hosted.Serve(handler(func(http.ResponseWriter, *http.Request) { _ = deaf(t.Context()) }), l))
			go func() {
				<-h.Lifetime().Started()
				l.speaks(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			}()
		}, "ERROR service left calls behind host=host service=web op=stop"},
		"a handler of a queue": {func(t *testing.T, h *hosted.Host) {
			_, w := queueOf(t, func(ctx context.Context, _ int) error { return deaf(ctx) }, channelq.WorkerConfig[int]{})
			h.Add("orders", w)
		}, "ERROR service left calls behind host=host service=orders op=stop"},
		"one in a host": {func(_ *testing.T, h *hosted.Host) {
			inner := hosted.New(hosted.Config{Name: "inner"})
			inner.Go("s", deaf)
			h.Add("in", inner)
		}, "ERROR service did not return host=host service=in/s op=stop"},
		"a handler in a host": {func(t *testing.T, h *hosted.Host) {
			_, w := queueOf(t, func(ctx context.Context, _ int) error { return deaf(ctx) }, channelq.WorkerConfig[int]{})
			inner := hosted.New(hosted.Config{Name: "inner"})
			inner.Add("orders", w)
			h.Add("in", inner)
		}, "ERROR service left calls behind host=host service=in/orders op=stop"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				log, logger := newLog()
				h := hosted.New(hosted.Config{Logger: logger, ShutdownTimeout: 4 * time.Second})
				c.add(t, h)
				starts(t, h)
				pass(time.Second)
				err := h.Stop(context.Background())
				var timeout *hosted.TimeoutError
				if !errors.As(err, &timeout) || len(timeout.Stragglers) != 1 {
					t.Errorf("the stragglers of %v", err)
				}
				wantLines(t, log, "ERROR", 1)
				wantLines(t, log, c.line, 1)
				pass(2 * time.Hour)
			})
		})
	}
}

func TestALeftOverItemIsCountedOnceThoughAServerWatchesTheQueue(t *testing.T) {
	for _, taken := range []bool{false, true} {
		for _, watchFirst := range []bool{false, true} {
			bubble(t, func(t *testing.T) {
				log, logger := newLog()
				h := hosted.New(hosted.Config{Logger: logger, ShutdownTimeout: 4 * time.Second})
				cfg := channelq.WorkerConfig[int]{}
				if taken {
					cfg.OnLeftover = func(context.Context, []int) error { return nil }
				}
				q, w := queueOf(t, func(ctx context.Context, _ int) error { return idle(ctx) }, cfg)
				add := []func(){func() { h.Add("orders", w) }, func() { h.Add("web", hosted.Serve(&http.Server{}, newPipes()), hosted.Watch(q)) }}
				if watchFirst {
					add[0], add[1] = add[1], add[0]
				}
				add[0]()
				add[1]()
				starts(t, h)
				synctest.Wait()
				err := h.Stop(context.Background())
				r := h.Report()
				total, inTally := 0, uint64(0)
				for _, s := range r.Services {
					total += s.Leftover
					inTally += s.Items["leftover"]
				}
				if (err == nil) != taken || r.Clean() != taken || total != 3 || inTally != 3 {
					t.Errorf("taken %v, watched first %v: %v, clean %v, %d and %d left over", taken, watchFirst, err, r.Clean(), total, inTally)
				}
				level := map[bool]string{false: "WARN", true: "INFO"}[taken]
				wantLines(t, log, level+" host stopped", 1)
				wantLines(t, log, level+" items left over", 1)
				wantLines(t, log, level+" service stopped host=host service=orders", 1)
				if loud := append(log.matching("ERROR"), log.matching("WARN service")...); taken && len(loud) > 0 {
					t.Errorf("logged %q", loud)
				}
			})
		}
	}
}

// late is a consumer that says after a stall of the machine which queue is its own.
type late struct {
	*channelq.Workers[int]

	stall time.Duration
}

func (l late) Observed() any { time.Sleep(l.stall); return l.Workers.Observed() }

func TestItemsAreCountedOnceThoughTheirConsumerSaysLateWhoseTheyAre(t *testing.T) {
	t.Run("in time", func(t *testing.T) { countedOnce(t, 300*time.Millisecond) })
	t.Run("too late", func(t *testing.T) { countedOnce(t, 3*time.Second) })
}

func countedOnce(t *testing.T, stall time.Duration) {
	t.Helper()
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		q, w := queueOf(t, func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{})
		h.Add("orders", late{w, stall})
		h.Add("web", &fake{}, hosted.Watch(q))
		starts(t, h)
		stops(t, h)
		sum := uint64(0)
		for _, s := range h.Report().Services {
			sum += s.Items["accepted"]
		}
		if accepted := q.Counts()["accepted"]; sum != accepted || sum == 0 {
			t.Errorf("%d of %d were counted", sum, accepted)
		}
		pass(stall) // what is abandoned returns
	})
}
