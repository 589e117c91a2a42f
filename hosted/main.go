package hosted

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/steadgo/stead/internal/errs"
	"github.com/steadgo/stead/internal/guard"
	"github.com/steadgo/stead/lifecycle"
)

// Main runs the host as a whole program. It is the last call of func main.
//
// The first SIGINT or SIGTERM begins the stop, also during the start. If the host is
// stopping for another reason, it continues. The second signal cuts the drain delay
// short. If there is none, it ends the process at once with exit code 128 plus the number
// of the signal. SIGHUP reloads the services that are a [Reloader]. If no service is one,
// SIGHUP keeps its default action.
//
// Main does not return. It calls os.Exit with 0 after a clean stop and with 1 otherwise;
// see [Report.Clean]. If a signal interrupts the start, the stop is clean if the services
// that had started stop well. Before an exit with 1, Main prints the error and the stacks
// of what did not stop to standard error. Deferred calls of func main do not run.
//
// Nothing holds the exit up. If standard error is a pipe that nobody reads, Main gives up
// printing after a moment. If the reader of standard output or error is gone, as tee is
// after a Ctrl-C, a write there fails as everywhere else: SIGPIPE does not end the program
// in the middle of its stop.
func Main(h *Host) { os.Exit(runMain(h, os.Stderr, os.Exit, true)) }

// Exec is [Main] for a program that has something to do after the host, such as printing
// [Host.Report] or writing it to a file. Exec returns the exit code instead of exiting.
// It prints the error to standard error, without stacks, which are in the report. A
// second signal still ends the process at once.
func Exec(h *Host) int { return runMain(h, os.Stderr, os.Exit, false) }

func runMain(h *Host, stderr io.Writer, exit func(int), stacks bool) int {
	if h == nil {
		fmt.Fprintln(stderr, "stead/hosted: main: the host is nil")
		return 1
	}
	received := make(chan os.Signal, 4)
	hangups := make(chan os.Signal, 1) // one that comes during a reload is kept for another one
	over := make(chan struct{})
	defer close(over)
	signal.Notify(received, lifecycle.StopSignals()...)
	defer signal.Stop(received)
	// Nobody receives: the write has its error. To ignore the signal would pass that on
	// to child processes.
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	defer signal.Stop(pipes)
	if h.reloads() {
		signal.Notify(hangups, syscall.SIGHUP)
		defer signal.Stop(hangups)
		go h.reloadOn(hangups, over)
	}
	go func() {
		for {
			select {
			case s := <-received:
				h.onSignal(s, stderr, exit)
			case <-over:
				return
			}
		}
	}()
	err := h.Run(context.Background())
	if err == nil || h.Report().Clean() {
		return 0
	}
	printing(h.printUntil(), func() {
		fmt.Fprintln(stderr, err)
		if timeout, ok := errs.As[*TimeoutError](err); ok && stacks {
			for _, s := range timeout.Stragglers {
				fmt.Fprintf(stderr, "%s, left in %s:\n%s", s.Service, s.Op, s.Stacks)
			}
		}
	})
	return 1
}

// leastPrint is how long printing has at least. Who reads takes far less; it is what
// a busy machine needs to come to it.
const leastPrint = 250 * time.Millisecond

// printUntil is how long the end may still be printed: a second, if the budget has
// it.
func (h *Host) printUntil() time.Duration {
	left := time.Second
	if end := h.endOf(h.marks.Request()); !end.IsZero() {
		left = min(left, time.Until(end))
	}
	return max(left, leastPrint)
}

// printing calls write and goes on without it if it takes longer: a pipe that nobody
// reads blocks for ever, and an error may be asked for a text that never comes.
func printing(most time.Duration, write func()) {
	done := make(chan struct{})
	go guard.Run(func() error { write(); return nil }, func(error) { close(done) })
	waitUntil(done, time.Now().Add(most))
}

// reloadOn reloads for every signal once the host has started.
func (h *Host) reloadOn(hangups <-chan os.Signal, over <-chan struct{}) {
	select {
	case <-h.marks.Started:
	case <-over:
		return
	}
	for {
		select {
		case <-hangups:
			if err := h.Reload(context.Background()); err != nil {
				h.log.Error("host not reloaded", "error", err)
			}
		case <-over:
			return
		}
	}
}

// onSignal must not block: the next signal may be the one that forces the end.
func (h *Host) onSignal(s os.Signal, stderr io.Writer, exit func(int)) {
	sig := &lifecycle.SignalError{Signal: s}
	switch {
	case !h.signalled: // the first, also of a host that is stopping for another reason
		h.signalled = true
		h.marks.RequestStop(sig, time.Time{})
	case h.cutDrain():
	default:
		printing(leastPrint, func() {
			waiting := h.waitingFor()
			left := ""
			if items, unknown := h.toDrain(waiting, leastPrint/5); len(unknown) < len(waiting) {
				left = fmt.Sprintf("; to drain: %d", items)
			}
			fmt.Fprintf(stderr, "%v again while stopping; waiting for: %s%s\n", sig, namesOf(waiting), left)
		})
		exit(sig.ExitCode())
	}
}
