package leader

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/steadgo/stead/internal/safelog"
)

// Config says what a candidate stands for and how long its lease lasts. All
// candidates of a group should have the same.
type Config struct {
	// Group names what only one process does at a time: the key of the lease, and
	// the name in logs, metrics and on the dashboard. Required.
	Group string
	// Name of this candidate, for people who look into the store. Empty: none. It
	// needs not be unique.
	Name string
	// TTL is how long a lease lasts that is not renewed: after a crash of the
	// leader the next one begins within TTL and Retry. The leader renews every
	// third of it. 0: 15 s. At least 30 ms, at most a century.
	TTL time.Duration
	// Margin is the last part of the TTL, in which the lease is no longer trusted:
	// how long work has to return when the lease cannot be renewed, and what the
	// clocks of two machines may differ by over one TTL. 0: a tenth of TTL. Less
	// than half of TTL.
	Margin time.Duration
	// Retry is how often at most those who do not have the lease ask for it; they
	// wait between a half of it and all of it. It bounds how long nobody leads
	// after a release. 0: a third of TTL, at most 750 ms.
	Retry time.Duration
	// Grace is how long the work of [Only] may go on after the Margin when it has
	// lost the lead; then the service fails, which by default stops its host. 0:
	// one TTL; at most a century. Do and TryDo wait for their work.
	Grace time.Duration
	// Logger gets every change of the lead and every failure of the store, and is
	// inherited by the services of [Only]. nil: that of the host; without one, it
	// discards.
	Logger *slog.Logger
}

// longest keeps sums of durations from overflowing.
const longest = 100 * 365 * 24 * time.Hour

// newLease checks cfg; verb is what the caller is about to do, for the error.
func newLease(verb string, store Store, cfg Config) (*lease, error) {
	if store == nil {
		return nil, fmt.Errorf("stead/leader: %s %q: the store is nil", verb, cfg.Group)
	}
	if cfg.Group == "" {
		return nil, fmt.Errorf("stead/leader: %s %q: Group is empty", verb, cfg.Group)
	}
	l := &lease{
		store: store, key: cfg.Group, ttl: cfg.TTL, margin: cfg.Margin, retry: cfg.Retry,
		log: safelog.NewLog(cfg.Logger), now: time.Now,
	}
	if cfg.Name != "" {
		l.name = cfg.Name + " "
	}
	if l.ttl == 0 {
		l.ttl = 15 * time.Second
	}
	if l.margin == 0 {
		l.margin = l.ttl / 10
	}
	if l.retry == 0 {
		l.retry = min(l.ttl/3, 750*time.Millisecond)
	}
	bad := func(format string, args ...any) error {
		return fmt.Errorf("stead/leader: %s %q: "+format, append([]any{verb, cfg.Group}, args...)...)
	}
	switch {
	case l.ttl < 30*time.Millisecond:
		return nil, bad("TTL is %v, which is less than 30 ms", l.ttl)
	case l.margin < 0 || l.margin >= l.ttl-l.margin:
		return nil, bad("Margin is %v, which is not less than half of the TTL of %v", l.margin, l.ttl)
	case l.retry < 0:
		return nil, bad("Retry is negative: %v", l.retry)
	case cfg.Grace < 0:
		return nil, bad("Grace is negative: %v", cfg.Grace)
	case l.ttl > longest || cfg.Grace > longest:
		return nil, bad("TTL or Grace is more than a century: %v, %v", l.ttl, cfg.Grace)
	}
	return l, nil
}
