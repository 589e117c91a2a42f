// Command suture runs one service until Ctrl-C.
package main

import (
	"context"
	"os"
	"os/signal"

	"github.com/thejerf/suture/v4"
)

type service struct{}

func (service) Serve(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func main() {
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt)
	defer release()
	s := suture.NewSimple("minimal")
	s.Add(service{})
	_ = s.Serve(ctx)
}
