package durable

import (
	"context"
	"sync"
	"time"

	"github.com/steadgo/stead/internal/guard"
)

// A page or a scrape asks the store for one thing at most this often, and waits at most
// this long: it must neither load the store nor hang while the store is unreachable.
const (
	glanceAge  = time.Second
	glanceWait = time.Second
)

// glance is what the store last said about one thing.
type glance[T any] struct {
	mu    sync.Mutex
	asked time.Time
	at    time.Time // when last was asked for; zero if there was no answer yet
	last  T
}

// look returns what is known and asks the store first if that is old. While one
// asks, the others get what was known before. Nothing is forgotten when the store
// does not answer.
func (g *glance[T]) look(ask func(context.Context) (T, error)) T {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := time.Now(); g.asked.IsZero() || now.Sub(g.asked) >= glanceAge {
		g.asked = now
		g.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), glanceWait)
		var fresh T
		err := guard.Call(func() (err error) {
			fresh, err = ask(ctx)
			return err
		})
		cancel()
		g.mu.Lock()
		if err == nil {
			g.last, g.at = fresh, now
		}
	}
	return g.last
}

// age returns when the store last said what look returns, or zero if it never did.
func (g *glance[T]) age() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.at
}

// forget makes the next look ask: something was changed from here.
func (g *glance[T]) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = time.Time{}
}
