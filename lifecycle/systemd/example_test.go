package systemd_test

import (
	"context"
	"fmt"

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
