package hosted_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// namedFake is a service with the name of a queue or a job inside.
type namedFake struct {
	fake
	name string
}

func (n *namedFake) Name() string { return n.name }

// reader is one of several consumers of one queue.
type reader struct {
	namedFake
	of any
}

func (r *reader) Observed() any { return r.of }

// sliceValue is a service that cannot be compared.
type sliceValue struct {
	names []string
}

func (s sliceValue) Start(context.Context) error { return nil }
func (s sliceValue) Stop(context.Context) error  { return nil }
func (s sliceValue) Name() string                { return s.names[0] }

// empty is a service whose instances may share an address.
type empty struct{}

func (*empty) Start(context.Context) error { return nil }
func (*empty) Stop(context.Context) error  { return nil }

type watched string

func (w *watched) Name() string { return string(*w) }

func TestWhatIsWrongWithARegistrationFailsTheStartBeforeAnythingHappens(t *testing.T) {
	queue := new(int)
	cases := map[string]struct {
		cfg  hosted.Config
		add  func(h *hosted.Host)
		says []string
	}{
		"duplicate name":    {add: func(h *hosted.Host) { h.Go("a", idle); h.Go("a", idle) }, says: []string{`"a"`, "taken"}},
		"empty name":        {add: func(h *hosted.Host) { h.Go("", idle) }, says: []string{"name is empty"}},
		"nil service":       {add: func(h *hosted.Host) { h.Add("a", nil) }, says: []string{`"a"`, "nil"}},
		"typed nil service": {add: func(h *hosted.Host) { h.Add("a", (*fake)(nil)) }, says: []string{`"a"`, "nil"}},
		"typed nil HTTP":    {add: func(h *hosted.Host) { h.Add("a", (*hosted.HTTPService)(nil)) }, says: []string{`"a"`, "nil"}},
		"nil loop":          {add: func(h *hosted.Host) { h.Go("a", nil) }, says: []string{`"a"`, "nil"}},
		"nil task":          {add: func(h *hosted.Host) { h.Task("a", nil) }, says: []string{`"a"`, "nil"}},
		"nil factory":       {add: func(h *hosted.Host) { h.Add("a", hosted.Fresh(nil)) }, says: []string{`"a"`, "nil"}},
		"nil option":        {add: func(h *hosted.Host) { h.Go("a", idle, hosted.NotCritical(), nil) }, says: []string{`"a"`, "Option is nil"}},
		"same instance": {add: func(h *hosted.Host) { s := &fake{}; h.Add("a", s); h.Add("b", s) },
			says: []string{`"a"`, `"b"`, "same instance"}},
		"unknown dependency": {add: func(h *hosted.Host) { h.Go("a", idle, hosted.After("ghost")) }, says: []string{`"a"`, `"ghost"`}},
		"depends on itself":  {add: func(h *hosted.Host) { h.Go("a", idle, hosted.After("a")) }, says: []string{`"a"`, "itself"}},
		"circle": {add: func(h *hosted.Host) {
			h.Go("x", idle)
			h.Go("a", idle, hosted.After("c", "x"))
			h.Go("b", idle, hosted.After("a"))
			h.Go("c", idle, hosted.After("b"))
			h.Go("d", idle, hosted.After("c"))
		}, says: []string{"a -> c -> b -> a"}},
		"stop timeout over the budget": {cfg: hosted.Config{ShutdownTimeout: time.Second},
			add: func(h *hosted.Host) { h.Go("a", idle, hosted.StopTimeout(2*time.Second)) }, says: []string{`"a"`, "StopTimeout 2s", "1s"}},
		"stop timeout over the default budget": {
			add: func(h *hosted.Host) { h.Go("a", idle, hosted.StopTimeout(26*time.Second)) }, says: []string{`"a"`, "StopTimeout 26s", "25s"}},
		"negative stop timeout":   {add: func(h *hosted.Host) { h.Go("a", idle, hosted.StopTimeout(-1)) }, says: []string{`"a"`, "StopTimeout"}},
		"negative start timeout":  {add: func(h *hosted.Host) { h.Go("a", idle, hosted.StartTimeout(-1)) }, says: []string{`"a"`, "StartTimeout"}},
		"drain delay over budget": {cfg: hosted.Config{DrainDelay: 25 * time.Second}, says: []string{"DrainDelay 25s"}},
		"negative drain delay":    {cfg: hosted.Config{DrainDelay: -1}, says: []string{"DrainDelay"}},
		"negative StartTimeout":   {cfg: hosted.Config{StartTimeout: -1}, says: []string{"StartTimeout"}},
		"negative concurrency":    {cfg: hosted.Config{StartConcurrency: -1}, says: []string{"StartConcurrency"}},
		"negative at the stop":    {cfg: hosted.Config{StopConcurrency: -1}, says: []string{"StopConcurrency"}},
		"negative health timeout": {cfg: hosted.Config{HealthTimeout: -1}, says: []string{"HealthTimeout"}},
		"ExitWhenDone without a loop": {cfg: hosted.Config{ExitWhenDone: true},
			add: func(h *hosted.Host) { h.Add("a", &fake{}) }, says: []string{"ExitWhenDone"}},
		"restart of what starts once": {add: func(h *hosted.Host) {
			h.Add("a", &fake{}, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})))
		}, says: []string{`"a"`, "Restart"}},
		"restart of a task": {add: func(h *hosted.Host) {
			h.Task("a", idle, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{})))
		}, says: []string{`"a"`, "Restart"}},
		"restart with a cap below its first": {add: func(h *hosted.Host) {
			h.Go("a", idle, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: time.Minute, Max: time.Second})))
		}, says: []string{`"a"`, "Max"}},
		"restart with a negative window": {add: func(h *hosted.Host) {
			h.Go("a", idle, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Per: -1})))
		}, says: []string{`"a"`, "Per"}},
		"WaitReady of a service": {add: func(h *hosted.Host) { h.Add("a", &fake{}, hosted.WaitReady()) }, says: []string{`"a"`, "WaitReady"}},
		"watch nothing":          {add: func(h *hosted.Host) { h.Go("a", idle, hosted.Watch(nil)) }, says: []string{`"a"`, "Watch"}},
		"watch a typed nil":      {add: func(h *hosted.Host) { h.Go("a", idle, hosted.Watch((*watched)(nil))) }, says: []string{`"a"`, "Watch"}},
		"two queues of one name": {add: func(h *hosted.Host) {
			h.Add("a", &namedFake{name: "emails"})
			h.Add("b", &namedFake{name: "emails"})
		}, says: []string{`"b"`, `"emails"`}},
		"two readers of two queues of one name": {add: func(h *hosted.Host) {
			h.Add("a", &reader{namedFake{name: "emails"}, queue})
			h.Add("b", &reader{namedFake{name: "emails"}, new(int)})
		}, says: []string{`"b"`, `"emails"`}},
		"two values of one name that cannot be compared": {add: func(h *hosted.Host) {
			h.Add("a", sliceValue{[]string{"emails"}})
			h.Add("b", sliceValue{[]string{"emails"}})
		}, says: []string{`"b"`, `"emails"`}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var r record
			h := hosted.New(c.cfg)
			h.Add("first", tracedHooks(&r, "first"))
			if c.add != nil {
				c.add(h)
			}
			err := h.Run(t.Context())
			if err == nil {
				t.Fatal("it was accepted")
			}
			wantText(t, err.Error(), append(c.says, "stead/hosted: ")...)
			r.want(t)
			if again := h.Stop(t.Context()); !errors.Is(again, err) {
				t.Errorf("Stop returned %v", again)
			}
		})
	}
}

