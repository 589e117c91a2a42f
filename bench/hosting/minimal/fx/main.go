// Command fx runs one service until Ctrl-C.
package main

import (
	"context"

	"go.uber.org/fx"
)

func main() {
	fx.New(fx.Invoke(func(lc fx.Lifecycle) {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		lc.Append(fx.Hook{
			OnStart: func(context.Context) error {
				go func() { defer close(done); <-ctx.Done() }()
				return nil
			},
			OnStop: func(context.Context) error { cancel(); <-done; return nil },
		})
	})).Run()
}
