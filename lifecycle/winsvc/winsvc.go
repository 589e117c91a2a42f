package winsvc

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/internal/errs"
)

// Main runs the host as a Windows service if the service manager started the program,
// and calls hosted.Main otherwise. It does not return: it calls os.Exit, with the codes
// of hosted.Main.
func Main(h *hosted.Host, opts ...Option) {
	if !IsService() {
		hosted.Main(h)
		return
	}
	var s settings
	for _, opt := range opts {
		opt(&s)
	}
	os.Exit(serve(h, s))
}

// Option sets something rare about [Main].
type Option func(*settings)

type settings struct{ source string }

// EventLog writes to the application event log of Windows, under the given source. A
// host without a Logger writes its log there. The error of a host, and the stacks of
// what did not stop, are written there in any case. The option has no effect outside
// the service manager. A source that is not installed works too; the event viewer then
// adds a sentence on that to each event.
func EventLog(source string) Option { return func(s *settings) { s.source = source } }

// The two causes of a stop.
var (
	errStop     = errors.New("the service manager asked for a stop")
	errShutdown = errors.New("the system shuts down")
)

// control is what the service manager asks for.
type control uint8

const (
	interrogate control = iota
	stop
	shutdown
	paramChange
)

// status is what the service manager is told.
type status struct {
	state      state
	checkpoint uint32        // 0 unless pending
	hint       time.Duration // how long the manager should wait for the next checkpoint; 0 unless pending
}

type state uint8

const (
	startPending state = iota
	running
	stopPending
)

const (
	// checkEvery is how often a pending state has a new checkpoint, and patience how
	// long the manager waits for one beyond what is known: a busy machine is not
	// taken for a program that hangs.
	checkEvery = time.Second
	patience   = 10 * time.Second
)

// run runs the host as a service and returns its exit code. It takes every control
// until then: the manager's thread waits for that. It does not use hosted.Exec, which
// takes SIGTERM: Windows sends that to a service when a user logs off.
func run(h *hosted.Host, log *slog.Logger, controls <-chan control, tell func(status)) int {
	h.InheritLogger(log)
	ended := make(chan error, 1)
	go func() { ended <- h.Run(context.Background()) }()
	life := h.Lifetime()
	started, stopping := life.Started(), life.Stopping()
	now := status{startPending, 1, patience}
	beat := time.NewTicker(checkEvery)
	defer beat.Stop()
	for {
		tell(now)
		select {
		case <-started:
			started = nil
			if now.state == startPending { // a stop may have been noticed first
				now = status{state: running}
			}
		case <-stopping:
			stopping = nil
			now = status{stopPending, 1, left(h)}
		case <-beat.C:
			if now.state != running {
				now.checkpoint++
			}
			if now.state == stopPending {
				now.hint = left(h)
			}
		case c := <-controls:
			obey(h, c)
		case err := <-ended:
			return exitCode(h, err, log)
		}
	}
}

// left is how long the manager should wait for a stop.
func left(h *hosted.Host) time.Duration {
	if end := h.Report().Deadline; !end.IsZero() {
		return max(time.Until(end), 0) + patience
	}
	return patience
}

func obey(h *hosted.Host, c control) {
	switch c {
	case stop:
		h.Lifetime().Stop(errStop)
	case shutdown:
		h.Lifetime().Stop(errShutdown)
	case paramChange:
		go func() { _ = h.Reload(context.Background()) }() // the host logs its error
	case interrogate: // every turn of run tells the status
	}
}

// exitCode is that of hosted.Main, and what goes wrong is logged as that prints it.
func exitCode(h *hosted.Host, err error, log *slog.Logger) int {
	if err == nil || h.Report().Clean() {
		return 0
	}
	args := []any{"error", err}
	if timeout, ok := errs.As[*hosted.TimeoutError](err); ok {
		for _, s := range timeout.Stragglers {
			args = append(args, slog.Group("straggler", "service", s.Service, "op", s.Op, "stacks", s.Stacks))
		}
	}
	log.Error("service failed", args...)
	return 1
}
