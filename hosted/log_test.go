package hosted_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
)

// panicking is a log handler that panics on every record.
type panicking struct{ slog.Handler }

func (panicking) Handle(context.Context, slog.Record) error { panic("the disk is full") }
func (p panicking) WithAttrs([]slog.Attr) slog.Handler      { return p }
func (panicking) Enabled(context.Context, slog.Level) bool  { return true }

func TestALogHandlerThatPanicsChangesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{Logger: slog.New(panicking{})})
		h.Add("up", traced(&r, "up"))
		h.Go("fails", func(context.Context) error { return errBoom }, hosted.OnFailure(hosted.Ignore()))
		h.Go("restarts", failing(errBoom), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Limit: -1})))
		h.Go("panics", func(ctx context.Context) error { <-ctx.Done(); panic("at the stop") })
		starts(t, h)
		wantServiceError(t, h.Stop(t.Context()), "panics", "run")
		r.want(t, "start up", "stop up")
	})
}

func TestAFailedStartLogsItsErrorOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		h.Task("migrate", func(context.Context) error { return errors.New("no such table") })
		if err := h.Start(t.Context()); err == nil {
			t.Fatal("it started")
		}
		for _, line := range log.all() {
			if strings.Contains(line, "no such table") != strings.Contains(line, "host not started") {
				t.Errorf("the error is in the wrong line: %s", line)
			}
		}
	})
}

// keeping is a service whose queue had items.
type keeping struct {
	leaving
	items map[string]uint64
}

func (c *keeping) Counts() map[string]uint64 { return c.items }

func TestTheEndIsALineForEachServiceWithSomethingToTellAndOneForTheHost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger, ShutdownTimeout: 10 * time.Second})
		h.Add("emails", &keeping{items: map[string]uint64{"accepted": 5, "handled": 5}})
		h.Add("clicks", &keeping{leaving{left: 2}, map[string]uint64{"accepted": 5, "leftover": 2, "handled": 3}})
		h.Add("empty", &keeping{items: map[string]uint64{"accepted": 0}})
		h.Add("other", &leaving{left: 1})
		h.Go("quiet", idle)
		h.Go("flaky", failsOnce(), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})))
		h.Go("stuck", stuck(t))
		starts(t, h)
		pass(time.Minute)
		h.Lifetime().Stop(errWhy)
		_ = h.Stop(t.Context())
		lines := log.to.all()
		lines = lines[len(lines)-9:]
		for i, want := range []string{
			"ERROR service did not return host=host service=stuck op=stop duration=5.37s",
			"DEBUG service stopped host=host service=stuck state=failed duration=5.37s",
			"INFO service stopped host=host service=flaky state=stopped duration=0s restarts=1",
			"DEBUG service stopped host=host service=quiet state=stopped duration=0s",
			"INFO service stopped host=host service=other state=stopped duration=0s leftover=1",
			"DEBUG service stopped host=host service=empty state=stopped duration=0s items=[accepted=0]",
			"INFO service stopped host=host service=clicks state=stopped duration=0s items=[accepted=5 handled=3 leftover=2]",
			"INFO service stopped host=host service=emails state=stopped duration=0s items=[accepted=5 handled=5]",
			`WARN host stopped host=host duration=5.37s cause=because of the test stragglers=1 leftover=3 error=did not return in time: "stuck" (stop, 5.367s)`,
		} {
			if lines[i] != want {
				t.Errorf("line %d: %s\nwant    %s", i, lines[i], want)
			}
		}
	})
}

// failsOnce is a loop that fails the first time.
func failsOnce() func(context.Context) error {
	failed := false
	return func(ctx context.Context) error {
		if !failed {
			failed = true
			return errBoom
		}
		return idle(ctx)
	}
}

func TestTheLastLineOfAHostIsOneLineForPeopleAndFieldsForMachines(t *testing.T) {
	var text, out bytes.Buffer
	h := hosted.New(hosted.Config{Logger: slog.New(slog.NewMultiHandler(slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&out, nil)))})
	h.Add("a", &fake{stop: failing(errBoom)})
	h.Add("b", &fake{stop: failing(errOther)})
	h.Add("c", &keeping{leaving{left: 2}, map[string]uint64{"accepted": 2, "leftover": 2}})
	starts(t, h)
	h.Lifetime().Stop(errWhy)
	_ = h.Stop(t.Context())
	if strings.Contains(text.String(), `\n`) {
		t.Errorf("there is an escaped line break in\n%s", text.String())
	}
	var last struct {
		Msg   string `json:"msg"`
		Level string `json:"level"`
		Cause string `json:"cause"`
		Error string `json:"error"`
		Left  int    `json:"leftover"`
	}
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil {
		t.Fatal(err)
	}
	if last.Msg != "host stopped" || last.Level != "WARN" || last.Cause != errWhy.Error() || last.Left != 2 ||
		last.Error != `stop "b": other; stop "a": boom` {
		t.Errorf("the last line is %+v", last)
	}
	var queue struct {
		Items map[string]int `json:"items"`
	}
	for _, l := range lines {
		if bytes.Contains(l, []byte(`"service stopped"`)) {
			if err := json.Unmarshal(l, &queue); err != nil {
				t.Fatal(err)
			}
		}
	}
	if queue.Items["accepted"] != 2 || queue.Items["leftover"] != 2 {
		t.Errorf("the buckets are %v", queue.Items)
	}
}

func TestItemsLeftOverAreUncleanUnlessSomebodyTookThem(t *testing.T) {
	for _, taken := range []bool{false, true} {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		s := &leaving{left: 1}
		if !taken {
			s.stop = failing(errBoom)
		}
		h.Add("emails", s)
		starts(t, h)
		if err := h.Stop(t.Context()); (err == nil) != taken || h.Report().Clean() != taken {
			t.Errorf("taken %v: error %v, clean %v", taken, err, h.Report().Clean())
		}
		level := map[bool]string{true: "INFO", false: "WARN"}[taken]
		if len(log.matching(level+" host stopped")) != 1 || len(log.matching(level+" service stopped")) != 1 {
			t.Errorf("taken %v: logged %q", taken, log.all())
		}
	}
}

func TestTheLogTellsTheLifeOfTheHost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Name: "shop", Logger: logger, DrainDelay: time.Second})
		h.Go("loop", idle)
		starts(t, h)
		h.Lifetime().Stop(errWhy)
		stops(t, h)
		lines := log.all()
		for i, want := range []string{"INFO host starting", "INFO host started", "INFO host stopping", "INFO host draining", "DEBUG service stopped", "INFO host stopped"} {
			if i >= len(lines) || !strings.HasPrefix(lines[i], want+" host=shop") {
				t.Fatalf("line %d of %q is not %q", i, lines, want)
			}
		}
		wantText(t, lines[2], "cause="+errWhy.Error())
		wantText(t, lines[5], "cause="+errWhy.Error(), "duration=1s")
	})
}

func TestAPanicOfAStopIsLoggedWithItsStack(t *testing.T) {
	log, logger := newLog()
	h := hosted.New(hosted.Config{Logger: logger})
	h.Add("s", &fake{stop: func(context.Context) error { explode(); return nil }})
	starts(t, h)
	wantIs(t, h.Stop(t.Context()), io.ErrUnexpectedEOF)
	lines := log.matching("ERROR service did not stop cleanly")
	if len(lines) != 1 {
		t.Fatalf("logged %q", log.all())
	}
	wantText(t, lines[0], "service=s", "stack=", "explode")
}
