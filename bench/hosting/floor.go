package hosting

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"runtime/pprof"
	"slices"
)

// floorService is what the promises of a host cost when nothing is configurable:
// what a user who wants them would write by hand. A context of its own with a
// cause, a signal that it runs and one that it has ended, labels by which its
// stacks are found, and a panic that becomes an error with its stack.
type floorService struct {
	name   string
	run    func(ctx context.Context) error
	ctx    context.Context
	cancel context.CancelCauseFunc
	ready  chan struct{}
	done   chan struct{}
	err    error // set before done closes
}

func (s *floorService) start(parent context.Context) {
	labelled := pprof.WithLabels(parent, pprof.Labels("host", "floor", "service", s.name))
	s.ctx, s.cancel = context.WithCancelCause(labelled)
	s.ready, s.done = make(chan struct{}), make(chan struct{})
	go s.main()
}

func (s *floorService) main() {
	defer close(s.done)
	defer func() {
		if v := recover(); v != nil {
			s.err = fmt.Errorf("service %q: panic: %v\n%s", s.name, v, debug.Stack())
		}
	}()
	pprof.SetGoroutineLabels(s.ctx)
	close(s.ready)
	s.err = s.run(s.ctx)
}

// stop returns when the service has ended.
func (s *floorService) stop(cause error) error {
	s.cancel(cause)
	<-s.done
	return s.err
}

var errFloorStop = errors.New("the floor stops")

// startFloor starts the services in order. As with a loop that says nothing, a
// service counts as started when its goroutine has been.
func startFloor(names []string) (func() error, error) { return floor(names, false) }

// startFloorReady waits for each before it starts the next.
func startFloorReady(names []string) (func() error, error) { return floor(names, true) }

func floor(names []string, wait bool) (func() error, error) {
	all := newCrowd(len(names))
	list := make([]*floorService, len(names))
	for i, name := range names {
		list[i] = &floorService{name: name, run: all.service}
		list[i].start(context.Background())
		if wait {
			<-list[i].ready
		}
	}
	for _, s := range list {
		<-s.ready
	}
	all.up.Wait()
	return func() error {
		var errs []error
		for _, s := range slices.Backward(list) {
			if err := s.stop(errFloorStop); err != nil {
				errs = append(errs, err)
			}
		}
		return errors.Join(errs...)
	}, nil
}
