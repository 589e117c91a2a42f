package leader

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/steadgo/stead/internal/safelog"
)

// Config says what a candidate stands for and how long its lease lasts. All
// candidates of a group should have the same.
type Config struct {
	// Group names what only one process does at a time: the key of the lease, and
	// the name in logs, metrics and on the dashboard. Required: 1 to 255 bytes of
	// UTF-8 with neither a NUL nor a brace.
	Group string
	// Name of this candidate, such as the host's, for people who look into the
	// store. Empty: none. It needs not be unique. At most 255 bytes of UTF-8
	// without a NUL.
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

// longest keeps sums of a few durations from overflowing: int64 has 292 years.
const longest = 100 * 365 * 24 * time.Hour

// newLease checks cfg; verb is what the caller is about to do, and field what it
// calls the key, for the error.
func newLease(verb, field string, store Store, cfg Config) (*lease, error) {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("stead/leader: %s %.60q: "+format, append([]any{verb, cfg.Group}, args...)...)
	}
	if store == nil {
		return nil, bad("the store is nil")
	}
	if wrong := wrongKey(cfg.Group); wrong != "" {
		return nil, bad("%s %s", field, wrong)
	}
	if wrong := wrongText(cfg.Name); wrong != "" {
		return nil, bad("Name %s", wrong)
	}
	l := &lease{
		store: store, key: cfg.Group,
		ttl: orElse(cfg.TTL, 15*time.Second),
		log: safelog.NewLog(cfg.Logger), now: time.Now,
	}
	l.margin = orElse(cfg.Margin, l.ttl/10)
	l.retry = orElse(cfg.Retry, min(l.ttl/3, 750*time.Millisecond))
	if cfg.Name != "" {
		l.name = cfg.Name + " "
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

func orElse(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// maxText bounds names and keys, in bytes: PostgreSQL has an index over keys, and
// people read them in logs and on labels.
const maxText = 255

// wrongText says what is wrong with a text that goes into a store; "" is nothing.
func wrongText(s string) string {
	switch {
	case len(s) > maxText:
		return fmt.Sprintf("has %d bytes, more than %d", len(s), maxText)
	case !utf8.ValidString(s):
		return "is not UTF-8"
	case strings.ContainsRune(s, 0):
		return "has a NUL in it"
	}
	return ""
}

// wrongKey is the same for a key. The store is not known here: a group that one of
// them would refuse, or split in two, is refused for all, so that another store is
// one line and no new name. Redis Cluster takes what stands between the first
// braces of a key, its hash tag, to choose a node: one more brace could put the
// lease and its fence on two.
func wrongKey(s string) string {
	switch {
	case s == "":
		return "is empty"
	case strings.ContainsAny(s, "{}"):
		return "has a brace in it, which Redis would take for a hash tag"
	}
	return wrongText(s)
}
