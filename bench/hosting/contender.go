package hosting

import (
	"context"
	"fmt"
	"sync"
)

// Contender is one way to run background services.
type Contender struct {
	Name     string
	Promises string // of the order of start and stop, of panics, and of a bound

	// Start makes and starts a service for each of these names and returns when
	// all of them run. Stop, to be called once, returns when all have ended.
	Start func(names []string) (stop func() error, err error)
}

// The contenders that others are compared with.
const (
	Stead = "stead"
	Floor = "floor"
)

// Contenders are all that are measured, the limit first.
func Contenders() []Contender {
	return []Contender{
		{"errgroup", "none: no order, a panic ends the program", startErrgroup},
		{"oklog-run", "stop asked in order of registration, together; a panic ends the program", startOklogRun},
		{Floor, "ordered start, reverse stop, panics caught, labels; no bound on the stop", startFloor},
		{"floor-ready", "the same, and each service waits until the one before it says that it runs", startFloorReady},
		{Stead, "ordered start, reverse stop, panics caught, labels, bounded stop, report", startStead},
		{"stead-ready", "the same, and each service waits until the one before it says that it runs", startSteadReady},
		{"suture", "no order, panics caught, restarts, stop bounded for each service", startSuture},
		{"dskit-manager", "no order, a panic ends the program", startDskit},
		{"fx", "ordered start, reverse stop, bounded by a context; a panic ends the program", startFx},
	}
}

// Find returns the contender of that name.
func Find(name string) (Contender, error) {
	for _, c := range Contenders() {
		if c.Name == name {
			return c, nil
		}
	}
	return Contender{}, fmt.Errorf("hosting: no contender %q", name)
}

// Names makes n names of services.
func Names(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint("service-", i)
	}
	return names
}

// crowd is what all services of a round share: what each of them does, and how
// the one who starts them learns that all of them run.
type crowd struct {
	up sync.WaitGroup

	// service says that it runs and waits for its end. A field, because a method
	// would make a new function value for every service.
	service func(ctx context.Context) error
}

func newCrowd(n int) *crowd {
	c := &crowd{}
	c.up.Add(n)
	c.service = func(ctx context.Context) error {
		c.up.Done()
		<-ctx.Done()
		return nil
	}
	return c
}