func TestEverythingThatIsWrongIsReportedAtOnce(t *testing.T) {
	h := hosted.New(hosted.Config{Name: "shop", DrainDelay: -1, StartTimeout: -1})
	h.Go("", idle)
	h.Go("a", idle, hosted.After("ghost"))
	h.Add("b", nil)
	err := h.Start(t.Context())
	wantText(t, err.Error(), "DrainDelay", "StartTimeout", "ghost", "name is empty", `"b"`, `"shop"`)
}

func TestWhatOnlyLooksWrongIsAccepted(t *testing.T) {
	queue := new(int)
	for name, add := range map[string]func(h *hosted.Host){
		"two instances of one type": func(h *hosted.Host) { h.Add("a", &fake{}); h.Add("b", &fake{}) },
		"two of no size":            func(h *hosted.Host) { h.Add("a", &empty{}); h.Add("b", &empty{}) },
		"one function twice":        func(h *hosted.Host) { h.Go("a", idle); h.Go("b", idle) },
		"two readers of one queue": func(h *hosted.Host) {
			h.Add("a", &reader{namedFake{name: "q"}, queue})
			h.Add("b", &reader{namedFake{name: "q"}, queue})
		},
		"values that cannot be keys":    func(h *hosted.Host) { h.Add("a", sliceValue{[]string{"x"}}); h.Add("b", sliceValue{[]string{"y"}}) },
		"two nested hosts of no name":   func(h *hosted.Host) { h.Add("a", hosted.New(hosted.Config{})); h.Add("b", hosted.New(hosted.Config{})) },
		"after one that comes later":    func(h *hosted.Host) { h.Go("a", idle, hosted.After("b")); h.Go("b", idle) },
		"after the same twice":          func(h *hosted.Host) { h.Go("b", idle); h.Go("a", idle, hosted.After("b", "b"), hosted.After("b")) },
		"a stop timeout of the budget":  func(h *hosted.Host) { h.Go("a", idle, hosted.StopTimeout(25*time.Second)) },
		"the same loop twice by Loop":   func(h *hosted.Host) { l := hosted.Loop(idle); h.Add("a", l); h.Add("b", l) },
		"a restarted loop without more": func(h *hosted.Host) { h.Go("a", idle, hosted.OnFailure(hosted.Restart(hosted.RestartConfig{}))) },
	} {
		t.Run(name, func(t *testing.T) {
			h := hosted.New(hosted.Config{})
			add(h)
			starts(t, h)
			stops(t, h)
		})
	}
}

