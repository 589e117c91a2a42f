package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// A connection that the rest of the program can do without: while its peer is down the
// program stays ready, and when the limit is used up it goes on without it. A Limit of
// -1 would try for ever.
func ExampleNotCritical() {
	host := hosted.New(hosted.Config{ExitWhenDone: true})
	host.Go("pinger", func(context.Context) error { return errors.New("connection refused") },
		hosted.NotCritical(),
		hosted.OnFailure(hosted.Restart(hosted.RestartConfig{
			Initial: time.Millisecond,
			Limit:   2,
			Then:    hosted.Ignore(),
		})))
	host.Go("app", func(context.Context) error {
		for host.Services()[0].State != lifecycle.Failed { // until that is given up
			time.Sleep(time.Millisecond)
		}
		return nil
	})
	fmt.Println(host.Run(context.Background()))
	fmt.Println(host.Services()[0].Err)
	// Output:
	// <nil>
	// gave up after 2 restarts: connection refused
}

func ExampleOptionalStart() {
	host := hosted.New(hosted.Config{})
	host.Task("debug-port", func(context.Context) error { return errors.New("address already in use") }, hosted.OptionalStart())
	host.Add("app", &connection{name: "app"})
	fmt.Println(host.Start(context.Background()))
	fmt.Println(host.Services()[0].State)
	_ = host.Stop(context.Background())
	// Output:
	// app is up
	// <nil>
	// failed
	// app is down
}

func ExampleOnReload() {
	host := hosted.New(hosted.Config{})
	host.Add("log-file", hosted.OnReload(func(context.Context) error {
		fmt.Println("reopened") // after logrotate has renamed it
		return nil
	}))
	_ = host.Start(context.Background())
	_ = host.Reload(context.Background()) // Main does this on SIGHUP
	_ = host.Stop(context.Background())
	// Output: reopened
}

// A part of the program that is built from a file. A file that makes no sense changes
// nothing.
func ExampleReloadable() {
	names := []string{"blue", "green", ""}
	build := func(context.Context) (*hosted.Host, error) {
		name := names[0]
		names = names[1:]
		if name == "" {
			return nil, errors.New("colors.json: no name")
		}
		part := hosted.New(hosted.Config{})
		part.Add(name, &connection{name: name})
		return part, nil
	}
	host := hosted.New(hosted.Config{})
	host.Add("colors", hosted.Reloadable(build))
	_ = host.Start(context.Background())
	fmt.Println(host.Reload(context.Background()))
	fmt.Println(host.Reload(context.Background()))
	_ = host.Stop(context.Background())
	// Output:
	// blue is up
	// blue is down
	// green is up
	// <nil>
	// stead/hosted: reload "colors": reloadable: build: colors.json: no name
	// green is down
}
