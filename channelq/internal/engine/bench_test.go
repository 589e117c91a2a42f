package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq/internal/engine"
)

// What one goroutine pays for an item, in and out, beside a channel.

func BenchmarkPutAndTake(b *testing.B) {
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	b.Run("channel", func(b *testing.B) {
		c := make(chan int, 1024)
		for b.Loop() {
			c <- 1
			<-c
		}
	})
	b.Run("engine", func(b *testing.B) {
		e := newEngine(1024)
		for b.Loop() {
			e.Put(ctx, 1)
			e.Take(ctx)
		}
	})
	b.Run("sampled", func(b *testing.B) {
		e := engine.NewByValue[int](engine.Config{Capacity: 1024, Sampled: func(time.Duration) {}})
		for b.Loop() {
			e.Put(ctx, 1)
			e.Take(ctx)
		}
	})
}

func BenchmarkBatchesOf64(b *testing.B) {
	e := newEngine(1024)
	vs, buf := make([]int, 64), make([]int, 64)
	for b.Loop() {
		e.PutN(background, nil, vs)
		e.TakeN(background, buf)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/item")
}
