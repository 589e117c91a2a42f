package main

import (
	"context"
	"time"

	"go.uber.org/fx"

	"github.com/steadgo/stead/hosted"
)

func runFx(address addr) {
	app := fx.New(
		fx.Supply(address),
		fx.Provide(newEmails, newSenders, newSite, newHost),
		fx.StopTimeout(budget+time.Second), // 15 s by default
		fx.Invoke(start),
	)
	app.Wait() // or a signal kills the program until it has started
	app.Run()
}

// start lets fx start and stop the host. A service that fails stops the host alone, so
// fx is told.
func start(lc fx.Lifecycle, fxs fx.Shutdowner, host *hosted.Host) {
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error {
			context.AfterFunc(host.Lifetime().Context(), func() { _ = fxs.Shutdown() }) // an error: fx stops already
			return host.Start(ctx)
		},
		OnStop: host.Stop, // its error makes the exit code 1
	})
}
