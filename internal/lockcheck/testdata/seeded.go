// Package seeded has what lockcheck is to find, and what it is not.
package seeded

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
)

var errOurs = errors.New("ours")

type box struct {
	mu   sync.Mutex
	err  error
	conn net.Conn
	then func()
	log  *slog.Logger
}

func (b *box) deferred(err error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return errors.Is(b.err, err) // FOUND box.deferred: errors.Is
}

func (b *box) unlocked(err error) bool {
	b.mu.Lock()
	last := b.err
	b.mu.Unlock()
	return errors.Is(last, err)
}

func (b *box) branch(c bool) {
	b.mu.Lock()
	if c {
		b.mu.Unlock()
		b.then()
		return
	}
	b.then() // FOUND box.branch: callback then
	b.mu.Unlock()
	b.then()
}

func (b *box) sayLocked() {
	b.log.Info("hello") // FOUND box.sayLocked: log/slog.Info
}

func (b *box) text() string { return fmt.Sprintf("%v %v", errOurs, b.err) }

func (b *box) follows() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = fmt.Errorf("ours: %w", errOurs)
	return b.text() // FOUND box.follows: box.text, which leads to fmt.Sprintf of an error
}

func (b *box) method() {
	b.mu.Lock()
	switch {
	case b.conn == nil:
		b.mu.Unlock()
	default:
		_ = b.conn.Close() // FOUND box.method: net.Conn.Close
		b.mu.Unlock()
	}
	_ = b.conn.Close()
}

func (b *box) literal(all []error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	go func() { b.then() }()
	return slices.ContainsFunc(all, func(err error) bool {
		return err.Error() == "" // FOUND box.literal: error.Error
	})
}
