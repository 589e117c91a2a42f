// Command floor runs one service until Ctrl-C with nothing but the standard
// library: its context, its labels, and a panic that becomes an error.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"runtime/pprof"
)

func main() {
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt)
	defer release()
	done := make(chan error)
	go func() {
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				done <- fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			}
		}()
		pprof.SetGoroutineLabels(pprof.WithLabels(ctx, pprof.Labels("service", "one")))
		<-ctx.Done()
	}()
	if err := <-done; err != nil {
		panic(err)
	}
}
