package hosted_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

func TestAfterTheLimitComesThen(t *testing.T) {
	for name, c := range map[string]struct {
		then  hosted.Policy
		ready bool
	}{
		"by default the host stops": {hosted.Policy{}, false},
		"the host stops":            {hosted.StopHost(), false},
		"the host goes on":          {hosted.Ignore(), true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				log, logger := newLog()
				h := hosted.New(hosted.Config{Logger: logger})
				h.Go("pinger", failing(errBoom), hosted.NotCritical(),
					hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Limit: 2, Then: c.then})))
				result := runs(t.Context(), h)
				pass(50 * time.Millisecond)
				if !ok(h.ReadyHandler()) {
					t.Error("not ready while it is restarted")
				}
				pass(time.Minute)
				wantState(t, h, "pinger", lifecycle.Failed)
				if ok(h.ReadyHandler()) != c.ready {
					t.Errorf("ready is %v after it was given up", !c.ready)
				}
				h.Lifetime().Stop(nil)
				if err := <-result; (err == nil) != c.ready {
					t.Errorf("the host ended with %v", err)
				}
				wantText(t, strings.Join(log.matching("ERROR service failed"), "\n"), "gave up after 2 restarts: boom")
			})
		})
	}
}

func TestTheLogOfARestartSaysWhatComesNext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		limited := hosted.RestartConfig{Initial: time.Second, Max: time.Second, Limit: 3, Then: hosted.Ignore()}
		h.Go("limited", failing(errBoom), hosted.OnFailure(hosted.Restart(limited)))
		h.Go("endless", after(time.Second, errBoom), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Limit: -1})))
		starts(t, h)
		synctest.Wait()
		at := status(t, h, "limited").RestartAt
		line := log.matching("service restarting")[0]
		wantText(t, line, "WARN", "service=limited", "error=boom", "delay="+time.Until(at).Round(10*time.Microsecond).String(),
			"restart=1 limit=3 per=1m0s then=go on without it")
		pass(2 * time.Minute)
		if lines := log.matching("restart=3 limit=3"); len(lines) != 1 {
			t.Errorf("the last restart is not numbered: %q", log.matching("limited"))
		}
		for _, line := range log.matching("service=endless") {
			if strings.Contains(line, "limit") || !strings.Contains(line, "attempt=") {
				t.Errorf("without a limit: %s", line)
			}
		}
		_ = h.Stop(t.Context())
	})
}

func TestALoopThatReturnsNilIsRestartedOnlyIfItIsToRunAlways(t *testing.T) {
	for _, always := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			log, logger := newLog()
			h := hosted.New(hosted.Config{Logger: logger, DrainDelay: time.Second})
			n := 0
			h.Go("loop", func(ctx context.Context) error {
				if n++; n < 4 {
					return nil
				}
				<-h.Lifetime().Stopping() // a second before its turn
				return nil
			}, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Always: always})))
			h.Go("other", idle)
			starts(t, h)
			pass(time.Minute)
			wantRuns, completed := map[bool]int{false: 1, true: 4}[always], log.matching("INFO service completed")
			if n != wantRuns || len(completed) != map[bool]int{false: 1}[always] {
				t.Errorf("always %v: ran %d times, logged %q", always, n, completed)
			}
			stops(t, h)
			if wantState(t, h, "loop", lifecycle.Completed); n != wantRuns {
				t.Error("restarted although the host was stopping")
			}
		})
	}
}

func TestAServiceThatEndsIsMadeAnewIfItIsToRunAlways(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		made := 0
		h.Add("consumer", hosted.Fresh(func() (hosted.Service, error) {
			s := newEnding()
			if made++; made < 3 {
				time.AfterFunc(time.Second, func() { s.end(nil) })
			}
			return s, nil
		}), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Always: true})))
		starts(t, h)
		pass(time.Minute)
		if wantState(t, h, "consumer", lifecycle.Running); made != 3 {
			t.Errorf("made %d times", made)
		}
		stops(t, h)
	})
}

func TestALoopThatAlwaysReturnsUsesUpItsLimit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("loop", failing(nil), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Always: true})))
		err := h.Run(t.Context())
		wantText(t, err.Error(), `run "loop": gave up after 5 restarts: it returned`)
	})
}

func TestThenIsNotAnotherRestart(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Go("loop", idle, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Then: hosted.Restart(hosted.RestartConfig{})})))
	wantText(t, h.Start(t.Context()).Error(), "RestartConfig.Then")
}
