package hosted

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/internal/backoff"
)

// Option sets something rare about one service; see [Host.Add]. A nil one is an
// error of the start.
type Option func(*settings)

type settings struct {
	after        []string
	startTimeout time.Duration
	stopTimeout  time.Duration
	policy       Policy
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

// Policy says what a failure of a service does; see [StopHost], [Ignore] and
// [Restart]. A failure is an error, a panic or a runtime.Goexit after the start
// succeeded; a context.Canceled that the host did not cause is one too.
type Policy struct {
	action  action
	restart RestartConfig
}

type action int

const (
	stopHost action = iota
	ignore
	restart
)

// StopHost stops the whole host; Run returns the error. This is the default, as
// it is in .NET since version 6: a program whose parts silently die is worse
// than one that is restarted by its supervisor.
func StopHost() Policy { return Policy{} }

// Ignore logs the failure once, shows it in the report and goes on.
func Ignore() Policy { return Policy{action: ignore} }

// Restart answers each failure of a loop, or of a [Fresh] service, with another
// start after a backoff, until there are more of them than the limit allows: that
// failure stops the host as [StopHost] does. One that returns nil is completed
// and not restarted.
func Restart(cfg RestartConfig) Policy {
	if cfg.Initial == 0 {
		cfg.Initial = 500 * time.Millisecond
	}
	if cfg.Max == 0 {
		cfg.Max = max(30*time.Second, cfg.Initial)
	}
	if cfg.Limit == 0 {
		cfg.Limit = 5
	}
	if cfg.Per == 0 {
		cfg.Per = time.Minute
	}
	return Policy{action: restart, restart: cfg}
}

// RestartConfig bounds restarts. The zero value means every default.
//
// The idea of an intensity, so many restarts in so much time and then the
// failure goes up, is that of Erlang/OTP's supervisors.
type RestartConfig struct {
	Initial time.Duration // bound of the first backoff; 0: 500 ms. Each next one doubles; the wait is a random part of it, at least half
	Max     time.Duration // cap of the backoff; 0: 30 s
	Limit   int           // restarts within Per; one failure more stops the host; 0: 5, negative: no limit
	Per     time.Duration // the window of Limit; a run as long as this starts the backoff afresh; 0: 1 min
}

// delay is half of the bound and a random part of the other half, so that a
// service that fails at once does not use up its limit in a moment.
func (c RestartConfig) delay(attempt int) time.Duration {
	p := backoff.Policy{Initial: c.Initial, Max: c.Max}
	half := p.Bound(attempt) / 2
	return half + min(p.Delay(attempt), half)
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
	if s.policy.action == restart {
		if err := (backoff.Policy{Initial: s.policy.restart.Initial, Max: s.policy.restart.Max}).Validate(); err != nil {
			return fmt.Errorf("RestartConfig.%w", err)
		}
		if s.policy.restart.Per < 0 {
			return fmt.Errorf("RestartConfig.Per is negative: %v", s.policy.restart.Per)
		}
		switch svc.(type) {
		case *loop, *fresh:
		default:
			return fmt.Errorf("Restart needs a Loop or Fresh: this %T cannot be made anew. A Task runs once, try again inside it; a periodic job goes on after failures by itself", svc)
		}
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
