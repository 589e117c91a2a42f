package hosted_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// leaving leaves items over and has some to drain.
type leaving struct {
	fake
	left, backlog int
}

func (l *leaving) Leftover() int { return l.left }
func (l *leaving) Backlog() int  { return l.backlog }

// troubled is a host whose report has something in every column.
func troubled(t *testing.T) *hosted.Host {
	h := hosted.New(hosted.Config{Name: "shop", ShutdownTimeout: 10 * time.Second})
	h.Add("db", &fake{start: after(2*time.Second, nil), stop: failing(errors.New("connection\nreset"))})
	h.Add("emails", &leaving{fake: fake{stop: after(time.Second, nil)}, left: 3})
	n := 0
	h.Go("flaky", func(ctx context.Context) error {
		if n++; n < 3 {
			return errBoom
		}
		return idle(ctx)
	}, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})))
	h.Go("deaf", stuck(t))
	starts(t, h)
	pass(time.Minute)
	h.Lifetime().Stop(errWhy)
	_ = h.Stop(t.Context())
	return h
}

func TestTheReportIsATableInTheOrderOfTheStop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := troubled(t)
		r := h.Report()
		var rows [][]string
		lines := strings.Split(r.String(), "\n")
		for _, line := range lines[1:6] {
			rows = append(rows, strings.Fields(line))
		}
		wantText(t, lines[0], "shop", "because of the test")
		wantList(t, "head", rows[0], "SERVICE", "STATE", "START", "STOP", "RESTARTS", "LEFT", "OVER", "ERROR")
		wantList(t, "deaf", rows[1][:2], "deaf", "failed")
		wantList(t, "flaky", rows[2][:6], "flaky", "stopped", "0s", "0s", "2", "0")
		wantList(t, "emails", rows[3], "emails", "stopped", "0s", "1s", "0", "3", "-")
		wantList(t, "db", rows[4], "db", "failed", "2s", "0s", "0", "0", "connection", "reset")
		wantText(t, r.String(), "deaf did not return from stop within")
		if r.Clean() {
			t.Error("that is not clean")
		}
		wantIs(t, r.Cause, errWhy)
		wantIs(t, r.Err, context.DeadlineExceeded)
	})
}

func TestTheReportMarshalsToJSON(t *testing.T) {
	bubble(t, func(t *testing.T) {
		text, err := json.Marshal(troubled(t).Report())
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Host     string  `json:"host"`
			Cause    string  `json:"cause"`
			Error    string  `json:"error"`
			Took     float64 `json:"took_seconds"`
			Clean    bool    `json:"clean"`
			Services []struct {
				Name     string  `json:"name"`
				State    string  `json:"state"`
				Error    string  `json:"error"`
				Start    float64 `json:"start_seconds"`
				Stop     float64 `json:"stop_seconds"`
				Restarts int     `json:"restarts"`
				Leftover int     `json:"leftover"`
			} `json:"services"`
			Stragglers []struct {
				Service string  `json:"service"`
				Op      string  `json:"op"`
				Stacks  string  `json:"stacks"`
				Waited  float64 `json:"waited_seconds"`
			} `json:"stragglers"`
		}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if got.Host != "shop" || got.Cause != errWhy.Error() || got.Clean || got.Took < 6 || got.Took > 10.1 || got.Error == "" {
			t.Errorf("got %s", text)
		}
		if len(got.Services) != 4 || len(got.Stragglers) != 1 {
			t.Fatalf("got %s", text)
		}
		if s := got.Services[2]; s.Name != "emails" || s.State != "stopped" || s.Stop != 1 || s.Leftover != 3 || s.Error != "" {
			t.Errorf("emails: %+v", s)
		}
		if s := got.Services[3]; s.Name != "db" || s.Start != 2 || s.Error != "connection\nreset" {
			t.Errorf("db: %+v", s)
		}
		if s := got.Stragglers[0]; s.Service != "deaf" || s.Op != "stop" || s.Waited < 6 || s.Stacks == "" {
			t.Errorf("straggler: %+v", s)
		}
	})
}

func TestAnEmptyReportMarshalsToEmptyLists(t *testing.T) {
	text, err := json.Marshal(hosted.New(hosted.Config{}).Report())
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, string(text), `"host":"host"`, `"services":[]`, `"stragglers":[]`, `"clean":true`)
}

