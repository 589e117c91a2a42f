//go:build unix

package lifecycle_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/steadgo/stead/internal/lifetime"
	"github.com/steadgo/stead/lifecycle"
)

func TestStateNamesRoundTripThroughText(t *testing.T) {
	for _, s := range lifecycle.States() {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back lifecycle.State
		if err := json.Unmarshal(text, &back); err != nil || back != s {
			t.Errorf("%v -> %s -> %v, %v", s, text, back, err)
		}
	}
	if err := new(lifecycle.State).UnmarshalText([]byte("sleeping")); err == nil {
		t.Error("an unknown name was accepted")
	}
	if got := lifecycle.State(99).String(); got != "state(99)" {
		t.Errorf("State(99) = %q", got)
	}
}

func TestPanicErrorUnwrapsToAnErrorValueOnly(t *testing.T) {
	if err := error(&lifecycle.PanicError{Value: io.EOF}); !errors.Is(err, io.EOF) {
		t.Error("the error that was panicked with is not found")
	}
	if err := errors.Unwrap(&lifecycle.PanicError{Value: "boom"}); err != nil {
		t.Errorf("unwraps to %v", err)
	}
	for value, want := range map[any]string{"boom": "panic: boom", nil: "panic: <nil>", lifecycle.ErrGoexit: "runtime.Goexit called"} {
		if got := (&lifecycle.PanicError{Value: value}).Error(); got != want {
			t.Errorf("message %q, want %q", got, want)
		}
	}
}

func TestSignalContextCarriesTheSignalAsItsCause(t *testing.T) {
	ctx, release := lifecycle.SignalContext(t.Context(), syscall.SIGUSR1)
	defer release()
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	var cause *lifecycle.SignalError
	if !errors.As(context.Cause(ctx), &cause) || cause.Signal != syscall.SIGUSR1 {
		t.Fatalf("cause %v, want SIGUSR1", context.Cause(ctx))
	}
	if cause.ExitCode() != 128+int(syscall.SIGUSR1) {
		t.Errorf("exit code %d", cause.ExitCode())
	}
}

func TestSignalContextLeavesOtherHandlersAlone(t *testing.T) {
	mine := make(chan os.Signal, 1)
	signal.Notify(mine, syscall.SIGUSR1)
	defer signal.Stop(mine)
	ctx, release := lifecycle.SignalContext(t.Context(), syscall.SIGUSR1)
	release()
	release() // harmless
	if ctx.Err() == nil {
		t.Error("the released context is alive")
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	<-mine
}

func TestSignalContextEndsWithItsParentAndKeepsItsCause(t *testing.T) {
	parent, cancel := context.WithCancelCause(t.Context())
	ctx, release := lifecycle.SignalContext(parent)
	defer release()
	cancel(io.EOF)
	<-ctx.Done()
	if context.Cause(ctx) != io.EOF { //nolint:errorlint // identity is the point
		t.Errorf("cause %v", context.Cause(ctx))
	}
}

func TestLifetimeKeepsTheFirstCause(t *testing.T) {
	life := lifecycle.NewLifetime(lifetime.New(nil))
	if life.Cause() != nil {
		t.Error("a cause before any stop")
	}
	life.Stop(io.EOF)
	life.Stop(io.ErrUnexpectedEOF)
	<-life.Stopping()
	if life.Cause() != io.EOF { //nolint:errorlint // identity is the point
		t.Errorf("cause %v, want the first", life.Cause())
	}
	other := lifecycle.NewLifetime(lifetime.New(nil))
	other.Stop(nil)
	if !errors.Is(other.Cause(), lifecycle.ErrStopRequested) {
		t.Errorf("cause of a plain stop: %v", other.Cause())
	}
	select {
	case <-other.Started():
		t.Error("started")
	case <-other.Stopped():
		t.Error("stopped")
	default:
	}
}
