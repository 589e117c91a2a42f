package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/examples/internal/cli"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

// addDemo adds what makes the dashboard worth looking at: visitors, some of whom
// cannot be written to, a job that fails more often than not, and one that is
// paused until an operator resumes it.
func addDemo(host *hosted.Host, emails channelq.Enqueuer[welcome]) {
	host.Go("visitors", func(ctx context.Context) error { return signUpInWaves(ctx, emails) })

	stock := cli.Must(periodic.New(periodic.Config{
		Name: "stock", Schedule: periodic.Every(10 * time.Second), RunAtStart: true,
		Retry: periodic.Retry{Attempts: 3, Initial: 2 * time.Second},
	}, askSupplier))
	host.Add("stock", stock)

	newsletter := cli.Must(periodic.New(periodic.Config{
		Name: "newsletter", Schedule: cli.Must(periodic.Cron("0 9 * * 1", time.Local)),
	}, func(context.Context) error { return nil }))
	newsletter.Pause()
	host.Add("newsletter", newsletter)
}

// signUpInWaves is the visitors: between one and seven a second, and twice a
// minute a crowd that has read about the shop.
func signUpInWaves(ctx context.Context, emails channelq.Enqueuer[welcome]) error {
	const ticks = 4 // per second
	tick := time.NewTicker(time.Second / ticks)
	defer tick.Stop()
	visitor, due := 0, 1.0
	for n := 0; ; n++ {
		due += (4 + 3*math.Sin(2*math.Pi*float64(n)/(60*ticks))) / ticks
		if n%(30*ticks) == 10*ticks {
			due += 120
		}
		for ; due >= 1; due-- {
			visitor++
			// A visitor who is told to come back later does not.
			_ = emails.Enqueue(ctx, welcome{fmt.Sprintf("visitor-%d@%s", visitor, provider(visitor))})
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// provider is where a visitor has the mailbox; the catcher knows the odd ones.
func provider(visitor int) string {
	switch {
	case visitor%97 == 7:
		return goneDomain
	case visitor%8 == 0:
		return busyDomain
	case visitor%3 == 0:
		return slowDomain
	}
	return "example.com"
}

// askSupplier is a job that has a bad day.
func askSupplier(ctx context.Context) error {
	select {
	case <-time.After(300 * time.Millisecond):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if rand.IntN(5) > 0 {
		return errors.New("the supplier answers 503 Service Unavailable")
	}
	return nil
}
