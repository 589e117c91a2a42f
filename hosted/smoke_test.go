package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
)

func TestSmoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		for i := range 3 {
			h.Go(fmt.Sprint("loop", i), func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		}
		h.Task("warm", func(context.Context) error { time.Sleep(time.Second); return nil })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := h.Run(ctx); err != nil {
			t.Fatal(err)
		}
		t.Log(h.Report())
	})
}

func TestSmokeStraggler(t *testing.T) {
	release := make(chan struct{})
	h := hosted.New(hosted.Config{ShutdownTimeout: 200 * time.Millisecond})
	h.Go("good", func(ctx context.Context) error { <-ctx.Done(); return io.EOF })
	h.Go("stuck", func(ctx context.Context) error { <-release; return nil })
	h.Go("stuck2", func(ctx context.Context) error { <-release; return nil })
	began := time.Now()
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := h.Stop(t.Context())
	var te *hosted.TimeoutError
	if !errors.As(err, &te) || !strings.Contains(te.Stragglers[0].Stacks, "Straggler") {
		t.Errorf("%v", err)
	}
	t.Log(time.Since(began), err)
	t.Log(h.Report())
	close(release)
	time.Sleep(10 * time.Millisecond)
}

func BenchmarkLoop(b *testing.B) {
	for _, n := range []int{10, 1000, 10000} {
		names := make([]string, n)
		for i := range n {
			names[i] = fmt.Sprint("loop", i)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h := hosted.New(hosted.Config{})
				for i := range n {
					h.Go(names[i], func(ctx context.Context) error { <-ctx.Done(); return nil })
				}
				_ = h.Start(context.Background())
				_ = h.Stop(context.Background())
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/svc")
		})
	}
}
