package hosting_test

import (
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"github.com/steadgo/stead/bench/hosting"
	"github.com/steadgo/stead/bench/internal/lab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// BenchmarkHosting is the start and the stop together. The contenders do not take
// turns here; for ratios use the command.
func BenchmarkHosting(b *testing.B) {
	for _, c := range hosting.Contenders() {
		for _, n := range []int{10, 1000, 10000} {
			b.Run(fmt.Sprintf("%s/%d", c.Name, n), func(b *testing.B) {
				names := hosting.Names(n)
				b.ReportAllocs()
				for b.Loop() {
					stop, err := c.Start(names)
					if err != nil {
						b.Fatal(err)
					}
					if err := stop(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/service")
			})
		}
	}
}

// BenchmarkGraph is a start and a stop; ms-start is the start alone.
func BenchmarkGraph(b *testing.B) {
	for _, g := range hosting.Graphs() {
		b.Run(g.Name, func(b *testing.B) {
			var total float64
			for b.Loop() {
				took, err := g.Start()
				if err != nil {
					b.Fatal(err)
				}
				total += took.Seconds() * 1000
			}
			b.ReportMetric(total/float64(b.N), "ms-start")
		})
	}
}

// A contender that leaves goroutines behind, or has fewer than services, would
// be measured doing something else than the others; Measure finds the former.
func TestEveryContenderRunsAGoroutineForEachServiceAndEndsThemAll(t *testing.T) {
	series, err := hosting.Measure(hosting.Contenders(), hosting.Plan{Sizes: []int{1, 50}, Rounds: 2, PerRound: 50}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 * len(hosting.Contenders()); len(series) != want {
		t.Fatalf("%d series, want %d", len(series), want)
	}
	for _, s := range series {
		if len(s.Samples) != 2 {
			t.Errorf("%s, %d services: %d samples, want 2", s.Contender, s.Services, len(s.Samples))
		}
		for _, sample := range s.Samples {
			if sample.Goroutines < 1 || sample.NS() <= 0 || sample.Allocs <= 0 || sample.Bytes <= 0 {
				t.Errorf("%s, %d services: %+v", s.Contender, s.Services, sample)
			}
		}
	}
}

// The rounds differ a hundredfold, as on a busy machine; the ratio does not.
func TestRatioComparesNeighbouringRounds(t *testing.T) {
	a := hosting.Series{Samples: []hosting.Sample{{StartNS: 2}, {StartNS: 20}, {StartNS: 200}}}
	b := hosting.Series{Samples: []hosting.Sample{{StartNS: 1}, {StartNS: 10}, {StartNS: 100}}}
	if got := hosting.Ratio(a, b, hosting.Sample.NS); got.Low != 2 || got.High != 2 {
		t.Errorf("%+v, want 2 throughout", got)
	}
}

func TestATargetIsMissedByWhatIsTooMuchAndByWhatWasNotMeasured(t *testing.T) {
	series := func(name string, ns float64) hosting.Series {
		return hosting.Series{Contender: name, Services: 10, Samples: []hosting.Sample{{StartNS: ns, Bytes: 1000, Allocs: 9, Goroutines: 1}}}
	}
	all := []hosting.Series{
		series(hosting.Stead, 2000), series(hosting.Floor, 1000),
		series("suture", 2600), series("dskit-manager", 4000),
	}
	missed := map[string]bool{}
	for _, m := range lab.Missed(hosting.Targets(all, nil)) {
		missed[m.Name] = true
	}
	want := []string{"time to dskit-manager, N=10", "time to fx, N=10", "time to the floor, N=10"}
	for _, name := range want {
		if !missed[name] {
			t.Errorf("%q is not missed", name)
		}
	}
	for _, name := range []string{"ns per service, N=10", "allocations per service, N=10", "time to suture, N=10"} {
		if missed[name] {
			t.Errorf("%q is missed", name)
		}
	}
}
