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

// Service runs another service while this process leads. [Only] and [Loop] create
// it. It can be started once. It is safe for concurrent use.
type Service struct {
	elector   *Elector
	construct func() (hosted.Service, error)
	misuse    error // an error of Only or Loop, which Start returns

	mu       sync.Mutex
	ctx      context.Context // of the candidacy; nil before Start
	cancel   context.CancelCauseFunc
	deadline time.Time // of the first Stop, or zero
	done     chan struct{}
	err      error // why the service ended by itself
	stopErr  error // error of the Stop of the inner service
	working  bool  // a term has begun and its work has not returned
	inner    hosted.Service
	carried  carryOver
}

// Only returns a service that is a candidate, and that creates and starts a new
// inner service each time it gains the lead. A follower is running and ready; it
// waits.
//
// construct and the inner Start are called on a goroutine of the service. The
// context of the inner Start has the values of the context given to Start and a
// [Fence], and is canceled at the end of the term. If the inner service cannot be
// created or started, the service logs that and releases the lead, so that another
// process may try. It is a candidate again after one TTL.
//
// When the lead is lost, the inner service is stopped with a deadline at the end of
// the lease, which is the Margin from then. This process is not a candidate again
// before the work has returned. After the Grace the service fails.
//
// An inner service that ends or fails by itself (Done, Err) is stopped and the lead
// is released. The service then ends in the same way: it completes, or its failure
// goes to the policy of the host. The next candidate runs its own inner service.
//
// To start several services with the lead, let construct return a [hosted.Host]. To
// restart after a failure, use hosted.Fresh with a function that calls Only.
//
// If e or construct is nil, Start returns an error.
func Only(e *Elector, construct func() (hosted.Service, error)) *Service {
	s := &Service{elector: e, construct: construct, done: make(chan struct{})}
	switch {
	case e == nil:
		s.misuse = errors.New("the elector is nil")
		s.elector = &Elector{lease: &lease{now: time.Now}} // so that every method works
	case construct == nil:
		s.misuse = errors.New("the function is nil")
	}
	return s
}

// Loop is [Only] for a function that runs until its context is canceled, as
// [hosted.Loop] is for a host. The context is canceled when the lead is lost, with
// a cause that wraps [ErrLost] and says why, or when the service stops. If the
// function then returns the error or cause of its context, that is a clean end. A
// return before that ends the service.
//
// If e or run is nil, Start returns an error.
func Loop(e *Elector, run func(ctx context.Context) error) *Service {
	if run == nil {
		return Only(e, nil)
	}
	return Only(e, func() (hosted.Service, error) { return &loop{run: run}, nil })
}

// InheritLogger sets the logger of an elector without Config.Logger, and so of each
// inner service. The host calls it with its own logger before the start; see
// Logging in package hosted.
func (s *Service) InheritLogger(l *slog.Logger) { s.elector.lease.log.Inherit(l) }

// Start begins the candidacy and returns. It does not call the store: an
// unreachable store makes a follower, not a failed start. It returns an error if
// the elector is in use, if the service was started before, or if an argument of
// Only or Loop was nil.
func (s *Service) Start(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.misuse != nil {
		return s.elector.error("start", s.misuse)
	}
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

// Stop stops the inner service, waits for its work, and releases the lead. The next
// leader begins within its Retry. Stop blocks until that is done or ctx is done. In
// the second case it returns an error that says what it did not wait for, and does
// not release the lead if work is running. Otherwise it returns the error of the
// inner Stop. Stop signals the service even if ctx is already done. The service
// then ends in the background; see Done.
//
// Stop before Start does nothing. It may be called more than once.
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
	default: // a request to the store is pending; its time is bounded
		return s.elector.error("stop", fmt.Errorf("the store has not answered: %w", ctx.Err()))
	}
}

// Done returns a channel that is closed when the service has ended, by itself or by
// Stop.
func (s *Service) Done() <-chan struct{} { return s.done }

// Err returns why the service ended by itself. It returns nil before that, after a
// Stop, and if the inner service completed.
func (s *Service) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Name returns Config.Group of the elector.
func (s *Service) Name() string { return s.elector.Group() }

// Group returns Config.Group of the elector. See [Elector.Role].
func (s *Service) Group() string { return s.elector.Group() }

// Role returns [Elector.Role].
func (s *Service) Role() (leading bool, since time.Time, fence int64) { return s.elector.Role() }

// Transitions returns [Elector.Transitions].
func (s *Service) Transitions() uint64 { return s.elector.Transitions() }

// Outage returns [Elector.Outage].
func (s *Service) Outage() (since time.Time, err error) { return s.elector.Outage() }

// run campaigns and serves until the service ends.
func (s *Service) run() error {
	e := s.elector
	for {
		t, err := e.lease.campaign(s.ctx, context.WithoutCancel(s.ctx), e.answered)
		if err != nil {
			return nil //nolint:nilerr // the error only says that the service was stopped
		}
		again, err := s.serve(t)
		if !again {
			return err
		}
	}
}

// ended is called once, when run has returned.
func (s *Service) ended(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	close(s.done)
	if !s.working { // otherwise the elector stays claimed, as nothing may begin beside this work
		s.elector.unclaim()
	}
}
