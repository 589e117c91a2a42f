package hosted

import (
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/internal/backoff"
)

// Policy says what a failure of a service does; see [StopHost], [Ignore] and
// [Restart]. A failure is an error, a panic or a runtime.Goexit after the start
// succeeded; a context.Canceled that the host did not cause is one too.
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

// StopHost stops the whole host; Run returns the error. This is the default, as
// it is in .NET since version 6: a program whose parts silently die is worse
// than one that is restarted by its supervisor.
func StopHost() Policy { return Policy{} }

// Ignore logs the failure once, shows it in the report and goes on.
func Ignore() Policy { return Policy{action: ignore} }

// Restart answers each failure of a loop, or of a [Fresh] or [Reloadable] service,
// with another start after a backoff, until there are more of them than the limit
// allows: then the service has failed, and RestartConfig.Then follows. One that
// returns nil is completed and not restarted, unless RestartConfig.Always is set.
//
// A service that waits out its backoff is not ready, and so the program is not. For
// one that the rest can do without, such as a connection to a peer that may be down
// for long, add [NotCritical], and a Limit below zero or Then with [Ignore].
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
// The idea of an intensity, so many restarts in so much time and then the
// failure goes up, is that of Erlang/OTP's supervisors.
type RestartConfig struct {
	Initial time.Duration // bound of the first backoff; 0: 500 ms. Each next one doubles; the wait is a random part of it, at least half
	Max     time.Duration // cap of the backoff; 0: 30 s
	Limit   int           // restarts within Per; Then follows one failure more; 0: 5, negative: no limit
	Per     time.Duration // the window of Limit; a run as long as this starts the backoff afresh; 0: 1 min
	Then    Policy        // what follows the limit: StopHost, the default, or Ignore
	Always  bool          // a return without an error is answered likewise, unless a stop was asked for
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
		return fmt.Errorf("Restart needs a Loop, Fresh or Reloadable: this %T cannot be made anew. A Task runs once, try again inside it; a periodic job goes on after failures by itself", svc)
	}
}
