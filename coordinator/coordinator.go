package coordinator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// What a wait can be refused with. Test for them with errors.Is.
var (
	// ErrUnknown says that a name was never registered.
	ErrUnknown = errors.New("unknown name")
	// ErrCycle says that the wait could not end, because one of those waited for
	// waits, perhaps through others, for the one who asked.
	ErrCycle = errors.New("cycle")
)

// errReady is the outcome of a member that is ready; nil is "not yet" and
// anything else the failure. One interface value a name keeps ten thousand
// members cheap.
var errReady = errors.New("ready")

func isReady(outcome error) bool {
	return outcome == errReady //nolint:errorlint // this very value: a failure that wraps it is a failure
}

// Coordinator knows which of its named members are ready. The zero value works
// and has no members. All methods may be called from any goroutine; only Wait
// and WaitAll block. A Coordinator must not be copied.
type Coordinator struct {
	blockedBy func(name string) []string

	mu       sync.Mutex
	outcomes map[string]error
	waiting  map[string]waits // by the name that is waited for
	waiters  map[string]waits // by the name of the one who waits
}

// New returns a Coordinator without members.
func New() *Coordinator { return new(Coordinator) }

// NewFunc is [New] for a program that starts its members in an order of its own,
// such as one after the other: blockedBy says which members have to become ready
// before name can even begin, and a wait takes part in the search for cycles
// together with these. Without it, the first of two members started in sequence
// could wait for the second and both would hang: nobody waits for the first as
// far as a Coordinator can see.
//
// It is a function and not a stored list because with a sequential start the
// answer for every member changes at every step, while it is wanted only when
// somebody waits. It is called on the goroutine of that wait, with no lock held.
// Members it returns that are ready or unknown are ignored; a nil function means
// that members begin independently.
func NewFunc(blockedBy func(name string) []string) *Coordinator {
	return &Coordinator{blockedBy: blockedBy}
}

// Register declares a member that is not ready yet. An empty name, or one that
// is there already, is an error.
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

// Ready marks a member as ready and lets those go who wait only for it. A second
// call does nothing. After [Coordinator.Fail] it makes the member ready again.
// The error is ErrUnknown if name was not registered.
func (c *Coordinator) Ready(name string) error {
	return c.settle("ready", name, errReady)
}

// Fail marks a member as failed, with the reason, and wakes everybody who waits
// for it with an error that wraps err. Later waits get the same at once. A
// member that was ready is no longer; waits that are over are not affected. The
// last reason counts. A nil err is refused; the other error is ErrUnknown.
func (c *Coordinator) Fail(name string, err error) error {
	if err == nil {
		return fmt.Errorf("stead/coordinator: fail %q: needs a reason, got nil", name)
	}
	return c.settle("fail", name, err)
}

// Reset makes a member what it was when it was registered: neither ready nor failed,
// as while it is started again. Waits for it that are on go on, also if it was ready
// when they began. The error is ErrUnknown if name was not registered.
func (c *Coordinator) Reset(name string) error { return c.settle("reset", name, nil) }

func (c *Coordinator) settle(verb, name string, outcome error) error {
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

// Wait blocks until every name is ready, all at the same time, and then returns nil,
// at once if they are already, even with a ctx that is done. Without names it returns
// nil.
//
// Otherwise it returns, having changed nothing: ErrUnknown for a name that was
// never registered; the failure of the first of them to fail, wrapped, also of one
// that was ready; or, when ctx ends first, an error that names those not ready and wraps ctx.Err() and
// context.Cause(ctx). Names may repeat.
//
// A member of the Coordinator should wait through [Coordinator.As] instead: of
// this wait nobody knows whose it is, so it is not part of any cycle.
func (c *Coordinator) Wait(ctx context.Context, names ...string) error {
	return c.wait(ctx, "", names)
}

// WaitAll waits as [Coordinator.Wait] does for every member, those registered
// while it waits included. Without members it returns nil.
func (c *Coordinator) WaitAll(ctx context.Context) error { return c.waitAll(ctx, "") }

// IsReady reports whether name is registered and ready.
func (c *Coordinator) IsReady(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return isReady(c.outcomes[name])
}

// Status is one member at one moment.
type Status struct {
	Name     string
	Ready    bool
	Err      error    // why it failed; nil if it did not
	WaitsFor []string // whom it waits for right now and who is not ready, sorted
}

// Status returns every member, sorted by name: the picture to print when a start
// hangs.
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
