package hosted

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/internal/nils"
)

// Option sets a rare property of one service; see [Host.Add]. If an Option is nil, the
// start fails.
type Option func(*settings)

type settings struct {
	after        []string
	startTimeout time.Duration
	stopTimeout  time.Duration
	policy       Policy
	optional     bool // its start may fail
	waitReady    bool
	notCritical  bool
	watched      []interface{ Name() string }
	health       func(ctx context.Context) error
	nilHealth    bool // the check of Health is nil
	nilOption    bool // one of the options was nil
}

// defaultSettings are those of every service without options. Never written.
var defaultSettings settings

// After makes the service start after the named services have started, and stop before
// they stop. The named services may be added later.
func After(names ...string) Option {
	return func(s *settings) { s.after = append(s.after, names...) }
}

// StartTimeout bounds Start of the service. If Start takes longer, the start of the host
// fails. If zero, only [Config.StartTimeout] bounds it.
func StartTimeout(d time.Duration) Option { return func(s *settings) { s.startTimeout = d } }

// OptionalStart lets the host start without the service. If Start fails, or takes longer
// than its [StartTimeout], the service is Failed, which is logged and shown. The start
// continues with the next service, also with the ones that come [After] this one. The
// service then does not count for readiness and liveness, and nothing retries its start.
// Once started, it is a service like any other, with its [Policy].
func OptionalStart() Option { return func(s *settings) { s.optional = true } }

// StopTimeout shortens the turn of the service in the stop. It cannot lengthen the turn,
// and must not be longer than [Config.ShutdownTimeout]. If zero, the turn is not
// shortened.
func StopTimeout(d time.Duration) Option { return func(s *settings) { s.stopTimeout = d } }

// OnFailure sets what follows a failure of the service after its start. The default is
// [StopHost].
func OnFailure(p Policy) Option { return func(s *settings) { s.policy = p } }

// WaitReady makes the start wait until the loop has called [Ready], without a bound of
// its own: use [StartTimeout]. A loop that restarts has to call Ready again.
func WaitReady() Option { return func(s *settings) { s.waitReady = true } }

// NotCritical keeps the state of the service out of readiness and liveness. It is shown
// there and does not count.
func NotCritical() Option { return func(s *settings) { s.notCritical = true } }

// Watch attaches a queue, or any other named component, that the service uses, so that
// metrics and the dashboard show its Stats. It is for a queue that a loop reads itself,
// and for the producers of a queue whose workers may be forgotten. Items that
// are still in the queue after the stop are leftover. They are an error of the stop that
// names this service, the queue and the number, so that [Main] exits with 1.
//
// To drain the queue before the loop ends, close the queue when ctx is done and keep
// reading:
//
//	stop := context.AfterFunc(ctx, func() { q.Close() })
//	defer stop()
//	for item := range q.All(context.WithoutCancel(ctx)) {
func Watch(observed interface{ Name() string }) Option {
	return func(s *settings) { s.watched = append(s.watched, observed) }
}

// Health adds a check to the readiness of the service. A probe runs it together with all
// other checks, under one bound ([Config.HealthTimeout]). It runs on a goroutine of its
// own, never twice at once. Its result is reused for as long as that bound, so that
// frequent probes cost no more than one check in that time. Its context has the values of
// the service's context, and is done when the bound expires.
func Health(check func(ctx context.Context) error) Option {
	return func(s *settings) { s.health, s.nilHealth = check, check == nil }
}

// check names what makes no sense in the settings of one service.
func (s *settings) check(cfg *Config, svc Service) error {
	budget := cfg.ShutdownTimeout
	switch {
	case s.nilOption:
		return errors.New("an Option is nil")
	case s.nilHealth:
		return errors.New("the check of Health is nil")
	case s.startTimeout < 0:
		return fmt.Errorf("StartTimeout is negative: %v", s.startTimeout)
	case s.stopTimeout < 0:
		return fmt.Errorf("StopTimeout is negative: %v", s.stopTimeout)
	case budget > 0 && s.stopTimeout > budget:
		return fmt.Errorf("StopTimeout %v is longer than the host's ShutdownTimeout %v", s.stopTimeout, budget)
	}
	if err := s.policy.check(svc); err != nil {
		return err
	}
	if _, isLoop := svc.(*loop); s.waitReady && !isLoop {
		return fmt.Errorf("WaitReady is for loops: a %T is ready when its Start returns. To do something first, add a Task before it", svc)
	}
	for _, w := range s.watched {
		if nils.Is(w) {
			return fmt.Errorf("Watch of nothing")
		}
	}
	return nil
}
