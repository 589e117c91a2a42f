package leader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/internal/guard"
)

// Service runs another service while this process leads. [Only] and [Loop] make
// it; it starts once. All methods may be called from any goroutine.
type Service struct {
	elector   *Elector
	construct func() (hosted.Service, error)

	mu       sync.Mutex
	ctx      context.Context // of the candidacy; nil before Start
	cancel   context.CancelCauseFunc
	deadline time.Time // of the first Stop; zero: none
	done     chan struct{}
	err      error // why it ended by itself
	stopErr  error // of the inner service's stop
	working  bool  // a term has begun and its work has not returned
	inner    hosted.Service
	books    books
}

// Only makes a service that stands for election, and that makes and starts a new
// inner service whenever it gains the lead. A follower is up and ready; it waits.
//
// construct and the inner Start run on a goroutine of the service. The context
// that Start gets carries the values of the one that Only was started with, has a
// [Fence], and ends with the term. An inner service that cannot be made or started
// costs the lead: it is given up, the failure is logged, and this process stands
// again after one TTL, so that another may try.
//
// When the lead is lost the inner service is stopped with a deadline at the end of
// the lease, the Margin from then. While its work has not returned this process
// does not stand again; after the Grace the service fails.
//
// An inner service that ends or fails by itself (Done, Err) is stopped, the lead
// is given up, and Only ends as it did: completed, or the failure goes to the
// policy of the host. The next candidate then runs its own.
//
// To start several services with the lead, make construct return a [hosted.Host].
// To restart after a failure, wrap it: hosted.Fresh with a function that calls
// Only.
func Only(e *Elector, construct func() (hosted.Service, error)) *Service {
	if e == nil || construct == nil {
		panic("stead/leader: Only: the elector or the function is nil")
	}
	return &Service{elector: e, construct: construct, done: make(chan struct{})}
}

// Loop is [Only] for a function that runs until its context ends, as
// [hosted.Loop] is for a host. The context ends when the lead is lost, with a
// cause that wraps [ErrLost] and says why, or when the service is to stop.
// Returning its error or its cause then is a clean end; a return before that ends
// the service.
func Loop(e *Elector, run func(ctx context.Context) error) *Service {
	if run == nil {
		panic("stead/leader: Loop: the function is nil")
	}
	return Only(e, func() (hosted.Service, error) { return &loop{run: run}, nil })
}

// InheritLogger gives an elector that has no Config.Logger that of the host, which
// calls it before the start, and so each inner service; see package hosted,
// Logging.
func (s *Service) InheritLogger(l *slog.Logger) { s.elector.lease.log.Inherit(l) }

// Start begins to stand for election and returns. The store is not asked yet: one
// that cannot be reached makes a follower, not a failed start. An error means that
// the elector is in use or the service was started before.
func (s *Service) Start(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx != nil {
		return s.elector.error("start", errors.New("it was started before"))
	}
	if err := s.elector.claim(); err != nil {
		return s.elector.error("start", err)
	}
	s.ctx, s.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	go guard.Run(s.run, s.ended)
	return nil
}

// Stop stops the inner service, waits for its work, and gives the lead back; the
// next leader begins within its Retry. If the work has not returned at ctx's
// deadline Stop returns without giving the lead back. Its error is that of the
// inner service's Stop, or says what it did not wait for: the work goes on, or the
// store has not answered. Also with a ctx that has ended already the service was
// told, and ends by itself as soon as that returns; see Done.
//
// Before Start it does nothing. It may be called more than once.
func (s *Service) Stop(ctx context.Context) error {
	s.mu.Lock()
	if s.ctx == nil {
		s.mu.Unlock()
		return nil
	}
	if s.ctx.Err() == nil {
		s.deadline, _ = ctx.Deadline()
		s.cancel(hosted.ErrStopping)
	}
	s.mu.Unlock()
	select {
	case <-s.done:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.working {
		return s.elector.error("stop", errors.Join(errors.New("its work has not returned"), ctx.Err()))
	}
	select {
	case <-s.done:
		return s.stopErr
	default: // a request to the store is on its way, which is bounded
		return s.elector.error("stop", fmt.Errorf("the store has not answered: %w", ctx.Err()))
	}
}

// Done is closed when the service has ended, by itself or by Stop.
func (s *Service) Done() <-chan struct{} { return s.done }

// Err is why the service ended by itself: nil before, after a Stop, and if the
// inner service completed.
func (s *Service) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Name is the group.
func (s *Service) Name() string { return s.elector.Group() }

// Group is that of the elector, as Role and Transitions are; see [Elector.Role].
func (s *Service) Group() string { return s.elector.Group() }

// Role is that of the elector.
func (s *Service) Role() (leading bool, since time.Time, fence int64) { return s.elector.Role() }

// Transitions is that of the elector.
func (s *Service) Transitions() uint64 { return s.elector.Transitions() }

// Outage is that of the elector.
func (s *Service) Outage() (since time.Time, err error) { return s.elector.Outage() }

// run stands for election again and again.
func (s *Service) run() error {
	e := s.elector
	for {
		t, err := e.lease.campaign(s.ctx, context.WithoutCancel(s.ctx), e.answered)
		if err != nil {
			return nil //nolint:nilerr // told to stop: the error says no more than that
		}
		again, err := s.serve(t)
		if !again {
			return err
		}
	}
}

// ended is called once, when run is over.
func (s *Service) ended(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	close(s.done)
	if !s.working { // or else the elector stays taken: nothing beside this work
		s.elector.unclaim()
	}
}
