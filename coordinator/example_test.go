package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/coordinator"
)

func ExampleCoordinator() {
	c := coordinator.New()
	_ = c.Register("sync")

	go func() { // the part that others wait for
		_ = c.Ready("sync")
	}()

	err := c.Wait(context.Background(), "sync")
	fmt.Println("synced:", err == nil)
	fmt.Println(c.Wait(context.Background(), "snyc"))
	// Output:
	// synced: true
	// stead/coordinator: wait: "snyc": unknown name
}

func ExampleCoordinator_Wait_deadline() {
	c := coordinator.New()
	_ = c.Register("cache")
	_ = c.Register("schema")
	_ = c.Ready("schema")

	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	fmt.Println(c.Wait(ctx, "schema", "cache"))
	// Output: stead/coordinator: wait: not ready: cache: context deadline exceeded
}

func ExampleWaiter() {
	c := coordinator.New()
	for _, name := range []string{"indexer", "sync"} {
		_ = c.Register(name)
	}
	indexer, sync := c.As("indexer"), c.As("sync")

	done := make(chan error)
	go func() { done <- indexer.Wait(context.Background(), "sync") }()
	for len(c.Status()[0].WaitsFor) == 0 { // until it waits
		time.Sleep(time.Millisecond)
	}

	err := sync.Wait(context.Background(), "indexer")
	fmt.Println(errors.Is(err, coordinator.ErrCycle), err)
	_ = sync.Fail(err)
	fmt.Println(<-done)
	// Output:
	// true stead/coordinator: wait: cycle: sync -> indexer -> sync
	// stead/coordinator: wait: "sync" failed: stead/coordinator: wait: cycle: sync -> indexer -> sync
}

func ExampleNewFunc() {
	order := []string{"cache", "web"} // started one after the other
	now := "cache"
	c := coordinator.NewFunc(func(name string) []string {
		if name == "web" { // not started before the one starting now is ready
			return []string{now}
		}
		return nil
	})
	for _, name := range order {
		_ = c.Register(name)
	}
	fmt.Println(c.As("cache").Wait(context.Background(), "web"))
	// Output: stead/coordinator: wait: cycle: cache -> web -> cache
}

func ExampleStatus() {
	c := coordinator.New()
	_ = c.Register("cache")
	_ = c.Register("sync")
	_ = c.Ready("cache")
	_ = c.Fail("sync", errors.New("no such folder"))
	for _, s := range c.Status() {
		fmt.Println(s.Name, s.Ready, s.Err)
	}
	// Output:
	// cache true <nil>
	// sync false no such folder
}
