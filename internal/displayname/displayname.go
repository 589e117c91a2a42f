// Package displayname gives the queues and schedules of a program the names under
// which they are shown, the same on a page and in metrics.
package displayname

import "reflect"

// Names has the names of components of one kind, for one snapshot of a program. Use
// New to create it. It is not safe for concurrent use.
type Names struct {
	known map[any]string  // names of components that have an identity
	taken map[string]bool // names in use
	met   []meeting       // in order, all that the maps are of
	now   int             // how many of met this snapshot has met; the rest is of the one before
}

// meeting is a component as it was met, and what it was called.
type meeting struct {
	thing any // nil if it has no identity but its name
	name  string
	shown string
	again bool
}

// New returns empty Names.
func New() *Names { return &Names{known: map[any]string{}, taken: map[string]bool{}} }

// Grow makes room for n in empty Names.
func (n *Names) Grow(room int) {
	if len(n.met) == 0 {
		*n = Names{make(map[any]string, room), make(map[string]bool, room), make([]meeting, 0, room), 0}
	}
}

// Reset begins the next snapshot. While that meets the same components in the same order
// as the last, it finds their names without looking for them: there may be 100,000.
func (n *Names) Reset() {
	n.forget()
	n.now = 0
}

// forget leaves nothing but what this snapshot has met.
func (n *Names) forget() {
	if n.now == len(n.met) {
		return
	}
	clear(n.met[n.now:])
	n.met = n.met[:n.now]
	clear(n.known)
	clear(n.taken)
	for _, m := range n.met {
		n.taken[m.shown] = true
		if m.thing != nil {
			n.known[m.thing] = m.shown
		}
	}
}

// Of returns the shown name of a component, which is always the same. Two consumers
// of one queue, which say so by a method Observed, are one component with the name
// that came first. Two components of one name, such as a queue in memory and the
// durable one that will replace it, are distinguished by a mark. Summed, they would
// look like one that works.
func (n *Names) Of(thing any, name string) string {
	shown, _ := n.Meet(thing, name)
	return shown
}

// Meet returns what Of does, and reports whether the component was met before.
func (n *Names) Meet(thing any, name string) (shown string, again bool) {
	if o, ok := thing.(interface{ Observed() any }); ok {
		thing = o.Observed()
	}
	if t := reflect.TypeOf(thing); t.Kind() != reflect.Pointer || t.Elem().Size() == 0 {
		thing = nil
	}
	if n.now < len(n.met) {
		if m := &n.met[n.now]; m.thing == thing && m.name == name {
			n.now++
			return m.shown, m.again
		}
		n.forget()
	}
	shown, again = n.find(thing, name)
	n.met = append(n.met, meeting{thing, name, shown, again})
	n.now++
	return shown, again
}

func (n *Names) find(thing any, name string) (shown string, again bool) {
	if thing == nil {
		return name, !n.take(name)
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

// take reports whether the name was free. It looks into the map once.
func (n *Names) take(name string) bool {
	before := len(n.taken)
	n.taken[name] = true
	return len(n.taken) > before
}
