//go:build linux

package systemd_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle/systemd"
)

// listen plays systemd: it opens the socket that NOTIFY_SOCKET names and returns
// a function that waits for the next message of a kind and skips WATCHDOG and
// EXTEND_TIMEOUT ones unless asked for.
func listen(t *testing.T, name string) func(want string) string {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", name)
	return func(want string) string {
		t.Helper()
		buf := make([]byte, 4096)
		for {
			if err := conn.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
				t.Fatal(err)
			}
			n, err := conn.Read(buf)
			if err != nil {
				t.Fatalf("waiting for %s: %v", want, err)
			}
			message := string(buf[:n])
			if strings.HasPrefix(message, want) {
				return message
			}
			if !strings.HasPrefix(message, "WATCHDOG=") && !strings.HasPrefix(message, "EXTEND_TIMEOUT") {
				t.Fatalf("waiting for %s, got %q", want, message)
			}
		}
	}
}

type reloader struct{ err error }

func (reloader) Start(context.Context) error    { return nil }
func (reloader) Stop(context.Context) error     { return nil }
func (r reloader) Reload(context.Context) error { return r.err }

func TestTheLifeOfAHostIsToldToSystemd(t *testing.T) {
	sockets := map[string]string{
		"path":     filepath.Join(t.TempDir(), "notify.sock"),
		"abstract": fmt.Sprintf("@stead-test-%d", os.Getpid()),
	}
	for kind, socket := range sockets {
		t.Run(kind, func(t *testing.T) {
			next := listen(t, socket)
			host := hosted.New(hosted.Config{})
			host.Add("systemd", systemd.New(host))
			host.Add("config", reloader{errors.New("file not found")})
			if err := host.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			if m := next("READY=1"); !strings.Contains(m, "\nSTATUS=running") {
				t.Errorf("ready: %q", m)
			}
			if err := host.Reload(t.Context()); err == nil {
				t.Error("the failed reload is not reported")
			}
			_, usec, _ := strings.Cut(next("RELOADING=1"), "MONOTONIC_USEC=")
			if n, err := strconv.ParseUint(strings.TrimSpace(usec), 10, 64); err != nil || n == 0 {
				t.Errorf("reloading without a time: %q", usec)
			}
			next("READY=1")
			if err := host.Stop(t.Context()); err != nil { // over before the notifier looks
				t.Error(err)
			}
			next("STOPPING=1")
		})
	}
}

func TestTheWatchdogIsFedOnlyWhileTheHostIsLive(t *testing.T) {
	next := listen(t, filepath.Join(t.TempDir(), "notify.sock"))
	t.Setenv("WATCHDOG_USEC", "20000")
	host := &fakeHost{Host: hosted.New(hosted.Config{}), live: make(chan bool)}
	n := systemd.New(host)
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	host.live <- true
	next("WATCHDOG=1")
	host.live <- false
	host.live <- false
	host.live <- true // the two beats before this one sent nothing
	next("WATCHDOG=1")
	close(host.live)
	if err := n.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// fakeHost says it is live when the test says so.
type fakeHost struct {
	*hosted.Host
	live chan bool
}

func (h *fakeHost) Live() bool { return <-h.live }

func TestALongStopAsksForMoreTime(t *testing.T) {
	next := listen(t, filepath.Join(t.TempDir(), "notify.sock"))
	host := hosted.New(hosted.Config{})
	host.Add("systemd", systemd.New(host))
	release := make(chan struct{})
	host.Go("slow", func(context.Context) error { <-release; return nil })
	if err := host.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	next("READY=1")
	host.Lifetime().Stop(nil)
	next("STOPPING=1")
	m := next("EXTEND_TIMEOUT_USEC=")
	for late := time.Now().Add(time.Minute); !strings.Contains(m, "waiting for slow"); { // a second after the stop began, the host may not be there yet
		if time.Now().After(late) {
			t.Errorf("the status does not say who holds the stop up: %q", m)
			break
		}
		m = next("EXTEND_TIMEOUT_USEC=")
	}
	close(release)
	<-host.Lifetime().Stopped()
}

func TestWithoutSystemdNothingHappens(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	host := hosted.New(hosted.Config{})
	n := systemd.New(host)
	host.Add("systemd", n)
	if err := host.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := host.Reload(t.Context()); err != nil {
		t.Error(err)
	}
	if err := host.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := n.Stop(t.Context()); err != nil {
		t.Errorf("a second stop: %v", err)
	}
}

func TestAWatchdogIntervalThatMakesNoSenseFailsTheStart(t *testing.T) {
	listen(t, filepath.Join(t.TempDir(), "notify.sock"))
	t.Setenv("WATCHDOG_USEC", "soon")
	if err := systemd.New(hosted.New(hosted.Config{})).Start(t.Context()); err == nil {
		t.Error("accepted")
	}
}

func TestWhatIsWrongWithNewIsTheErrorOfTheStart(t *testing.T) {
	for _, n := range []*systemd.Notifier{systemd.New(nil), systemd.New(hosted.New(hosted.Config{}), nil)} {
		if err := n.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "is nil") {
			t.Errorf("got %v", err)
		}
		if err := n.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// A socket that nobody reads, as of a supervisor that hangs, keeps nobody from anything.
func TestASocketThatNobodyReadsHoldsUpNeitherAReloadNorTheStop(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify.sock")
	listen(t, name)
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for err == nil { // until it is full
		if err = conn.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err == nil {
			_, err = conn.Write([]byte("x"))
		}
	}
	host := hosted.New(hosted.Config{ShutdownTimeout: time.Minute})
	host.Add("systemd", systemd.New(host))
	host.Add("config", reloader{})
	if err := host.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	patient, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := host.Reload(patient); err != nil {
		t.Error(err)
	}
	if err := host.Stop(patient); err != nil {
		t.Error(err)
	}
}

// Programs unset the variable so that what they run does not speak to systemd for them.
func TestAProgramMayUnsetTheSocketAfterTheStart(t *testing.T) {
	next := listen(t, filepath.Join(t.TempDir(), "notify.sock"))
	host := hosted.New(hosted.Config{})
	host.Add("systemd", systemd.New(host))
	host.Task("environment", func(context.Context) error { return os.Unsetenv("NOTIFY_SOCKET") })
	if err := host.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	next("READY=1")
	if err := host.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	next("STOPPING=1")
}
