package hosted

import (
	"context"
	"fmt"
	"time"

	"github.com/steadgo/stead/internal/errs"
	"github.com/steadgo/stead/internal/plural"
	"github.com/steadgo/stead/lifecycle"
)

// renew stops the old instance, under a slice of time, and starts a new one.
func (u *unit) renew() error {
	slice := 500 * time.Millisecond
	if t := u.host.cfg.ShutdownTimeout; t > 0 {
		slice = min(slice, t/4)
	}
	if u.stopTimeout > 0 {
		slice = min(slice, u.stopTimeout)
	}
	stop, cancel := context.WithTimeout(u.finishing(), slice)
	defer cancel()
	old := u.call(stop, "stop", u.service.Stop, nil)
	if !waitUntil(old.done, time.Now().Add(slice)) && u.host.abandon(old) {
		// Two instances of one service side by side would be worse than none.
		return &finalError{fmt.Errorf("the failed instance did not stop within %v: %w", slice, context.DeadlineExceeded)}
	}
	if old.err != nil && !u.endedAs(old.err) {
		u.host.log.Warn("failed instance did not stop cleanly", failure(u, old.err)...)
	}
	if u.ctx.Err() != nil {
		return context.Cause(u.ctx) // its turn to stop has come meanwhile
	}
	start := u.ctx
	if u.startTimeout > 0 {
		var release context.CancelFunc
		start, release = context.WithTimeoutCause(start, u.startTimeout,
			fmt.Errorf("StartTimeout of %v has expired: %w", u.startTimeout, context.DeadlineExceeded))
		defer release()
	}
	c := u.callStart(start, func() {
		u.host.mu.Lock()
		defer u.host.mu.Unlock()
		if u.state == lifecycle.Restarting {
			u.enterLocked(lifecycle.Running)
		}
	})
	err := u.host.await(start, c)
	u.host.mu.Lock()
	defer u.host.mu.Unlock()
	if c.abandoned {
		return &finalError{err} // it may still come up, and the next one would be beside it
	}
	return err
}

// finalError is a failure that no restart can fix.
type finalError struct{ error }

func isFinal(err error) bool {
	_, final := errs.As[*finalError](err)
	return final
}

// gaveUpError is the last failure of a service under Restart. Its text is made when it is
// asked for: a lock is held when the error is made.
type gaveUpError struct {
	restarts int32
	err      error
}

func (g *gaveUpError) Error() string {
	return fmt.Sprintf("gave up after %s: %v", plural.Of(int(g.restarts), "restart"), g.err)
}
func (g *gaveUpError) Unwrap() error { return g.err }

func (g *finalError) Unwrap() error { return g.error }

// backOff waits before a restart and reports false if the service's turn to stop
// came meanwhile.
func (u *unit) backOff() bool {
	u.host.mu.Lock()
	at := u.intensity.next
	u.host.mu.Unlock()
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-u.ctx.Done():
	}
	if u.ctx.Err() == nil {
		return true
	}
	u.host.mu.Lock()
	defer u.host.mu.Unlock()
	u.stoppedInTurnLocked()
	return false
}

// mayRestartLocked counts a restart and reports whether the limit allows it.
func (u *unit) mayRestartLocked() bool {
	if u.intensity == nil {
		u.intensity = &intensity{}
	}
	ran := time.Duration(0)
	if u.state == lifecycle.Running {
		ran = time.Since(u.since)
	}
	now := time.Now()
	if !u.intensity.allow(now, ran, u.policy.restart) {
		return false
	}
	u.intensity.next = now.Add(u.policy.restart.delay(u.intensity.attempt))
	u.restarts++
	return true
}

// planLocked is what the log says of a restart: when, which of how many, and what
// comes after the last.
func (u *unit) planLocked() []any {
	cfg := u.policy.restart
	plan := []any{"delay", round(time.Until(u.intensity.next)), "attempt", u.intensity.attempt}
	if cfg.Limit < 0 {
		return plan
	}
	then := "stop the host"
	if cfg.Then.action == ignore {
		then = "go on without it"
	}
	return append(plan, "restart", len(u.intensity.recent), "limit", cfg.Limit, "per", cfg.Per, "then", then)
}

// intensity counts restarts against their limit.
type intensity struct {
	attempt int         // since the last run that lasted
	recent  []time.Time // within the window, oldest first
	next    time.Time   // when the last backoff is, or was, over
}

// allow reports whether a failure at now, after a run of this length, may be
// answered with another restart, and counts it if so.
func (i *intensity) allow(now time.Time, ran time.Duration, cfg *RestartConfig) bool {
	if ran >= cfg.Per {
		i.attempt = 0
	}
	if cfg.Limit > 0 {
		for len(i.recent) > 0 && now.Sub(i.recent[0]) > cfg.Per {
			i.recent = i.recent[1:]
		}
		if len(i.recent) >= cfg.Limit {
			return false
		}
		i.recent = append(i.recent, now)
	}
	i.attempt++
	return true
}
