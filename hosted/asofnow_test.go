package hosted_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

func TestStatusSaysWhenAFailedLoopIsStartedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		runs := 0
		h.Go("poll", func(ctx context.Context) error {
			if runs++; runs == 1 {
				return errors.New("broken")
			}
			<-ctx.Done()
			return nil
		}, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: 10 * time.Second})))
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s := h.Services()[0]
		if wait := time.Until(s.RestartAt); s.State != lifecycle.Restarting || wait < 5*time.Second || wait > 10*time.Second {
			t.Errorf("%v, to be started again in %v; want half to all of 10 s", s.State, wait)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if s = h.Services()[0]; s.State != lifecycle.Running || !s.RestartAt.IsZero() {
			t.Errorf("after the restart: %v, RestartAt %v", s.State, s.RestartAt)
		}
		if err := h.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestReportDuringAStopSaysHowLongItTookAndWhenItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: 20 * time.Second})
		h.Go("slow", func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(5 * time.Second)
			return nil
		})
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r := h.Report(); r.Took != 0 || !r.Deadline.IsZero() {
			t.Errorf("before any stop: took %v, deadline %v", r.Took, r.Deadline)
		}
		began := time.Now()
		h.Lifetime().Stop(errors.New("deploy"))
		time.Sleep(3 * time.Second)
		if r := h.Report(); r.Took != 3*time.Second || !r.Deadline.Equal(began.Add(20*time.Second)) {
			t.Errorf("three seconds into the stop: took %v, deadline %v", r.Took, r.Deadline)
		}
		<-h.Done()
		time.Sleep(time.Minute)
		if r := h.Report(); r.Took != 5*time.Second {
			t.Errorf("a minute after the stop: took %v, want the 5 s of the stop", r.Took)
		}
	})
}
