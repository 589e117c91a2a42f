// Package displayname gives the queues and schedules of a program the names under
// which they are shown, the same on a page and in metrics.
package displayname

import "reflect"

// Names has the names of components of one kind, for one snapshot of a program. Use
// New to create it. It is not safe for concurrent use.
type Names struct {
	known map[any]string  // names of components that have an identity
	taken map[string]bool // names in use
}

// New returns empty Names.
func New() Names { return Sized(0) }

// Sized returns empty Names with room for n.
func Sized(n int) Names { return Names{make(map[any]string, n), make(map[string]bool, n)} }

// Reset makes them empty, and keeps their room.
func (n Names) Reset() {
	clear(n.known)
	clear(n.taken)
}

// Of returns the shown name of a component, which is always the same. Two consumers
// of one queue, which say so by a method Observed, are one component with the name
// that came first. Two components of one name, such as a queue in memory and the
// durable one that will replace it, are distinguished by a mark. Summed, they would
// look like one that works.
func (n Names) Of(thing any, name string) string {
	shown, _ := n.Meet(thing, name)
	return shown
}

// Meet returns what Of does, and reports whether the component was met before.
func (n Names) Meet(thing any, name string) (shown string, again bool) {
	if o, ok := thing.(interface{ Observed() any }); ok {
		thing = o.Observed()
	}
	if t := reflect.TypeOf(thing); t.Kind() != reflect.Pointer || t.Elem().Size() == 0 {
		return name, !n.take(name) // no identity but its name
	}
	if known, ok := n.known[thing]; ok {
		return known, true
	}
	for !n.take(name) {
		name += "'"
	}
	n.known[thing] = name
	return name, false
}

// take reports whether the name was free. It looks into the map once: there may be
// 100,000.
func (n Names) take(name string) bool {
	before := len(n.taken)
	n.taken[name] = true
	return len(n.taken) > before
}
