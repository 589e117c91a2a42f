package winsvc_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle/winsvc"
)

func ExampleMain() { //nolint:testableexamples // Main does not return
	host := hosted.New(hosted.Config{Name: "shop"})
	host.Go("work", func(ctx context.Context) error { <-ctx.Done(); return nil })
	winsvc.Main(host)
}

// What goes wrong is in the event viewer, where a host without a Logger has its log
// too.
func ExampleOption() { //nolint:testableexamples // as above
	host := hosted.New(hosted.Config{Name: "shop"})
	host.Go("work", func(ctx context.Context) error { <-ctx.Done(); return nil })
	winsvc.Main(host, winsvc.EventLog("shop"))
}

// On a terminal the log goes there, under the service manager to the event log.
func ExampleIsService() {
	var config hosted.Config
	if !winsvc.IsService() {
		config.Logger = slog.Default()
	}
	host := hosted.New(config)
	fmt.Println(host.Name())
	// Output: host
}