// asking is a service whose small methods ask the host, which must therefore
// call them without holding a lock.
type asking struct {
	fake
	host *hosted.Host
}

func (a *asking) Name() string           { _ = a.host.Services(); return "asking" }
func (a *asking) Leftover() int          { return len(a.host.Services()) }
func (a *asking) Unwrap() hosted.Service { _ = a.host.Services(); return nil }

func TestNoLockIsHeldWhileAServiceIsAskedForAnything(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Add("asking", &asking{host: h})
	h.Add("nothing", &fake{})
	starts(t, h)
	_ = h.Graph()
	stops(t, h)
	if n := status(t, h, "asking").Leftover; n != 2 {
		t.Errorf("left over %d, want 2", n)
	}
}

// wrapper hides a service behind Unwrap.
type wrapper struct{ inner hosted.Service }

func (w wrapper) Start(ctx context.Context) error { return w.inner.Start(ctx) }
func (w wrapper) Stop(ctx context.Context) error  { return w.inner.Stop(ctx) }
func (w wrapper) Unwrap() hosted.Service          { return w.inner }

func TestHooksAndEndsAreFoundBehindWrappers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		h := hosted.New(hosted.Config{})
		h.Add("hooks", wrapper{wrapper{tracedHooks(&r, "s")}})
		h.Add("loop", wrapper{hosted.Loop(after(time.Second, errBoom))})
		err := h.Run(t.Context())
		wantList(t, "errors", calls(err), "run loop")
		wantIs(t, err, errBoom)
		r.want(t, "starting s", "start s", "started s", "stopping s", "stop s", "stopped s")
	})
}

func TestAServiceAddedWithoutANameHasItsOwn(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Add("", &namedFake{name: "emails"})
	inner := &namedFake{name: "inside"}
	h.Add("", &wrapping{unwrap: func() hosted.Service { return inner }})
	h.Add("", hosted.New(hosted.Config{Name: "inner"}))
	h.Add("given", &namedFake{name: "not used"})
	starts(t, h)
	var names []string
	for _, s := range h.Services() {
		names = append(names, s.Name)
	}
	if want := []string{"emails", "inside", "inner", "given"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	stops(t, h)
	for name, s := range map[string]hosted.Service{
		"none": &fake{}, "empty": &namedFake{}, "panics": sliceValue{}, "nil": (*namedFake)(nil), "loop": hosted.Loop(idle),
	} {
		h := hosted.New(hosted.Config{})
		h.Add("", s)
		if err := h.Start(t.Context()); err == nil {
			t.Errorf("%s: it started", name)
		}
	}
}

// slowName is a service that says its name after a stall of the machine.
type slowName struct{ namedFake }

func (s *slowName) Name() string { time.Sleep(time.Second); return s.name }

func TestANameThatIsToldLateIsNotLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Add("", &slowName{namedFake{name: "emails"}})
		starts(t, h)
		wantState(t, h, "emails", lifecycle.Running)
	})
}
