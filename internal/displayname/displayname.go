// Package displayname gives the queues and schedules of a program the names they are shown
// under, the same on a page and in metrics.
package displayname

import "reflect"

// Names are those of the things of one kind, in one look at a program. Make it with
// New; it is for one goroutine.
type Names struct {
	known map[any]string  // of the things that can be told apart
	taken map[string]bool // by one of them
}

// New returns Names of which none is taken.
func New() Names { return Names{map[any]string{}, map[string]bool{}} }

// Of is what a thing is shown as, which is always the same: two consumers of one
// queue, which say so by a method Observed, are one thing, and have the name that
// was given first. Two things of one name, such as a queue in memory and the durable
// one that is to replace it, are told apart by a mark: added up they would look like
// one that works.
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
