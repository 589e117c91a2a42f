package winsvc

import (
	"context"
	"log/slog"
	"testing"

	"golang.org/x/sys/windows/svc"

	"github.com/steadgo/stead/hosted"
)

func TestAServiceSpeaksToTheManager(t *testing.T) {
	host := hosted.New(hosted.Config{})
	host.Go("work", func(ctx context.Context) error { <-ctx.Done(); return nil })
	m := &manager{host: host, log: slog.New(slog.DiscardHandler), code: 1}
	requests, statuses, ended := make(chan svc.ChangeRequest), make(chan svc.Status), make(chan uint32, 1)
	go func() {
		specific, code := m.Execute(nil, requests, statuses)
		if !specific {
			t.Error("the code is taken for one of Windows")
		}
		ended <- code
	}()
	first := <-statuses
	if first.State != svc.StartPending || first.CheckPoint != 1 || first.WaitHint != 10000 || first.Accepts != 0 {
		t.Errorf("at first: %+v", first)
	}
	var now svc.Status
	for now = range statuses {
		if now.State == svc.Running {
			break
		}
	}
	if want := svc.AcceptStop | svc.AcceptShutdown | svc.AcceptPreShutdown | svc.AcceptParamChange; now.Accepts != want {
		t.Errorf("it accepts %b, want %b", now.Accepts, want)
	}
	requests <- svc.ChangeRequest{Cmd: svc.Interrogate}
	if now := <-statuses; now.State != svc.Running {
		t.Errorf("asked: %+v", now)
	}
	requests <- svc.ChangeRequest{Cmd: svc.PreShutdown}
	for {
		select {
		case now := <-statuses:
			if now.State != svc.Running && (now.State != svc.StopPending || now.WaitHint <= 10000) {
				t.Errorf("then: %+v", now)
			}
			continue
		case code := <-ended:
			if code != 0 || m.code != 0 {
				t.Errorf("exit code %d", code)
			}
		}
		return
	}
}

func TestWhatWindowsAsksForIsUnderstood(t *testing.T) {
	for cmd, want := range map[svc.Cmd]control{
		svc.Stop: stop, svc.Shutdown: shutdown, svc.PreShutdown: shutdown, svc.ParamChange: paramChange,
		svc.Interrogate: interrogate, svc.PowerEvent: interrogate,
	} {
		if got := controlOf(cmd); got != want {
			t.Errorf("%d: %v", cmd, got)
		}
	}
}
