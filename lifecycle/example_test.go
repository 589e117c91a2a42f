//go:build unix

package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/steadgo/stead/internal/lifetime"
	"github.com/steadgo/stead/lifecycle"
)

func ExampleSignalContext() {
	ctx, release := lifecycle.SignalContext(context.Background(), syscall.SIGUSR2)
	defer release()

	_ = syscall.Kill(os.Getpid(), syscall.SIGUSR2) // somebody else does this
	<-ctx.Done()
	fmt.Println(context.Cause(ctx))
	// Output: user defined signal 2 signal received
}

func ExampleSignalError() {
	var err error = &lifecycle.SignalError{Signal: syscall.SIGTERM}
	var sig *lifecycle.SignalError
	if errors.As(err, &sig) {
		fmt.Println(sig, sig.ExitCode())
	}
	// Output: terminated signal received 143
}

func ExampleState() {
	fmt.Println(lifecycle.Running, lifecycle.Completed)
	// Output: running completed
}

func ExamplePanicError() {
	err := error(&lifecycle.PanicError{Value: os.ErrClosed})
	fmt.Println(err, errors.Is(err, os.ErrClosed))
	// Output: panic: file already closed true
}

func ExampleLifetime() {
	life := lifecycle.NewLifetime(lifetime.New(nil)) // yours comes from host.Lifetime()
	life.Stop(errors.New("license expired"))
	<-life.Stopping()
	fmt.Println(life.Cause())
	// Output: license expired
}

// A handler that has logged its error itself says so.
func ExampleLogged() {
	send := func(context.Context, string) error {
		err := errors.New("mailbox full")
		fmt.Println("logged once:", err) // in a program, slog.Error with its attributes
		return lifecycle.Logged(err)
	}
	err := fmt.Errorf("send: %w", send(context.Background(), "ada"))
	fmt.Println(err, lifecycle.IsLogged(err))
	// Output:
	// logged once: mailbox full
	// send: mailbox full true
}

// Who shares a store, as a durable queue's Instances method tells.
func ExampleInstance() {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, i := range []lifecycle.Instance{
		{Host: "web-1", PID: 12, Role: "enqueue only", Seen: now},
		{Host: "worker-1", PID: 7, Role: "worker", Seen: now.Add(-20 * time.Second), Leads: true},
	} {
		fmt.Println(i.Host, i.PID, i.Role, now.Sub(i.Seen), i.Leads)
	}
	// Output:
	// web-1 12 enqueue only 0s false
	// worker-1 7 worker 20s true
}

// Who did what, as the AuditTrail method of durable jobs tells.
func ExampleAuditEntry() {
	for _, e := range []lifecycle.AuditEntry{
		{Actor: "ann", Action: "requeue", Kind: "queue", Name: "mails", Job: 7, Count: 1},
		{Actor: "bob", Action: "pause", Kind: "schedule", Name: "newsletter"},
	} {
		fmt.Print(e.Actor, ": ", e.Action, " ", e.Kind, " ", e.Name)
		if e.Job > 0 {
			fmt.Print(", job ", e.Job)
		}
		fmt.Println()
	}
	// Output:
	// ann: requeue queue mails, job 7
	// bob: pause schedule newsletter
}

func ExampleExpected() {
	noMailbox := errors.New("smtp: 550 no such mailbox")
	err := fmt.Errorf("welcome mail: %w", lifecycle.Expected(noMailbox))
	fmt.Println(err)
	fmt.Println(lifecycle.IsExpected(err), errors.Is(err, noMailbox), lifecycle.IsExpected(noMailbox))
	// Output:
	// welcome mail: smtp: 550 no such mailbox
	// true true false
}
