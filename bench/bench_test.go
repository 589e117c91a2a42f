package bench_test

import (
	"testing"

	"github.com/steadgo/stead/bench"
)

func BenchmarkMove(b *testing.B) {
	for _, cast := range bench.Casts {
		for _, batch := range []int{1, 64} {
			for _, c := range bench.Queues[[1]uint64]() {
				if batch > 1 && c.Name != bench.Subject {
					continue
				}
				name := cast.String() + "/batch" + map[int]string{1: "1", 64: "64"}[batch] + "/" + c.Name
				b.Run(name, func(b *testing.B) {
					b.ReportAllocs()
					bench.Move(c, cast, 1024, b.N, batch)
				})
			}
		}
	}
}

func BenchmarkTasks(b *testing.B) {
	for _, producers := range []int{1, 4, 64} {
		for _, p := range bench.Pools() {
			b.Run(bench.Cast{Producers: producers, Consumers: 4}.String()+"/"+p.Name, func(b *testing.B) {
				b.ReportAllocs()
				bench.RunTasks(p, producers, 4, b.N, func() {})
			})
		}
	}
}
