package hosted

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Option sets something rare about one service; see [Host.Add]. A nil one is an
// error of the start.
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
	nilOption    bool // one of the options was nil
}

// defaultSettings are those of every service without options. Never written.
var defaultSettings settings

// After makes the service start after the named ones have started and stop
// before they are stopped. The named services may be added later.
func After(names ...string) Option {
	return func(s *settings) { s.after = append(s.after, names...) }
}

// StartTimeout bounds the service's Start; it fails the start. 0: only
// [Config.StartTimeout] bounds it.
func StartTimeout(d time.Duration) Option { return func(s *settings) { s.startTimeout = d } }

// OptionalStart lets the host start without the service: if its Start fails, or takes
// longer than its [StartTimeout], it has failed, which is logged and shown, and the
// start goes on with the next one, also with those that come [After] it. It then does
// not count for readiness and liveness, and nothing tries it again. Once it has
// started it is a service as any other, with its [Policy].
func OptionalStart() Option { return func(s *settings) { s.optional = true } }

// StopTimeout shortens the service's own turn in the stop; it cannot lengthen it
// and must not be longer than [Config.ShutdownTimeout]. 0: none of its own.
func StopTimeout(d time.Duration) Option { return func(s *settings) { s.stopTimeout = d } }

// OnFailure chooses what a failure of the service after its start does. The
// default is [StopHost].
func OnFailure(p Policy) Option { return func(s *settings) { s.policy = p } }

// WaitReady makes the start wait until the loop has called [Ready], however long
// that takes: bound it by [StartTimeout]. A loop that is restarted has to call it
// again.
func WaitReady() Option { return func(s *settings) { s.waitReady = true } }

// NotCritical keeps the service's state out of readiness and liveness: it is
// shown there and does not count.
func NotCritical() Option { return func(s *settings) { s.notCritical = true } }

// Watch shows a queue, or anything else with a name, that the service uses
// without being it: metrics and the dashboard look for its Stats. For a queue
// that is read by a hand-written loop, and for the producers of one whose workers
// somebody may forget to add. What is still in a queue after the stop is left
// over: an error of the stop that names this service, the queue and the number,
// so that [Main] exits with 1. A loop that is to empty its queue first reads on
// after its context has ended, and closes the queue then:
//
//	stop := context.AfterFunc(ctx, func() { q.Close() })
//	defer stop()
//	for item := range q.All(context.WithoutCancel(ctx)) {
func Watch(observed interface{ Name() string }) Option {
	return func(s *settings) { s.watched = append(s.watched, observed) }
}

// Health adds a check to the readiness of the service. It is called when a probe
// comes, together with all others under one bound ([Config.HealthTimeout]), from
// a goroutine of its own, never twice at once. Its result is used again for as long
// as that bound, so that who probes often costs no more than one check in that time.
// Its context has the values of the service's, and ends with the bound.
func Health(check func(ctx context.Context) error) Option {
	return func(s *settings) { s.health = check }
}

// check names what makes no sense in the settings of one service.
func (s *settings) check(cfg *Config, svc Service) error {
	budget := cfg.ShutdownTimeout
	switch {
	case s.nilOption:
		return errors.New("an Option is nil")
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
		if isNil(w) {
			return fmt.Errorf("Watch of nothing")
		}
	}
	return nil
}
