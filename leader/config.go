package leader

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/steadgo/stead/internal/nils"
	"github.com/steadgo/stead/internal/safelog"
)

// Config configures a candidate. All candidates of a group should have the same
// values.
type Config struct {
	// Group names what only one process does at a time. It is the key of the lease,
	// and the name in logs, metrics and on the dashboard. Required: 1 to 255 bytes
	// of UTF-8 without NUL and braces.
	Group string
	// Name is the name of this candidate in the store, for people who look there,
	// such as the name of the host. It need not be unique. It has at most 255 bytes
	// of UTF-8 without NUL, and may be empty.
	Name string
	// TTL is how long a lease lasts without a renewal. After a crash of the leader
	// the next one begins within TTL and Retry. The leader renews every third of
	// it. If zero, 15 s is used. It is at least 30 ms and at most a century.
	TTL time.Duration
	// Margin is the last part of the TTL, in which the lease is no longer trusted.
	// The work has this long to return if the lease cannot be renewed, and the
	// clocks of two machines may differ by this much over one TTL. If zero, a tenth
	// of TTL is used. It must be less than half of TTL.
	Margin time.Duration
	// Retry is the maximum interval at which followers ask for the lease. They wait
	// between half of it and all of it. It bounds how long there is no leader after
	// a release. If zero, a third of TTL is used, at most 750 ms.
	Retry time.Duration
	// Grace is how long the work of [Only] may go on after the Margin of a lost
	// lease. Then the service fails, which by default stops its host. If zero, one
	// TTL is used. It is at most a century. Do and TryDo wait for their work
	// instead.
	Grace time.Duration
	// Logger receives every change of leadership and every failure of the store.
	// The services of [Only] inherit it. If nil, the logger of the host is used, or
	// none.
	Logger *slog.Logger
}

// longest keeps sums of a few durations from overflowing; int64 has 292 years.
const longest = 100 * 365 * 24 * time.Hour

// newLease checks cfg and returns its lease. For the error, verb is what the caller
// is about to do, and field what the caller names the key.
func newLease(verb, field string, store Store, cfg Config) (*lease, error) {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("stead/leader: %s %.60q: "+format, append([]any{verb, cfg.Group}, args...)...)
	}
	if nils.Is(store) {
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

// maxText bounds names and keys, in bytes. PostgreSQL has an index on keys, and
// people read them in logs and labels.
const maxText = 255

// wrongText returns what is wrong with a text for a store, or "".
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

// wrongKey is wrongText for a key. The kind of store is not known here. A group
// that one kind would reject, or split in two, is rejected for all, so that
// changing the store needs no new name. Redis Cluster uses the text between the
// first braces of a key, its hash tag, to choose a node: a further brace could put
// the lease and its fence on two nodes.
func wrongKey(s string) string {
	switch {
	case s == "":
		return "is empty"
	case strings.ContainsAny(s, "{}"):
		return "has a brace in it, which Redis would take for a hash tag"
	}
	return wrongText(s)
}
