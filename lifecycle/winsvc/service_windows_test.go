package winsvc

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"

	"github.com/steadgo/stead/hosted"
)

// serveAsService runs the test binary as a service if its arguments say so: the manager
// gives it no environment, and wine's starts it in a session in which IsService is false.
func serveAsService() {
	if len(os.Args) < 2 || os.Args[1] != "as-service" {
		return
	}
	host := hosted.New(hosted.Config{})
	host.Go("work", func(ctx context.Context) error {
		if os.Args[2] == "fails" {
			return errors.New("the disk is full")
		}
		<-ctx.Done()
		return nil
	})
	os.Exit(serve(host, settings{source: "stead-test"}))
}

// installed makes the test binary a service for the time of a test.
func installed(t *testing.T, how string) *mgr.Service {
	t.Helper()
	m, err := mgr.Connect()
	if err != nil {
		t.Skip("no service manager: ", err)
	}
	t.Cleanup(func() { _ = m.Disconnect() })
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.CreateService("stead-test-"+how, path, mgr.Config{StartType: mgr.StartManual}, "as-service", how)
	if err != nil {
		t.Skip("no service can be installed: ", err)
	}
	t.Cleanup(func() {
		_ = s.Delete()
		_ = s.Close()
	})
	return s
}

func await(t *testing.T, s *mgr.Service, want svc.State) svc.Status {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		now, err := s.Query()
		if err != nil {
			t.Fatal(err)
		}
		if now.State == want {
			return now
		}
		if time.Now().After(end) {
			t.Fatalf("the service is still %+v", now)
		}
	}
}

func TestTheServiceManagerStartsAndStopsAService(t *testing.T) {
	s := installed(t, "works")
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, s, svc.Running)
	if _, err := s.Control(svc.Interrogate); err != nil {
		t.Error(err)
	}
	if _, err := s.Control(svc.Stop); err != nil {
		t.Fatal(err)
	}
	if end := await(t, s, svc.Stopped); end.Win32ExitCode != 0 {
		t.Errorf("it ended with %+v", end)
	}
}

func TestTheServiceManagerIsToldThatAServiceFailed(t *testing.T) {
	s := installed(t, "fails")
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	end := await(t, s, svc.Stopped)
	if end.Win32ExitCode != uint32(windows.ERROR_SERVICE_SPECIFIC_ERROR) || end.ServiceSpecificExitCode != 1 {
		t.Errorf("it ended with %+v", end)
	}
}
