package coordinator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Errors of a wait. Test for them with errors.Is.
var (
	// ErrUnknown means that a name was never registered.
	ErrUnknown = errors.New("unknown name")
	// ErrCycle means that the wait could never end, because a member that it waits for
	// waits for the caller, perhaps through others.
	ErrCycle = errors.New("cycle")
)

// errReady is the outcome of a member that is ready; nil is "not yet" and
// anything else the failure. One interface value a name keeps ten thousand
// members cheap.
var errReady = errors.New("ready")

func isReady(outcome error) bool {
	return outcome == errReady //nolint:errorlint // this very value: a failure that wraps it is a failure
}

// Coordinator knows which of its named members are ready. The zero value works and has no
// members. It is safe for concurrent use. Only Wait and WaitAll block. A Coordinator must
// not be copied.
type Coordinator struct {
	blockedBy func(name string) []string

	mu       sync.Mutex
	outcomes map[string]error
	waiting  map[string]waits // by the name that is waited for
	waiters  map[string]waits // by the name of the one who waits
}

// New creates a Coordinator without members.
func New() *Coordinator { return new(Coordinator) }

// NewFunc creates a Coordinator for a program that starts its members in an order of its
// own, such as one after the other. blockedBy returns the members that have to become
// ready before name can begin. The search for cycles takes these into account. Without
// it, the first of two members started in sequence could wait for the second, and both
// would hang: the Coordinator would not see that the second waits for the first.
//
// blockedBy is a function and not a stored list because in a sequential start the answer
// for every member changes at every step, and it is needed only when a member waits. It
// is called on the goroutine of that wait, with no lock held. Members that it returns
// that are ready or unknown are ignored. If blockedBy is nil, members begin
// independently.
func NewFunc(blockedBy func(name string) []string) *Coordinator {
	return &Coordinator{blockedBy: blockedBy}
}

// Register adds a member that is not ready. It returns an error if name is empty or was
// registered before.
func (c *Coordinator) Register(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if name == "" {
		return errors.New("stead/coordinator: register: empty name")
	}
	if _, ok := c.outcomes[name]; ok {
		return fmt.Errorf("stead/coordinator: register %q: registered already", name)
	}
	if c.outcomes == nil {
		c.outcomes = make(map[string]error)
	}
	c.outcomes[name] = nil
	return nil
}

// Ready marks a member as ready, also after [Coordinator.Fail]. It wakes the waits that
// wait for no other member. A second call does nothing. It returns ErrUnknown if name was
// not registered.
func (c *Coordinator) Ready(name string) error {
	return c.set("ready", name, errReady)
}

// Fail marks a member as failed with err. It wakes every wait for the member with an
// error that wraps err, and later waits return that error at once. The member is no
// longer ready. Waits that have returned are not affected. After several calls, the last
// err is kept. Fail returns ErrUnknown if name was not registered, and an error if err is
// nil.
func (c *Coordinator) Fail(name string, err error) error {
	if err == nil {
		return fmt.Errorf("stead/coordinator: fail %q: needs a reason, got nil", name)
	}
	return c.set("fail", name, err)
}

// Reset marks a member as neither ready nor failed, as after [Coordinator.Register], for
// instance while it restarts. Waits for the member continue, even if it was ready when
// they began. Reset returns ErrUnknown if name was not registered.
func (c *Coordinator) Reset(name string) error { return c.set("reset", name, nil) }

func (c *Coordinator) set(verb, name string, outcome error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, ok := c.outcomes[name]
	if !ok {
		return fmt.Errorf("stead/coordinator: %s %q: %w", verb, name, ErrUnknown)
	}
	c.outcomes[name] = outcome
	for w := range c.waiting[name] { // so before is no failure: that ended them
		switch {
		case outcome != nil && !isReady(outcome):
			c.endLocked(w, failure(name, outcome))
		case isReady(outcome) && before == nil:
			if w.left--; w.left == 0 {
				c.endLocked(w, nil)
			}
		case outcome == nil && isReady(before):
			w.left++
		}
	}
	return nil
}

// Wait blocks until every name is ready, all at the same time. It returns nil at once if
// they are, even if ctx is done. Without names it returns nil. Names may repeat.
//
// Wait returns ErrUnknown if a name was never registered. If one of the members fails,
// also one that was ready, Wait returns that failure, wrapped. If ctx is done first, it
// returns an error that names the members that are not ready and wraps ctx.Err() and
// context.Cause(ctx). A Wait that returns an error has changed nothing.
//
// A member of the Coordinator should wait through [Coordinator.As] instead. The
// Coordinator does not know who calls Wait, so this wait is not part of any cycle.
func (c *Coordinator) Wait(ctx context.Context, names ...string) error {
	return c.wait(ctx, "", names)
}

// WaitAll waits like [Coordinator.Wait] for every member, including members that are
// registered meanwhile. Without members it returns nil.
func (c *Coordinator) WaitAll(ctx context.Context) error { return c.waitAll(ctx, "") }

// IsReady reports whether name is registered and ready.
func (c *Coordinator) IsReady(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return isReady(c.outcomes[name])
}

// Status is the state of one member at one moment.
type Status struct {
	Name     string
	Ready    bool
	Err      error    // why the member failed; nil if it did not
	WaitsFor []string // members that it waits for and that are not ready, sorted
}

// Status returns the state of every member, sorted by name. Print it when a start hangs.
func (c *Coordinator) Status() []Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]Status, 0, len(c.outcomes))
	for name, outcome := range c.outcomes {
		s := Status{Name: name, Err: outcome, WaitsFor: c.waitsForLocked(name)}
		if isReady(outcome) {
			s.Ready, s.Err = true, nil
		}
		slices.Sort(s.WaitsFor)
		s.WaitsFor = slices.Compact(s.WaitsFor)
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Status) int { return cmp.Compare(a.Name, b.Name) })
	return all
}
