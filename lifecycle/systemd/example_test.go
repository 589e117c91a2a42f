package systemd_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle/systemd"
)

func ExampleNew() {
	host := hosted.New(hosted.Config{ExitWhenDone: true})
	host.Add("systemd", systemd.New(host)) // first: there from start to stop
	host.Go("work", func(context.Context) error { return nil })
	fmt.Println(host.Run(context.Background()))
	// Output: <nil>
}

// The log of a notifier may go elsewhere than that of its host.
func ExampleOption() {
	stderr := slog.New(slog.NewTextHandler(os.Stderr, nil))
	host := hosted.New(hosted.Config{ExitWhenDone: true})
	host.Add("systemd", systemd.New(host, systemd.Logger(stderr)))
	host.Go("work", func(context.Context) error { return nil })
	fmt.Println(host.Run(context.Background()))
	// Output: <nil>
}

// frozen is a host for which systemd may restart the program: it is not live.
type frozen struct{ *hosted.Host }

func (frozen) Live() bool { return false }

// What decides whether the watchdog is fed need not be the host's own idea of
// being live.
func ExampleHost() {
	host := hosted.New(hosted.Config{})
	var watched systemd.Host = frozen{host}
	host.Add("systemd", systemd.New(watched))
	fmt.Println(host.Live(), watched.Live())
	// Output: true false
}

// A service that reloads by itself, and not by SIGHUP, tells systemd of it.
func ExampleNotifier() {
	ctx := context.Background()
	host := hosted.New(hosted.Config{})
	notifier := systemd.New(host)
	host.Add("systemd", notifier)
	fmt.Println(host.Start(ctx))
	fmt.Println(notifier.Reloading(ctx), notifier.Reloaded(ctx))
	fmt.Println(host.Stop(ctx))
	// Output:
	// <nil>
	// <nil> <nil>
	// <nil>
}
