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

func TestSideBySideAStartThatWasCutShortIsNoSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{StartConcurrency: 2})
		h.Task("a", func(context.Context) error { time.Sleep(2 * time.Second); return nil })
		h.Task("b", func(context.Context) error { return nil }, hosted.After("a"))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(1500*time.Millisecond, cancel)
		if err := h.Start(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Start = %v although b was not started", err)
		}
		if s := h.Services()[1]; s.State != lifecycle.New {
			t.Errorf("b is %v", s.State)
		}
	})
}

func TestAStopDuringTheGraceOfAStartKeepsItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Task("deaf", func(context.Context) error { time.Sleep(5 * time.Second); return nil }, hosted.StartTimeout(time.Second))
		started := make(chan error, 1)
		go func() { started <- h.Start(t.Context()) }()
		time.Sleep(1050 * time.Millisecond)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := h.Stop(ctx)
		if took := time.Since(began); took > 150*time.Millisecond {
			t.Errorf("Stop took %v of 100 ms", took)
		}
		var timeout *hosted.TimeoutError
		if !errors.As(err, &timeout) || timeout.Stragglers[0].Service != "deaf" {
			t.Errorf("Stop = %v, want the straggler deaf", err)
		}
		<-started
		time.Sleep(5 * time.Second) // until it has come back
	})
}
