// Package trial is what durable and durabletest know of each other: an attempt
// that no engine began.
package trial

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Queued is what a handler asked for with Then.
type Queued struct {
	Queue    string
	Item     any
	At       time.Time
	Unique   string
	Priority int
}

// Attempt notes what a handler asks for, by the rules of a real one.
type Attempt struct {
	mu        sync.Mutex
	over      bool
	completed bool
	queued    []Queued
}

type key struct{}

// With returns ctx for a handler whose attempt is a.
func With(ctx context.Context, a *Attempt) context.Context {
	return context.WithValue(ctx, key{}, a)
}

// From returns the attempt that ctx belongs to, or nil.
func From(ctx context.Context) *Attempt {
	a, _ := ctx.Value(key{}).(*Attempt)
	return a
}

type identityKey struct{}

// Identity says which attempt of which job it is, also of attempts that an engine began.
type Identity struct {
	ID     int64
	Number int
}

// WithIdentity returns ctx for the handler of that attempt.
func WithIdentity(ctx context.Context, i Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, i)
}

// IdentityOf returns the attempt that ctx belongs to.
func IdentityOf(ctx context.Context) (i Identity, ok bool) {
	i, ok = ctx.Value(identityKey{}).(Identity)
	return i, ok
}

// The rules, also of attempts that an engine began.
var (
	ErrNoHandler = errors.New("the context is not that of a running handler of these jobs; a test calls the handler with durabletest.Run")
	ErrCompleted = errors.New("CompleteTx was called before; use EnqueueTx")
	ErrThen      = errors.New("Then was called before; use EnqueueTx")
)

// Then notes what comes next.
func (a *Attempt) Then(q Queued) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.over:
		return ErrNoHandler
	case a.completed:
		return ErrCompleted
	}
	a.queued = append(a.queued, q)
	return nil
}

// Complete notes that the handler completes the job itself.
func (a *Attempt) Complete() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.over:
		return ErrNoHandler
	case len(a.queued) > 0:
		return ErrThen
	}
	a.completed = true
	return nil
}

// End ends the attempt when the handler has returned.
func (a *Attempt) End() (queued []Queued, completed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	return a.queued, a.completed
}
