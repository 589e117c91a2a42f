package hosted_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
)

func TestASlowStopSaysEverySecondWhatItWaitsFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		h.Add("emails", &leaving{fake: fake{stop: after(5500*time.Millisecond, nil)}, backlog: 7})
		h.Add("quick", &fake{})
		starts(t, h)
		stops(t, h)
		lines := log.matching("WARN still stopping")
		if len(lines) != 4 { // after 2, 3, 4 and 5 seconds
			t.Fatalf("got %q, want 4 lines", lines)
		}
		wantText(t, lines[0], "duration=2s", "services=emails", "to_drain=7")
		time.Sleep(time.Hour)
		if n := len(log.matching("WARN still stopping")); n != 4 {
			t.Errorf("%d lines, want none after the end", n-4)
		}
	})
}

func TestAQuickStopSaysNothingOnItsWay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		h.Add("s", &fake{stop: after(1900*time.Millisecond, nil)})
		starts(t, h)
		stops(t, h)
		if lines := log.matching("WARN"); len(lines) > 0 {
			t.Errorf("logged %q", lines)
		}
	})
}

func TestProgressGoesOnAfterALongDrainDelayOrHook(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger, DrainDelay: 5 * time.Second})
		h.Add("slow", &fake{stop: after(10*time.Second, nil)})
		starts(t, h)
		stops(t, h)
		if n := len(log.matching("services=slow")); n < 8 {
			t.Errorf("%d lines name the service: %q", n, log.matching("still stopping"))
		}
	})
}

func TestABacklogThatBlocksSilencesNothingElse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger, ShutdownTimeout: 10 * time.Second})
		c := &counting{held: make(chan struct{})}
		t.Cleanup(func() { close(c.held) })
		c.stop = func(context.Context) error { <-c.held; return nil }
		h.Add("s", c)
		starts(t, h)
		_ = h.Stop(context.Background())
		if n := len(log.matching("services=s ")); n < 7 {
			t.Errorf("%d lines name the service: %q", n, log.matching("still stopping"))
		}
	})
}

func TestSummaryIsTheStateInAFewWords(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{DrainDelay: time.Second})
		h.Add("slow", &fake{start: after(time.Second, nil), stop: after(time.Second, nil)})
		want := func(want string) {
			t.Helper()
			if got := h.Summary(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		want("starting")
		result := runs(t.Context(), h)
		synctest.Wait()
		want("starting")
		pass(time.Second)
		want("running, 1 service")
		h.Lifetime().Stop(nil)
		want("stopping")
		pass(1500 * time.Millisecond)
		want("stopping, waiting for slow")
		wantNil(t, <-result)
		want("stopped")
	})
}
