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
	host, sent := hosted.New(hosted.Config{ExitWhenDone: true}), make(chan struct{})
	host.Add("newsletter", leader.Loop(elector, func(ctx context.Context) error {
		for issue := 1; issue <= 2; issue++ {
			fmt.Println("sent issue", issue, "with a fence:", leader.Fence(ctx) > 0)
		}
		close(sent)
		<-ctx.Done() // until the lead is lost or the program stops
		return ctx.Err()
	}))
	host.Go("web", func(context.Context) error { <-sent; return nil })
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

// How long nobody leads after a crash is TTL and Retry, here six seconds at most. A
// Config that makes no sense is refused, with the name of the field.
func ExampleConfig() {
	_, err := leader.New(&leadertest.Store{}, leader.Config{
		Group:  "newsletter",
		TTL:    5 * time.Second,
		Margin: 3 * time.Second, // for work that takes that long to return
		Retry:  time.Second,
	})
	fmt.Println(err)
	// Output: stead/leader: new "newsletter": Margin is 3s, which is not less than half of the TTL of 5s
}

// What a health page may want to know.
func ExampleStats() {
	store := &leadertest.Store{}
	store.Fail(errors.New("connection refused"))
	elector, err := leader.New(store, leader.Config{Group: "newsletter"})
	if err != nil {
		fmt.Println(err)
		return
	}
	service := leader.Loop(elector, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	_ = service.Start(context.Background())
	for elector.Stats().Outage.IsZero() { // until it asked for the first time
		time.Sleep(time.Millisecond)
	}
	s := elector.Stats()
	fmt.Println(s.Group, s.Leading, s.Terms, s.Err)
	_ = service.Stop(context.Background())
	// Output: newsletter false 0 connection refused
}

// A Store of your own needs three methods. This one counts what another is asked.
func ExampleStore() {
	store := &counting{Store: &leadertest.Store{}} // leadertest.Conform says whether it keeps the contract
	err := leader.Do(context.Background(), store, "invoice-42", func(context.Context, int64) error { return nil })
	fmt.Println(err, store.acquired)
	// Output: <nil> 1
}

type counting struct {
	leader.Store
	acquired int
}

func (c *counting) Acquire(ctx context.Context, key, token string, ttl time.Duration) (int64, bool, error) {
	c.acquired++
	return c.Store.Acquire(ctx, key, token, ttl)
}

// Fence goes with every write; what is written to refuses a lower one.
func ExampleFence() {
	highest := int64(0) // kept with what is written
	write := func(ctx context.Context) error {
		if leader.Fence(ctx) < highest {
			return errors.New("no longer the leader")
		}
		highest = leader.Fence(ctx)
		return nil
	}
	store := &leadertest.Store{}
	var old context.Context
	for range 2 {
		_ = leader.Do(context.Background(), store, "ledger", func(ctx context.Context, _ int64) error {
			fmt.Println("this one:", write(ctx))
			if old != nil { // as a process that slept through its lease would
				fmt.Println("the old one:", write(old))
			}
			old = ctx
			return nil
		})
	}
	// Output:
	// this one: <nil>
	// this one: <nil>
	// the old one: no longer the leader
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

// Options say how long the lease lasts and who is told of it, as a Config does for
// an Elector.
func ExampleOption() {
	quick := []leader.Option{leader.With(leader.Config{TTL: 3 * time.Second, Name: "worker-7"})}
	err := leader.TryDo(context.Background(), &leadertest.Store{}, "invoice-42",
		func(context.Context, int64) error { return nil }, quick...)
	fmt.Println(err)
	// Output: <nil>
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
