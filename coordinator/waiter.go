package coordinator

import (
	"context"
	"slices"
)

// Waiter is a Coordinator as one of its members sees it. Because a Waiter knows who
// waits, it can refuse a wait that would never end. It has no state of its own. Any
// number of Waiters may exist. A Waiter is safe for concurrent use.
type Waiter struct {
	c    *Coordinator
	name string
}

// As returns the Waiter of a member. The name need not be registered: then the Waiter can
// wait, and nobody can wait for it.
//
// All waits of one name count together: while one goroutine of a member waits, the
// Coordinator takes the member to be unable to become ready. A member that is ready may
// wait for anything.
func (c *Coordinator) As(name string) *Waiter { return &Waiter{c, name} }

// Name returns the name given to [Coordinator.As].
func (w *Waiter) Name() string { return w.name }

// Wait waits like [Coordinator.Wait]. It returns ErrCycle with the path at once if one of
// the names waits for this member.
func (w *Waiter) Wait(ctx context.Context, names ...string) error {
	return w.c.wait(ctx, w.name, names)
}

// WaitAll waits like [Waiter.Wait] for every other member.
func (w *Waiter) WaitAll(ctx context.Context) error { return w.c.waitAll(ctx, w.name) }

// IsReady reports whether the named member is registered and ready.
func (w *Waiter) IsReady(name string) bool { return w.c.IsReady(name) }

// Ready marks this member as ready, like [Coordinator.Ready]. A host does that for its
// services.
func (w *Waiter) Ready() error { return w.c.Ready(w.name) }

// Reset marks this member as neither ready nor failed, like [Coordinator.Reset]. A host
// does that for its services.
func (w *Waiter) Reset() error { return w.c.Reset(w.name) }

// Fail marks this member as failed, like [Coordinator.Fail]. A host does that for its
// services, which return their error.
func (w *Waiter) Fail(err error) error { return w.c.Fail(w.name, err) }

// cycle returns the shortest way along waits from name back to name, or nil.
// Only members that are not ready can hold anybody up, so the way leads through
// those alone; that also makes a ready member free to wait for anybody.
func (c *Coordinator) cycle(name string) []string {
	from := make(map[string]string)
	for queue := []string{name}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, next := range c.heldUpBy(at) {
			if next == name {
				path := []string{name}
				for ; at != name; at = from[at] {
					path = append(path, at)
				}
				path = append(path, name)
				slices.Reverse(path)
				return path
			}
			if _, seen := from[next]; !seen {
				from[next] = at
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// heldUpBy returns the members, not ready themselves, that name waits for or
// cannot begin before.
func (c *Coordinator) heldUpBy(name string) []string {
	var before []string
	if c.blockedBy != nil {
		before = c.blockedBy(name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if outcome, ok := c.outcomes[name]; !ok || outcome != nil {
		return nil
	}
	all := c.waitsForLocked(name)
	for _, other := range before {
		if outcome, ok := c.outcomes[other]; ok && outcome == nil {
			all = append(all, other)
		}
	}
	return all
}

// waitsForLocked may name a member twice if two goroutines of a member wait.
func (c *Coordinator) waitsForLocked(name string) []string {
	var all []string
	for w := range c.waiters[name] {
		all = append(all, c.pendingLocked(w)...)
	}
	return all
}
