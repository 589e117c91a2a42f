package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// wait is one call of Wait that has something to wait for.
type wait struct {
	by    string   // who waits; empty if that is not known
	names []string // whom for, each once
	left  int      // how many of them are not ready
	done  chan struct{}
	err   error // set before done is closed
}

// waits is a set, so that a wait that ends early leaves in constant time however
// many others wait for the same name.
type waits map[*wait]struct{}

func (c *Coordinator) wait(ctx context.Context, by string, names []string) error {
	w, err := c.join(by, names)
	if w == nil {
		return err
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return c.leave(ctx, w)
	}
}

func (c *Coordinator) waitAll(ctx context.Context, by string) error {
	for {
		names, ready := c.othersThan(by)
		if ready {
			return nil
		}
		if err := c.wait(ctx, by, names); err != nil {
			return err
		}
	}
}

// join adds a wait, or returns none and how it ended already. The search for a
// cycle comes after the wait is listed: of two waits that close a cycle
// between them, the later to enter finds the earlier. It follows that both may be
// refused if they come at the same time; keeping one of them alive would need a
// lock around the search, and with it around the caller's function.
func (c *Coordinator) join(by string, names []string) (*wait, error) {
	w, err := c.add(by, names)
	if w == nil || by == "" {
		return w, err
	}
	path := c.cycle(by)
	if path == nil {
		return w, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !w.ended() { // else a member became ready, or failed, during the search
		c.endLocked(w, fmt.Errorf("stead/coordinator: wait: %w: %s", ErrCycle, listed(path, " -> ")))
	}
	return nil, w.err
}

func (c *Coordinator) add(by string, names []string) (*wait, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pending := false
	var failed error
	for _, name := range names {
		outcome, ok := c.outcomes[name]
		switch {
		case !ok: // before any failure: this one is a mistake in the program
			return nil, fmt.Errorf("stead/coordinator: wait: %q: %w", name, ErrUnknown)
		case outcome == nil:
			pending = true
		case !isReady(outcome) && failed == nil:
			failed = failure(name, outcome)
		}
	}
	if failed != nil || !pending {
		return nil, failed
	}
	w := &wait{by: by, done: make(chan struct{})}
	for _, name := range names {
		if into(&c.waiting, name, w) {
			w.names = append(w.names, name)
			if c.outcomes[name] == nil {
				w.left++
			}
		}
	}
	if by != "" {
		into(&c.waiters, by, w)
	}
	return w, nil
}

// leave ends a wait whose context is done, unless an outcome came first.
func (c *Coordinator) leave(ctx context.Context, w *wait) error {
	// Not under the lock: the cause may ask the coordinator.
	reason := ctx.Err()
	if cause := context.Cause(ctx); !errors.Is(reason, cause) {
		reason = fmt.Errorf("%w: %w", reason, cause)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.ended() {
		return w.err
	}
	missing := c.pendingLocked(w)
	slices.Sort(missing)
	c.endLocked(w, &notReadyError{listed(missing, ", "), reason})
	return w.err
}

// notReadyError is a wait whose context was done first. As failedError it asks for a text when it is
// asked for its own.
type notReadyError struct {
	names string
	why   error
}

func (n *notReadyError) Error() string {
	return fmt.Sprintf("stead/coordinator: wait: not ready: %s: %v", n.names, n.why)
}

func (n *notReadyError) Unwrap() error { return n.why }

func (c *Coordinator) pendingLocked(w *wait) []string {
	var names []string
	for _, name := range w.names {
		if c.outcomes[name] == nil {
			names = append(names, name)
		}
	}
	return names
}

func (w *wait) ended() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// endLocked removes a wait and wakes its caller. Every wait
// ends here exactly once: a wait that is listed has not ended.
func (c *Coordinator) endLocked(w *wait, err error) {
	for _, name := range w.names {
		outOf(c.waiting, name, w)
	}
	outOf(c.waiters, w.by, w)
	w.err = err
	close(w.done)
}

func into(sets *map[string]waits, name string, w *wait) (added bool) {
	if *sets == nil {
		*sets = make(map[string]waits)
	}
	set := (*sets)[name]
	if set == nil {
		set = make(waits, 1)
		(*sets)[name] = set
	}
	_, twice := set[w]
	set[w] = struct{}{}
	return !twice
}

func outOf(sets map[string]waits, name string, w *wait) {
	delete(sets[name], w)
	if len(sets[name]) == 0 {
		delete(sets, name)
	}
}

func (c *Coordinator) othersThan(by string) (names []string, ready bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ready = true
	for name, outcome := range c.outcomes {
		if name != by {
			names = append(names, name)
			ready = ready && isReady(outcome)
		}
	}
	slices.Sort(names) // of several failures the same one is always reported
	return names, ready
}

func failure(name string, err error) error { return &failedError{name, err} }

// failedError asks the error for its text only when it is asked for its own: it is made
// under the lock, and the error may ask the coordinator.
type failedError struct {
	name string
	err  error
}

func (f *failedError) Error() string {
	return fmt.Sprintf("stead/coordinator: wait: %q failed: %v", f.name, f.err)
}

func (f *failedError) Unwrap() error { return f.err }

// mostNames bounds the names in one message: an error is read by people.
const mostNames = 12

func listed(names []string, sep string) string {
	if len(names) <= mostNames {
		return strings.Join(names, sep)
	}
	half := mostNames / 2
	return fmt.Sprintf("%s%s(%d more)%s%s", strings.Join(names[:half], sep), sep,
		len(names)-2*half, sep, strings.Join(names[len(names)-half:], sep))
}
