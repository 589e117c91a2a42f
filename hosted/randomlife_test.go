package hosted_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// order is what an actor comes after, directly or not.
type order struct{ start, stop []*actor }

func (o order) and(p order) order {
	return order{append(slices.Clone(o.start), p.start...), append(slices.Clone(o.stop), p.stop...)}
}

// witness sees every call into the services of one random host and of those nested in
// it, and keeps what is wrong.
type witness struct {
	r       *rand.Rand // only while the host is made
	release chan struct{}

	mu     sync.Mutex
	wrong  []string
	actors []*actor
	nested map[*hosted.Host]*inside
	bad    bool // some service was made to fail, to be late or to be stuck
}

func (w *witness) wrongf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// actor is one service, or one instance of a Fresh one.
type actor struct {
	w     *witness
	path  string // outer/inner
	order order
	loop  bool
	anew  bool // it ends by itself, and is then stopped to be made anew

	hosts []*hosted.Host // that it is in, the outermost first
	// Guarded by w.mu.
	starts, ups, stops int
	in                 string          // the call that is on, "" none
	turnOver           bool            // its Stop has returned, or its deadline is over
	deadline           time.Time       // of its Stop
	late               bool            // its Start returned when its context had ended: it may have been given up
	told               bool            // its turn has begun
	turn               context.Context // of a loop: ends when its turn comes
	hooks              map[string]int
}

func (w *witness) actor(hosts []*hosted.Host, path string, o order, loop bool) *actor {
	a := &actor{w: w, hosts: hosts, path: path, order: o, loop: loop, hooks: map[string]int{}}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.actors = append(w.actors, a)
	return a
}

func (a *actor) enter(what string) {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	if a.in != "" {
		a.w.wrong = append(a.w.wrong, fmt.Sprintf("%s: %s while it is in %s", a.path, what, a.in))
	}
	a.in = what
}

func (a *actor) leave() {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	a.in = ""
}

// behave is what a call does: it returns at once or after a while, with or without an
// error, panics, ends its goroutine, obeys its context, or ignores it until the test is
// over.
func (w *witness) behave(mostlyGood int) func(ctx context.Context) error {
	d := time.Duration(w.r.IntN(4000)) * time.Millisecond
	if w.r.IntN(100) < mostlyGood {
		if w.r.IntN(3) == 0 {
			d /= 400
			return func(context.Context) error { time.Sleep(d); return nil }
		}
		return func(context.Context) error { return nil }
	}
	w.bad = true
	switch w.r.IntN(7) {
	case 0:
		return func(context.Context) error { time.Sleep(d); return errBoom }
	case 1:
		return func(context.Context) error { panic(errBoom) }
	case 2:
		return func(context.Context) error { runtime.Goexit(); return nil }
	case 3:
		return func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	case 4:
		return func(ctx context.Context) error { <-ctx.Done(); time.Sleep(d / 10); return nil }
	case 5:
		return func(context.Context) error { time.Sleep(d); return nil }
	default:
		return func(context.Context) error { <-w.release; return nil }
	}
}

// acting is the service of an actor.
type acting struct {
	*actor
	start, stop func(ctx context.Context) error
}

func (s *acting) Start(ctx context.Context) (err error) {
	s.enter("start")
	s.w.mu.Lock()
	s.starts++
	if s.starts > 1 {
		s.w.wrong = append(s.w.wrong, s.path+" was started twice")
	}
	for _, n := range s.order.start {
		if n.ups == 0 && !n.loop && !strings.HasSuffix(n.path, "#") {
			s.w.wrong = append(s.w.wrong, fmt.Sprintf("%s started before %s was up", s.path, n.path))
		}
	}
	s.w.mu.Unlock()
	err = errBoom // of a panic and of a Goexit
	defer func() {
		s.w.mu.Lock()
		if err == nil {
			s.ups++
		}
		s.late = ctx.Err() != nil
		s.w.mu.Unlock()
		s.leave()
	}()
	err = s.start(ctx)
	return err
}

