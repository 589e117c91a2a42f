package hosted

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/steadgo/stead/lifecycle"
)

// checks runs health checks for probes, of which there may be many at once: anybody
// who can reach the port can ask.
type checks struct {
	mu sync.Mutex
	of map[*unit]*check
}

// check is what is known of one service's health. Guarded by checks.mu.
type check struct {
	call    *call           // the last one
	bound   context.Context // its own: that of a probe ends when its client hangs up
	release context.CancelFunc
	at      time.Time // when one last came back in time
	logged  bool      // the log has an error
}

// run asks the units that have a check and are up, and returns who is healthy;
// those without one are.
func (c *checks) run(ctx context.Context, units []*unit) []bool {
	healthy := make([]bool, len(units))
	var group errgroup.Group
	for i, u := range units {
		if u.health == nil || u.stateNow() != lifecycle.Running {
			healthy[i] = true
			continue
		}
		group.Go(func() error {
			healthy[i] = c.ask(ctx, u) == nil
			return nil
		})
	}
	_ = group.Wait()
	return healthy
}

// ask returns how a check went: the one that runs, the last one if that is not older
// than the bound of one, or else a new one.
func (c *checks) ask(ctx context.Context, u *unit) error {
	k, call, bound := c.join(u)
	select {
	case <-call.done:
		return c.outcome(u, k, call.err)
	case <-bound.Done():
	case <-ctx.Done():
		return ctx.Err()
	}
	if call.returned() {
		return c.outcome(u, k, call.err)
	}
	return c.outcome(u, k, fmt.Errorf("no answer within %v: %w", u.host.cfg.HealthTimeout, context.DeadlineExceeded))
}

func (c *checks) join(u *unit) (*check, *call, context.Context) {
	u.host.mu.Lock()
	since := u.since // what an earlier instance answered does not count
	u.host.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.of[u]
	if k == nil {
		if c.of == nil {
			c.of = map[*unit]*check{}
		}
		k = &check{}
		c.of[u] = k
	}
	timeout := u.host.cfg.HealthTimeout
	switch {
	case k.call != nil && !k.call.returned():
	case k.at.After(since) && time.Since(k.at) <= timeout:
	default:
		bound, release := context.WithTimeout(u.ctx, timeout)
		k.bound, k.release = bound, release
		k.call = u.call(bound, "health", u.health, func(error, bool) {
			if bound.Err() != nil {
				return // too late for the ones that waited
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			k.at = time.Now()
		})
	}
	return k, k.call, k.bound
}

// outcome notes how a check went, and logs it if it is another outcome than the last.
func (c *checks) outcome(u *unit, k *check, err error) error {
	if err != nil && u.ctx.Err() != nil {
		return err // its turn to stop has come, and that may be all that is wrong
	}
	c.mu.Lock()
	over, release := k.call.returned(), k.release
	news := k.logged != (err != nil)
	k.logged = err != nil
	c.mu.Unlock()
	if over {
		release() // not before: that looks like the end of the time
	}
	switch {
	case !news:
	case err != nil:
		u.host.log.Warn("service unhealthy", "service", u.name, "error", err)
	default:
		u.host.log.Info("service healthy again", "service", u.name)
	}
	return err
}

// census is how many goroutines each service has, for all who ask within a second: to
// count them stops the world.
type census struct {
	mu     sync.Mutex
	at     time.Time
	counts map[string]int
}

func (c *census) of(h *Host) map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil || time.Since(c.at) >= time.Second {
		c.counts, c.at = h.Goroutines(), time.Now()
	}
	return c.counts
}

// writeGoroutines lists how many goroutines carry each service's label.
func (h *Host) writeGoroutines(w http.ResponseWriter) {
	counts := h.census.of(h)
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(w, "goroutines %s %d\n", name, counts[name])
	}
}
