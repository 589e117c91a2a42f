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
func New() Names { return Names{map[any]string{}, map[string]bool{}} }

// Of returns the shown name of a component, which is always the same. Two consumers
// of one queue, which say so by a method Observed, are one component with the name
// that came first. Two components of one name, such as a queue in memory and the
// durable one that will replace it, are distinguished by a mark. Summed, they would
// look like one that works.
func (n Names) Of(thing any, name string) string {
	if o, ok := thing.(interface{ Observed() any }); ok {
		thing = o.Observed()
	}
	if t := reflect.TypeOf(thing); t.Kind() != reflect.Pointer || t.Elem().Size() == 0 {
		n.taken[name] = true
		return name // no identity but its name
	}
	if known, ok := n.known[thing]; ok {
		return known
	}
	for n.taken[name] {
		name += "'"
	}
	n.known[thing], n.taken[name] = name, true
	return name
}