func (s *acting) Stop(ctx context.Context) error {
	s.enter("stop")
	s.w.mu.Lock()
	s.stops++
	s.told = true
	if s.stops > 1 || s.ups == 0 {
		s.w.wrong = append(s.w.wrong, fmt.Sprintf("%s was stopped %d times and is up %d times", s.path, s.stops, s.ups))
	}
	s.deadline, _ = ctx.Deadline()
	s.turnComesLocked()
	s.w.mu.Unlock()
	defer func() {
		s.w.mu.Lock()
		s.turnOver = true
		s.w.mu.Unlock()
		s.leave()
	}()
	return s.stop(ctx)
}

// turnComesLocked requires that those who come after a have had their turns.
func (a *actor) turnComesLocked() {
	for _, b := range a.w.actors {
		if !slices.Contains(b.order.stop, a) || b.ups == 0 || b.turnOver {
			continue
		}
		if b.loop && b.turn.Err() != nil || b.told && over(b.deadline) {
			continue // it was given up
		}
		if b.anew && b.in == "stop" {
			continue // a restart stops it, under a deadline of its own, and its turn was over before
		}
		if !a.excusedFrom(b) {
			a.w.wrong = append(a.w.wrong, fmt.Sprintf("%s stops before %s has", a.path, b.path))
		}
	}
}

// excusedFrom is true if a is stopped for a restart, or is in a host that stops for a reason of its own, or b in one
// that was given up.
func (a *actor) excusedFrom(b *actor) bool {
	if a.anew || a.late || b.late {
		return true
	}
	for i, h := range a.hosts {
		if i >= len(b.hosts) || h != b.hosts[i] {
			if a.w.nested[h].late || h.Lifetime().Cause() != lifecycle.ErrStopRequested { //nolint:errorlint // this very one
				return true
			}
		}
	}
	for i, h := range b.hosts {
		if i >= len(a.hosts) || h != a.hosts[i] {
			end := h.Report().Deadline
			n := a.w.nested[h]
			if n.left || n.late || over(n.deadline) || over(end) || !closed(h.Lifetime().Started()) {
				return true
			}
		}
	}
	return false
}

// run is the function of a loop.
func (a *actor) run(ready bool, body func(ctx context.Context) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		a.enter("run")
		a.w.mu.Lock()
		a.ups++
		a.turn = ctx
		a.w.mu.Unlock()
		defer func() {
			a.w.mu.Lock()
			a.turnOver = true
			a.w.mu.Unlock()
			a.leave()
		}()
		if ready {
			hosted.Ready(ctx)
		}
		return body(ctx)
	}
}

// hooking is acting with the hooks, each of which is called once at most.
type hooking struct {
	*acting
	stopping func(ctx context.Context) error
}

func (s *hooking) hook(what string) error {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if s.hooks[what]++; s.hooks[what] > 1 {
		s.w.wrong = append(s.w.wrong, s.path+": "+what+" twice")
	}
	if what == "stopping" && s.stops > 0 || what == "stopped" && s.stops == 0 || what == "starting" && s.starts > 0 {
		s.w.wrong = append(s.w.wrong, s.path+": "+what+" out of order")
	}
	return nil
}

func (s *hooking) Starting(context.Context) error { return s.hook("starting") }
func (s *hooking) Started(context.Context) error  { return s.hook("started") }
func (s *hooking) Stopped(context.Context) error  { return s.hook("stopped") }
func (s *hooking) Stopping(ctx context.Context) error {
	_ = s.hook("stopping")
	return s.stopping(ctx)
}

// endingActor ends by itself after a while.
type endingActor struct {
	*acting
	done chan struct{}
	err  error
}

func (s *endingActor) Done() <-chan struct{} { return s.done }
func (s *endingActor) Err() error            { return s.err }

func over(end time.Time) bool { return !end.IsZero() && !time.Now().Before(end) }

// unreturned names the calls that are on, as a straggler of the outermost host is named.
func (w *witness) unreturned() (names []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.actors {
		if a.in != "" {
			names = append(names, strings.TrimSuffix(a.path, "#"))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
