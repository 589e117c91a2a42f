// Command oklog-run runs one service until Ctrl-C.
package main

import (
	"context"
	"os"

	"github.com/oklog/run"
)

func main() {
	var g run.Group
	end := make(chan struct{})
	g.Add(func() error { <-end; return nil }, func(error) { close(end) })
	g.Add(run.SignalHandler(context.Background(), os.Interrupt))
	_ = g.Run()
}