func TestACleanStopHasACleanReport(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Go("loop", idle)
	starts(t, h)
	if h.Report().Cause != nil {
		t.Error("there is a cause while it runs")
	}
	if text := h.Report().String(); strings.Contains(text, "stopped after") {
		t.Errorf("a host that runs is reported as stopped:\n%s", text)
	}
	stops(t, h)
	if !h.Report().Clean() {
		t.Errorf("not clean:\n%v", h.Report())
	}
}

func TestStatesAndTimesFollowTheService(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Add("s", &fake{start: after(2*time.Second, nil), stop: after(3*time.Second, nil)})
		began := time.Now()
		look := func(state lifecycle.State, since time.Duration, ready bool) {
			t.Helper()
			s := status(t, h, "s")
			if s.State != state || s.Since.Sub(began) != since || s.Ready != ready {
				t.Errorf("%v since %v ready %v, want %v since %v ready %v", s.State, s.Since.Sub(began), s.Ready, state, since, ready)
			}
		}
		result := runs(t.Context(), h)
		synctest.Wait()
		look(lifecycle.Starting, 0, false)
		pass(10 * time.Second)
		look(lifecycle.Running, 2*time.Second, true)
		h.Lifetime().Stop(nil)
		pass(time.Second)
		look(lifecycle.Stopping, 10*time.Second, false)
		wantNil(t, <-result)
		look(lifecycle.Stopped, 13*time.Second, false)
		if s := status(t, h, "s"); s.StartTook != 2*time.Second || s.StopTook != 3*time.Second {
			t.Errorf("start took %v and stop %v, want 2s and 3s", s.StartTook, s.StopTook)
		}
	})
}

func TestErrorsReadAsSentencesWithNames(t *testing.T) {
	service := &hosted.ServiceError{Service: "emails", Op: "stop", Err: errBoom}
	timeout := &hosted.TimeoutError{Stragglers: []hosted.Straggler{
		{Service: "a", Op: "stop", Waited: 1234567 * time.Microsecond, Stacks: "long"},
		{Service: "b/c", Op: "start", Waited: time.Second},
	}}
	for _, c := range []struct {
		err  error
		want string
	}{
		{service, `stead/hosted: stop "emails": boom`},
		{timeout, `stead/hosted: did not return in time: "a" (stop, 1.235s), "b/c" (start, 1s)`},
		{hosted.ErrStopping, "stead/hosted: the host is stopping"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	wantIs(t, service, errBoom)
	wantIs(t, timeout, context.DeadlineExceeded)
}

func TestTheTotalOfItemsAndRunsComesFirstAndWhatIsBesideItLast(t *testing.T) {
	log, logger := newLog()
	h := hosted.New(hosted.Config{Logger: logger})
	h.Add("clicks", &keeping{items: map[string]uint64{"handled": 3, "accepted": 5, "still_there": 2, "refused_closed": 1}})
	h.Add("feeds", &keeping{items: map[string]uint64{"failed": 4, "runs": 15, "skipped": 1, "succeeded": 10, "running": 1}})
	starts(t, h)
	stops(t, h)
	wantText(t, h.Report().String(),
		"items of clicks: accepted 5 handled 3 still_there 2 refused_closed 1\n",
		"runs of feeds: total 15 failed 4 running 1 succeeded 10 skipped 1\n")
	wantLines(t, log, "runs=[total=15 failed=4 running=1 succeeded=10 skipped=1]", 1)
	wantLines(t, log, "WARN service stopped host=host service=feeds", 1) // a run hangs
}

func TestTheReportOfAStartThatFailedSaysSo(t *testing.T) {
	h := hosted.New(hosted.Config{Name: "warm"})
	h.Task("fill", failing(errBoom))
	if h.Run(t.Context()) == nil {
		t.Error("it started")
	}
	wantText(t, h.Report().String(), "warm did not start, and what had started was stopped, which took ")
}

func TestAnErrorThatNamesTheSameCallAndServiceIsNotSaidTwice(t *testing.T) {
	for _, c := range []struct{ inner, want string }{
		{`stead/periodic: stop "products": still running`, `stead/hosted: stop "products": still running`},
		{`stead/periodic: stop "other": still running`, `stead/hosted: stop "products": stead/periodic: stop "other": still running`},
		{`my stead/x: stop "products": no`, `stead/hosted: stop "products": my stead/x: stop "products": no`},
	} {
		inner := errors.New(c.inner)
		err := &hosted.ServiceError{Service: "products", Op: "stop", Err: inner}
		if err.Error() != c.want {
			t.Errorf("got %q, want %q", err, c.want)
		}
		wantIs(t, err, inner)
	}
}
