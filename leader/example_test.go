package leader_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/leader"
	"github.com/steadgo/stead/leader/leadertest"
	"github.com/steadgo/stead/periodic"
)

// A whole program: all of its copies run, one of them sends.
func Example() {
	store := &leadertest.Store{} // redis.Open(url) or postgres.Open(ctx, url)
	elector, err := leader.New(store, leader.Config{Group: "newsletter"})
	if err != nil {
		fmt.Println(err)
		return
	}
	host := hosted.New(hosted.Config{ExitWhenDone: true})
	host.Add("newsletter", leader.Loop(elector, func(ctx context.Context) error {
		for issue := 1; issue <= 2; issue++ {
			fmt.Println("sent issue", issue, "with a fence:", leader.Fence(ctx) > 0)
		}
		<-ctx.Done() // until the lead is lost or the program stops
		return ctx.Err()
	}))
	host.Go("web", func(context.Context) error { time.Sleep(50 * time.Millisecond); return nil })
	fmt.Println(host.Run(context.Background()))
	// Output:
	// sent issue 1 with a fence: true
	// sent issue 2 with a fence: true
	// <nil>
}

// Any service may be led; it is made anew for each term.
func ExampleOnly() {
	elector, err := leader.New(&leadertest.Store{}, leader.Config{Group: "clean-up"})
	if err != nil {
		fmt.Println(err)
		return
	}
	ran := make(chan bool)
	service := leader.Only(elector, func() (hosted.Service, error) {
		return periodic.New(periodic.Config{Name: "clean-up", Schedule: periodic.Every(time.Hour), RunAtStart: true},
			func(context.Context) error { ran <- true; return nil })
	})
	ctx := context.Background()
	_ = service.Start(ctx)
	fmt.Println("cleaned up:", <-ran)
	fmt.Println("stop:", service.Stop(ctx))
	// Output:
	// cleaned up: true
	// stop: <nil>
}

func ExampleService() {
	elector, err := leader.New(&leadertest.Store{}, leader.Config{Group: "feed"})
	if err != nil {
		fmt.Println(err)
		return
	}
	host := hosted.New(hosted.Config{})
	host.Add("feed", leader.Loop(elector, func(context.Context) error { return errors.New("no feed") }),
		hosted.OnFailure(hosted.StopHost()))
	fmt.Println(host.Run(context.Background()))
	// Output: stead/hosted: run "feed": no feed
}

func ExampleElector() {
	elector, err := leader.New(&leadertest.Store{}, leader.Config{Group: "newsletter"})
	if err != nil {
		fmt.Println(err)
		return
	}
	s := elector.Stats()
	fmt.Println(s.Group, s.Leading, s.Terms)
	// Output: newsletter false 0
}

func ExampleDo() {
	store := &leadertest.Store{}
	err := leader.Do(context.Background(), store, "invoice-42", func(ctx context.Context, fence int64) error {
		again := leader.TryDo(ctx, store, "invoice-42", func(context.Context, int64) error { return nil })
		fmt.Println("meanwhile:", errors.Is(again, leader.ErrHeld))
		return nil
	})
	fmt.Println("done:", err)
	// Output:
	// meanwhile: true
	// done: <nil>
}

func ExampleWith() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // how long to wait for the lease at most
	defer cancel()
	err := leader.Do(ctx, &leadertest.Store{}, "invoice-42",
		func(context.Context, int64) error { return nil },
		leader.With(leader.Config{TTL: 30 * time.Second}))
	fmt.Println(err)
	// Output: <nil>
}
