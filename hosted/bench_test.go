package hosted_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/steadgo/stead/hosted"
)

// BenchmarkLoop is the start and the stop of hosts with many loops; ns/svc is
// what one loop costs of it.
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
