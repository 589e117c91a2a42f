package hosted

import (
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/internal/backoff"
)

// Policy is what follows a failure of a service: [StopHost], [Ignore] or [Restart]. A
// failure is an error, a panic or a runtime.Goexit after the start succeeded. A
// context.Canceled that the host did not cause is a failure too.
type Policy struct {
	action  action
	restart *RestartConfig // of action restart
}

type action int

const (
	stopHost action = iota
	ignore
	restart
)

// StopHost returns the policy that stops the whole host. Run then returns the error. It
// is the default, as in .NET since version 6: a program whose parts die silently is worse
// than one that its supervisor restarts.
func StopHost() Policy { return Policy{} }

// Ignore returns the policy that logs the failure once, shows it in the report and goes
// on.
func Ignore() Policy { return Policy{action: ignore} }

// Restart returns the policy that restarts a loop, a [Fresh] or a [Reloadable] service
// after a backoff. If there are more failures than the limit allows, the service is
// Failed and RestartConfig.Then follows. A service that returns nil is Completed and does
// not restart, unless RestartConfig.Always is set.
//
// A service that waits for its restart is not ready, and so the program is not. If the
// program can do without the service, such as a connection to a peer that may be down for
// long, add [NotCritical], and set a negative Limit or Then to [Ignore].
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
	return Policy{action: restart, restart: &cfg}
}

// RestartConfig bounds restarts. The zero value means every default.
//
// The idea of an intensity, so many restarts in a period before the failure escalates, is
// that of Erlang/OTP's supervisors.
type RestartConfig struct {
	Initial time.Duration // bound of the first backoff; if zero, 500 ms is used. The bound doubles each time. The wait is a random part of it, at least half
	Max     time.Duration // cap of the backoff; if zero, 30 s is used
	Limit   int           // restarts within Per; one more failure leads to Then. If zero, 5 is used; if negative, there is no limit
	Per     time.Duration // window of Limit; a run of this length resets the backoff. If zero, 1 min is used
	Then    Policy        // what follows the limit: StopHost, the default, or Ignore
	Always  bool          // whether a return without an error also leads to a restart, unless a stop was requested
}

// delay is half of the bound and a random part of the other half, so that a
// service that fails at once does not use up its limit in a moment.
func (c *RestartConfig) delay(attempt int) time.Duration {
	p := backoff.Policy{Initial: c.Initial, Max: c.Max}
	half := p.Bound(attempt) / 2
	return half + min(p.Delay(attempt), half)
}

// last is what is done about a failure that is not answered with a restart.
func (p Policy) last() action {
	if p.action == restart {
		return p.restart.Then.action
	}
	return p.action
}

// always says whether an end without an error is answered with a restart too.
func (p Policy) always() bool { return p.action == restart && p.restart.Always }

// check names what makes no sense in the policy of svc.
func (p Policy) check(svc Service) error {
	if p.action != restart {
		return nil
	}
	cfg := p.restart
	if err := (backoff.Policy{Initial: cfg.Initial, Max: cfg.Max}).Validate(); err != nil {
		return fmt.Errorf("RestartConfig.%w", err)
	}
	switch {
	case cfg.Per < 0:
		return fmt.Errorf("RestartConfig.Per is negative: %v", cfg.Per)
	case cfg.Then.action == restart:
		return errors.New("RestartConfig.Then is another Restart: it is StopHost or Ignore")
	}
	switch svc.(type) {
	case *loop, *fresh, *reloadable:
		return nil
	default:
		return fmt.Errorf("Restart needs a Loop, Fresh or Reloadable: this %T cannot be recreated. A Task runs once, retry inside it; a periodic job goes on after failures by itself", svc)
	}
}
