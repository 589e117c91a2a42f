package hosted

import (
	"errors"
	"fmt"
	"reflect"
	"time"
)

// validate reports everything that is wrong with the registrations and returns
// the units in the order of the start. It runs when nothing can be added any
// more and asks services for their names, so it holds no lock.
func (h *Host) validate() ([]*unit, error) {
	errs := append([]error(nil), h.problems...)
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("stead/hosted: config %q: "+format, append([]any{h.cfg.Name}, args...)...))
	}
	if h.cfg.DrainDelay < 0 {
		fail("DrainDelay is negative: %v", h.cfg.DrainDelay)
	}
	if h.cfg.ShutdownTimeout > 0 && h.cfg.DrainDelay >= h.cfg.ShutdownTimeout {
		fail("DrainDelay %v leaves nothing of ShutdownTimeout %v", h.cfg.DrainDelay, h.cfg.ShutdownTimeout)
	}
	if h.cfg.StartTimeout < 0 {
		fail("StartTimeout is negative: %v", h.cfg.StartTimeout)
	}
	if h.cfg.StartConcurrency < 0 {
		fail("StartConcurrency is negative: %d", h.cfg.StartConcurrency)
	}
	if h.cfg.StopConcurrency < 0 {
		fail("StopConcurrency is negative: %d", h.cfg.StopConcurrency)
	}
	if h.cfg.HealthTimeout < 0 {
		fail("HealthTimeout is negative: %v", h.cfg.HealthTimeout)
	}
	if h.cfg.ExitWhenDone && h.loops == 0 {
		fail("ExitWhenDone needs a loop")
	}
	errs = append(errs, h.index()...)
	errs = append(errs, h.twicePresent()...)
	order, err := sortUnits(h.units, h.byName)
	return order, join(append(errs, err)...)
}

// index makes byName, all at once because a map that grows costs more than the
// services in it, and finds names that were given twice.
func (h *Host) index() (errs []error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.byName = make(map[string]*unit, len(h.units))
	for i, u := range h.units {
		h.byName[u.name] = u
		if len(h.byName)+len(errs) == i {
			errs = append(errs, &ServiceError{Service: u.name, Op: "add", Err: errors.New("the name is taken")})
		}
	}
	return errs
}

// nameTimeout is longer than a moment: a name that is not told in time fails the start, and a
// process that is short of CPU at its start may have none for some tenths of a second.
const nameTimeout = 5 * time.Second

// twicePresent finds one instance under two names, and two queues or two
// jobs of one name, which would be one line in every metric.
func (h *Host) twicePresent() (errs []error) {
	type key struct{ kind, name string }
	instances := map[any]string{}
	components := map[key]any{}
	for _, u := range h.units {
		if u.loop != nil {
			continue // a function may well run twice
		}
		if r := reflect.ValueOf(u.service); r.Kind() == reflect.Pointer && r.Type().Elem().Size() > 0 {
			if other, ok := instances[u.service]; ok {
				errs = append(errs, &ServiceError{Service: u.name, Op: "add", Err: fmt.Errorf("the same instance was added as %q", other)})
			}
			instances[u.service] = u.name
		}
		c, ok := find[named](u)
		if !ok {
			continue
		}
		if _, nested := any(c).(*Host); nested {
			continue // neither queue nor job, and all without a name share the default
		}
		name, err := within(nameTimeout, c.Name)
		var self any = c
		if o, ok := c.(interface{ Observed() any }); ok && err == nil {
			self, err = within(nameTimeout, o.Observed) // several consumers of one queue are one queue
		}
		if err != nil {
			errs = append(errs, &ServiceError{Service: u.name, Op: "add", Err: fmt.Errorf("it was asked for its name: %w", err)})
			continue
		}
		k := key{reflect.Indirect(reflect.ValueOf(c)).Type().PkgPath(), name}
		if other, ok := components[k]; ok && !same(other, self) {
			errs = append(errs, &ServiceError{Service: u.name, Op: "add", Err: fmt.Errorf("another %T is named %q", other, name)})
		}
		components[k] = self
	}
	return errs
}

// same is a == b for values that may be of a kind that cannot be compared.
func same(a, b any) bool {
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.ValueOf(a).Comparable() && a == b
}
