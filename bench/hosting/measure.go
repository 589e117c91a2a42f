package hosting

import (
	"fmt"
	"runtime"
	"time"

	"github.com/steadgo/stead/bench/internal/lab"
)

// Sample is what one contender did in one round, per service.
type Sample struct {
	StartNS    float64 `json:"start_ns"`
	StopNS     float64 `json:"stop_ns"`
	CPUNS      float64 `json:"cpu_ns"` // of all cores; 0 where it is not measured
	Bytes      float64 `json:"bytes"`
	Allocs     float64 `json:"allocs"`
	Goroutines float64 `json:"goroutines"` // while all services run
}

// NS returns the time of start and stop together, in nanoseconds.
func (s Sample) NS() float64 { return s.StartNS + s.StopNS }

// Series is all rounds of one contender with one number of services, in the
// order of the rounds, so that the i-th of two contenders were neighbors.
type Series struct {
	Contender string   `json:"contender"`
	Services  int      `json:"services"`
	Samples   []Sample `json:"samples"`
}

// Plan says how much is measured. Every field must be positive.
type Plan struct {
	Sizes    []int // numbers of services
	Rounds   int   // that count; one more goes before them, to warm up
	PerRound int   // services that a contender starts in a round, in as many programs as that makes
}

// Measure lets the contenders take turns. tell is called with what is measured
// next.
func Measure(contenders []Contender, plan Plan, tell func(string)) ([]Series, error) {
	var all []Series
	for _, n := range plan.Sizes {
		names := Names(n)
		series := make([]Series, len(contenders))
		for i, c := range contenders {
			series[i] = Series{Contender: c.Name, Services: n}
		}
		for r := range plan.Rounds + 1 {
			tell(fmt.Sprintf("%d services, round %d of %d", n, r, plan.Rounds))
			for i := range contenders {
				// Each round begins with another one: what disturbs the machine
				// for a while must not always hit the same.
				i = (i + r) % len(contenders)
				s, err := measure(contenders[i], names, max(1, plan.PerRound/n))
				if err != nil {
					return nil, fmt.Errorf("hosting: %s with %d services: %w", contenders[i].Name, n, err)
				}
				if r > 0 {
					series[i].Samples = append(series[i].Samples, s)
				}
			}
		}
		all = append(all, series...)
	}
	return all, nil
}

// measure starts and stops all the services several times over. What the
// contender before left in memory is collected first; what the collector does
// during the run is the contender's own.
func measure(c Contender, names []string, times int) (Sample, error) {
	runtime.GC()
	idle := runtime.NumGoroutine()
	var before, after runtime.MemStats
	var started, stopped time.Duration
	running := 0
	runtime.ReadMemStats(&before)
	cpu := lab.CPUTime()
	for range times {
		began := time.Now()
		stop, err := c.Start(names)
		started += time.Since(began)
		if err != nil {
			return Sample{}, err
		}
		running = runtime.NumGoroutine() - idle
		began = time.Now()
		err = stop()
		stopped += time.Since(began)
		if err != nil {
			return Sample{}, err
		}
		if err := settle(idle); err != nil {
			return Sample{}, err
		}
	}
	cpu = lab.CPUTime() - cpu
	runtime.ReadMemStats(&after)
	services := float64(len(names) * times)
	return Sample{
		StartNS:    float64(started.Nanoseconds()) / services,
		StopNS:     float64(stopped.Nanoseconds()) / services,
		CPUNS:      float64(cpu.Nanoseconds()) / services,
		Bytes:      float64(after.TotalAlloc-before.TotalAlloc) / services,
		Allocs:     float64(after.Mallocs-before.Mallocs) / services,
		Goroutines: float64(running) / float64(len(names)),
	}, nil
}

// settle waits for goroutines that have said that they ended and have not quite,
// so that they do not run on another's time.
func settle(idle int) error {
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > idle; {
		if time.Now().After(deadline) {
			return fmt.Errorf("%d goroutines are left after the stop", runtime.NumGoroutine()-idle)
		}
		runtime.Gosched()
	}
	return nil
}
