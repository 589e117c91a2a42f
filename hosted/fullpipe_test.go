//go:build unix

package hosted_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
)

var _ = func() bool { // among the programs
	logsTo := func(cfg hosted.Config) *hosted.Host {
		cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
		return hosted.New(cfg)
	}
	programs["full pipe"] = func() {
		h := logsTo(hosted.Config{ShutdownTimeout: 3 * time.Second})
		h.Add("s", &fake{stop: func(context.Context) error { say("s stops"); return nil }})
		announce(h)
		hosted.Main(h)
	}
	programs["full pipe, fails"] = func() {
		h := logsTo(hosted.Config{ShutdownTimeout: 3 * time.Second})
		h.Add("s", &fake{stop: func(context.Context) error { say("s stops"); return errBoom }})
		announce(h)
		hosted.Main(h)
	}
	programs["full pipe, deaf"] = func() {
		h := logsTo(hosted.Config{ShutdownTimeout: time.Hour})
		h.Add("s", &fake{stop: func(context.Context) error { say("s stops"); select {} }})
		announce(h)
		hosted.Main(h)
	}
	return true
}()

// fullPipe is a pipe into which not one byte more goes, and that nobody reads.
func fullPipe(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	for _, size := range []int{1 << 12, 1} {
		for err == nil {
			_ = w.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
			_, err = w.WriteString(strings.Repeat("x", size))
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		err = nil
	}
	return w
}

// Nothing of these programs can be printed. That they end at all shows that no print
// and no line is waited for: only the minute after which a process is killed would
// end them otherwise.
func TestAProgramWhoseStandardErrorNobodyReadsEndsWithinItsBudget(t *testing.T) {
	for name, code := range map[string]int{"full pipe": 0, "full pipe, fails": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := program(t, name, withStderr(fullPipe(t)))
			p.expect("started")
			p.signal(syscall.SIGTERM)
			p.expect("s stops")
			p.ends(code)
		})
	}
}

func TestASecondSignalEndsAProgramWhoseStandardErrorNobodyReads(t *testing.T) {
	t.Parallel()
	p := program(t, "full pipe, deaf", withStderr(fullPipe(t)))
	p.expect("started")
	p.signal(syscall.SIGTERM)
	p.expect("s stops")
	p.signal(syscall.SIGTERM)
	p.ends(143)
}
