// Command dskit-manager runs one service until Ctrl-C.
package main

import (
	"context"
	"os"
	"os/signal"

	"github.com/grafana/dskit/services"
)

func main() {
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt)
	defer release()
	one := services.NewBasicService(nil, func(ctx context.Context) error { <-ctx.Done(); return nil }, nil)
	m, err := services.NewManager(one)
	if err != nil {
		panic(err)
	}
	if err := services.StartManagerAndAwaitHealthy(context.Background(), m); err != nil {
		panic(err)
	}
	<-ctx.Done()
	if err := services.StopManagerAndAwaitStopped(context.Background(), m); err != nil {
		panic(err)
	}
}
