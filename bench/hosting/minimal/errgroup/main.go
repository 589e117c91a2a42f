// Command errgroup runs one service until Ctrl-C.
package main

import (
	"context"
	"os"
	"os/signal"

	"golang.org/x/sync/errgroup"
)

func main() {
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt)
	defer release()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { <-ctx.Done(); return nil })
	if g.Wait() != nil {
		panic("failed")
	}
}
