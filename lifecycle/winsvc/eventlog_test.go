package winsvc

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/steadgo/stead/hosted"
)

// fakeEvents is an event log.
type fakeEvents struct {
	mu  sync.Mutex
	all []string // "level text"
}

func (f *fakeEvents) add(level, text string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, level+" "+text)
	return nil
}

func (f *fakeEvents) Info(_ uint32, text string) error    { return f.add("info", text) }
func (f *fakeEvents) Warning(_ uint32, text string) error { return f.add("warning", text) }
func (f *fakeEvents) Error(_ uint32, text string) error   { return f.add("error", text) }

// expect wants an event of the level that has all the parts.
func (f *fakeEvents) expect(t *testing.T, level string, parts ...string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
events:
	for _, e := range f.all {
		if !strings.HasPrefix(e, level+" ") {
			continue
		}
		for _, p := range parts {
			if !strings.Contains(e, p) {
				continue events
			}
		}
		return
	}
	t.Errorf("no event of level %s with %q in %q", level, parts, f.all)
}

func TestEventsHaveALevelAndNoTime(t *testing.T) {
	var to fakeEvents
	log := slog.New(newEventHandler(&to)).With("host", "shop").WithGroup("job")
	log.Debug("not shown")
	log.Info("started", "name", "warm")
	log.Warn("slow")
	log.Error("failed", "level", 3)
	want := []string{
		"info msg=started host=shop job.name=warm",
		"warning msg=slow host=shop",
		"error msg=failed host=shop job.level=3",
	}
	if got := strings.Join(to.all, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s", got)
	}
}

func TestWhatWindowsRefusesInAnEventIsLeftOut(t *testing.T) {
	for text, want := range map[string]string{
		"a\x00b\n":                           "a\uFFFDb",
		strings.Repeat("x", longest):         strings.Repeat("x", longest),
		strings.Repeat("é", longest/2+10):    strings.Repeat("é", longest/2) + "...",
		"x" + strings.Repeat("é", longest/2): "x" + strings.Repeat("é", longest/2-1) + "...",
	} {
		if got := clip(text); got != want {
			t.Errorf("%d bytes became %d, want %d", len(text), len(got), len(want))
		}
	}
}

func TestOnlyAHostWithoutALoggerLogsToTheEventLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop := func(ctx context.Context) error { <-ctx.Done(); return nil }
		without := hosted.New(hosted.Config{})
		without.Go("work", loop)
		m := serving(without)
		m.controls <- stop
		m.expectCode(t, 0)
		m.events.expect(t, "info", "host started")

		with := hosted.New(hosted.Config{Logger: slog.New(slog.DiscardHandler)})
		with.Go("work", loop)
		m = serving(with)
		m.controls <- stop
		m.expectCode(t, 0)
		if len(m.events.all) > 0 {
			t.Errorf("events: %q", m.events.all)
		}
	})
}

func TestOutsideTheServiceManagerMainIsThatOfTheHost(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asProgram+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// chatty is an attribute that logs when it is asked for its value.
type chatty struct{ log *slog.Logger }

func (c chatty) LogValue() slog.Value {
	c.log.Info("asked")
	return slog.StringValue("value")
}

func TestAnAttributeThatLogsHangsNothing(t *testing.T) {
	var to fakeEvents
	log := slog.New(newEventHandler(&to))
	log.Info("hello", "a", chatty{log})
	if got := len(to.all); got != 2 {
		t.Errorf("%d events", got)
	}
}
