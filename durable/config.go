package durable

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// Mode is what one process does with the jobs.
type Mode int

// A zero Mode enqueues and works.
const (
	EnqueueAndWork Mode = iota
	EnqueueOnly         // enqueues, never takes a job: a web tier
	WorkOnly            // takes jobs, refuses Enqueue with ErrWorkOnly: a worker tier
)

// Config describes [Jobs]. The zero value works.
type Config struct {
	// Name is used in errors and logs. Empty means "jobs".
	Name string

	// Mode is what this process does: both (the zero value), or one of the two.
	Mode Mode

	// FetchCooldown is the least time between two fetches of a queue. It caps the
	// throughput at Concurrency per cooldown. 0 means 10 ms; the least is 1 ms.
	FetchCooldown time.Duration

	// PollInterval is how often the process asks the store when the next jobs of its
	// queues are due. If zero, 1 s is used. It is at least FetchCooldown.
	PollInterval time.Duration

	// KeepCompleted is how long completed jobs stay visible, of queues that do not say
	// it themselves. 0 means 24 h.
	KeepCompleted time.Duration

	// KeepFailed is how long jobs that gave up or were canceled stay visible and can be
	// retried. If zero, 30 days are used.
	KeepFailed time.Duration

	// KeepAudit is how long an entry of the audit trail stays in the store, see
	// [Jobs.AuditTrail]. Of several processes the one with the least decides. If zero, 90
	// days are used.
	KeepAudit time.Duration

	// RescueAfter is how old an attempt of this process has to be to count as lost, if the
	// process was not seen for a minute (for RescueAfter, if that is less), so that its job
	// is run again. The store tells it to the others. 0 means the longest timeout of the
	// queues here (half a minute more where there is a RateLimit, and where there is a
	// Limit), at least one minute, and a minute more. Less than the longest timeout and a
	// second fails the first use.
	RescueAfter time.Duration

	// Limit bounds how many handlers run at a time in this process, over all queues and
	// whatever else has the same Limit: other jobs, workers of channelq, schedulers of
	// package periodic. A *semaphore.Weighted of golang.org/x/sync is one. A job acquires
	// 1 before its attempt and its Timeout begin, and releases it when the handler has
	// returned. While it waits it holds one of the Concurrency of its queue and, over all
	// processes, its Key and GlobalLimit, and is shown as running by the store. A job that
	// has waited for half a minute goes back to the store as it was, for any process, as
	// all do at a stop. A queue with a RateLimit waits for that while it holds the Limit.
	// If nil, there is no limit.
	Limit interface {
		Acquire(ctx context.Context, n int64) error
		Release(n int64)
	}

	// Middleware and Hooks are River's own, of any kind, such as otelriver. They see jobs as
	// River has them, with kind, metadata and JSON. The first of the list is called first,
	// and is the outermost. A Middleware that is a rivertype.Hook too is also installed as
	// one. Around an attempt they see what this package does beside calling the handler,
	// such as waiting for the RateLimit. They must not set the unique key of a job.
	Middleware []rivertype.Middleware
	Hooks      []rivertype.Hook

	// Logger gets an Info when the jobs start and stop, a Warn for a retry and a slow
	// stop, and an Error for a job that gave up. The engine's warnings and errors are passed
	// on. Its routine messages, and what a stop causes, are Debug. If nil, the host's logger
	// is used, or none.
	Logger *slog.Logger
}

func (c *Config) fill() error {
	if c.Name == "" {
		c.Name = "jobs"
	}
	for _, f := range []struct {
		name     string
		d        *time.Duration
		fallback time.Duration
	}{
		{"FetchCooldown", &c.FetchCooldown, 10 * time.Millisecond},
		{"PollInterval", &c.PollInterval, time.Second},
		{"KeepCompleted", &c.KeepCompleted, 24 * time.Hour},
		{"KeepFailed", &c.KeepFailed, 30 * 24 * time.Hour},
		{"KeepAudit", &c.KeepAudit, 90 * 24 * time.Hour},
		{"RescueAfter", &c.RescueAfter, 0},
	} {
		switch {
		case *f.d < 0:
			return fmt.Errorf("%s is negative: %v", f.name, *f.d)
		case *f.d == 0:
			*f.d = f.fallback
		}
	}
	switch {
	case c.Mode < EnqueueAndWork || c.Mode > WorkOnly:
		return fmt.Errorf("Mode is unknown: %d", c.Mode)
	case c.FetchCooldown < time.Millisecond:
		return fmt.Errorf("FetchCooldown is less than 1ms: %v", c.FetchCooldown)
	}
	for i, m := range c.Middleware {
		if m == nil {
			return fmt.Errorf("Middleware[%d] is nil", i)
		}
	}
	for i, h := range c.Hooks {
		if h == nil {
			return fmt.Errorf("Hooks[%d] is nil", i)
		}
	}
	c.PollInterval = max(c.PollInterval, c.FetchCooldown)
	return nil
}

func (c *Config) hooks() []rivertype.Hook {
	all := slices.Clone(c.Hooks)
	for _, m := range c.Middleware {
		if h, ok := m.(rivertype.Hook); ok {
			all = append(all, h)
		}
	}
	return all
}
