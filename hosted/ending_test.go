package hosted_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

func TestAServiceThatEndsByItselfFollowsItsPolicy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		var r record
		fails, ends, optional := newEnding(), newEnding(), newEnding()
		for _, e := range []*ending{fails, ends, optional} {
			e.stop = func(context.Context) error { r.addf("stop"); return nil }
		}
		h.Add("fails", fails)
		h.Add("ends", ends)
		h.Add("optional", optional, hosted.OnFailure(hosted.Ignore()))
		result := runs(t.Context(), h)
		synctest.Wait()
		ends.end(nil)
		optional.end(errOther)
		synctest.Wait()
		wantState(t, h, "ends", lifecycle.Completed)
		wantState(t, h, "optional", lifecycle.Failed)
		if closed(h.Lifetime().Stopping()) {
			t.Fatal("the host stops")
		}
		fails.end(errBoom)
		err := <-result
		wantList(t, "errors", calls(err), "run fails")
		r.want(t, "stop", "stop", "stop")
		wantState(t, h, "ends", lifecycle.Completed)
	})
}

func TestAFailureThatStopReturnsAgainIsCountedOnce(t *testing.T) {
	for name, policy := range map[string]hosted.Policy{"stop host": hosted.StopHost(), "ignore": hosted.Ignore()} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := hosted.New(hosted.Config{})
				e := newEnding()
				e.stop = func(context.Context) error { return e.err }
				h.Add("s", e, hosted.OnFailure(policy))
				starts(t, h)
				e.end(errBoom)
				synctest.Wait()
				err := h.Stop(t.Context())
				if name == "ignore" {
					wantNil(t, err)
				} else {
					wantList(t, "errors", calls(err), "run s")
				}
			})
		})
	}
}

func TestExitWhenDoneEndsWithTheLastLoop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{ExitWhenDone: true})
		h.Add("plain", traced(&r, "plain"))
		h.Go("a", after(time.Second, nil))
		h.Go("b", after(3*time.Second, nil))
		h.Go("ignored", after(2*time.Second, errBoom), hosted.OnFailure(hosted.Ignore()))
		began := time.Now()
		wantNil(t, h.Run(t.Context()))
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("took %v, want 3s", took)
		}
		r.want(t, "start plain", "stop plain")
	})
}

func TestExitWhenDoneHoldsWhenEveryLoopCompletesDuringTheStart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ExitWhenDone: true})
		h.Go("quick", failing(nil))
		h.Go("quick too", failing(nil), hosted.WaitReady())
		h.Task("slow", after(time.Minute, nil))
		wantNil(t, h.Run(t.Context()))
		if !closed(h.Lifetime().Started()) {
			t.Error("the host never started")
		}
	})
}

func TestExitWhenDoneWaitsForALoopThatRestarts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ExitWhenDone: true})
		n := 0
		h.Go("flaky", func(context.Context) error {
			if n++; n < 3 {
				return errBoom
			}
			return nil
		}, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})))
		wantNil(t, h.Run(t.Context()))
		if n != 3 {
			t.Errorf("ran %d times, want 3", n)
		}
	})
}
