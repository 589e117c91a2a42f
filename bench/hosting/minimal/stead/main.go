// Command stead runs one service until Ctrl-C.
package main

import (
	"context"

	"github.com/steadgo/stead/hosted"
)

func main() {
	h := hosted.New(hosted.Config{})
	h.Go("one", func(ctx context.Context) error { <-ctx.Done(); return nil })
	hosted.Main(h)
}
