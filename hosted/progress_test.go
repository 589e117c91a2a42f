package hosted_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

func TestASlowStopSaysWhatItWaitsForAndEverLessOften(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		h.Add("emails", &leaving{fake: fake{stop: after(9500*time.Millisecond, nil)}, backlog: 7})
		h.Add("quick", &fake{})
		starts(t, h)
		stops(t, h)
		lines := log.matching("WARN still stopping")
		if len(lines) != 4 { // after 2, 3, 5 and 9 seconds
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
		h := hosted.New(hosted.Config{Logger: logger, DrainDelay: 5500 * time.Millisecond}) // no line is due when it ends
		h.Add("slow", &fake{stop: after(10*time.Second, nil)})
		starts(t, h)
		stops(t, h)
		if n := len(log.matching("services=slow")); n != 4 {
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
		if n := len(log.matching("services=s ")); n != 4 {
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

func TestASlowStopSaysWhatIsUnknownAndAddsUpWhatIsKnown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger, StartConcurrency: 10, StopConcurrency: 10})
		slow := func(context.Context) error { time.Sleep(2500 * time.Millisecond); return nil }
		l := newPipes()
		h.Add("web", hosted.Serve(handler(func(http.ResponseWriter, *http.Request) { _ = slow(t.Context()) }), l))
		every := periodic.Config{Name: "job", Schedule: periodic.Every(time.Hour), RunAtStart: true}
		job, err := periodic.New(every, slow)
		if err != nil {
			t.Fatal(err)
		}
		h.Add("job", job)
		every.Name = "planned"
		planned, err := periodic.New(every, slow)
		if err != nil {
			t.Fatal(err)
		}
		scheduler, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "plan"})
		if err == nil {
			err = scheduler.Add(planned)
		}
		if err != nil {
			t.Fatal(err)
		}
		h.Add("scheduler", scheduler)
		h.Add("emails", &leaving{fake: fake{stop: slow}, backlog: 7})
		h.Go("loop", func(ctx context.Context) error { <-ctx.Done(); return slow(ctx) })
		starts(t, h)
		for range 2 {
			c := l.speaks(t, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			go func() { _, _ = io.Copy(io.Discard, c) }()
		}
		synctest.Wait()
		stops(t, h)
		wantLines(t, log, "services=web job scheduler emails loop to_drain=11 unknown=loop", 1)
	})
}
