package hosted

import (
	"container/heap"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// links are the place in the graph of a unit that has any.
type links struct {
	needs  []*unit // those it comes after
	needed []*unit // the ones that come after it
}

func (u *unit) link() *links {
	if u.links == nil {
		u.links = &links{}
	}
	return u.links
}

func (u *unit) needs() []*unit {
	if u.links == nil {
		return nil
	}
	return u.links.needs
}

func (u *unit) needed() []*unit {
	if u.links == nil {
		return nil
	}
	return u.links.needed
}

// sortUnits resolves After and returns the units in the order of the start: as
// registered, except that a unit waits until those it comes after are out. It
// fills the links of every unit.
func sortUnits(units []*unit, byName map[string]*unit) ([]*unit, error) {
	var errs []error
	edges := 0
	for i, u := range units {
		u.rank, u.links = i, nil
	}
	for _, u := range units {
		for _, name := range u.after {
			before := byName[name]
			switch {
			case before == nil:
				errs = append(errs, &ServiceError{Service: u.name, Op: "add", Err: fmt.Errorf("After unknown service %q", name)})
			case before == u:
				errs = append(errs, &ServiceError{Service: u.name, Op: "add", Err: errors.New("After itself")})
			case !slices.Contains(u.needs(), before):
				u.link().needs = append(u.link().needs, before)
				before.link().needed = append(before.link().needed, u)
				edges++
			}
		}
	}
	if len(errs) > 0 {
		return nil, join(errs...)
	}
	order := units
	if edges > 0 {
		order = topological(units)
	}
	if len(order) < len(units) {
		return nil, fmt.Errorf("stead/hosted: After goes in a circle: %s", strings.Join(circle(units, order), " -> "))
	}
	for i, u := range order {
		u.rank = i
	}
	return order, nil
}

// topological is Kahn's algorithm that always takes the unit registered first
// among those whose needs are out. Units on a circle are left out.
func topological(units []*unit) []*unit {
	open := make([]int, len(units)) // needs that are not out, by rank
	ready := &byRank{}
	for i, u := range units {
		if open[i] = len(u.needs()); open[i] == 0 {
			*ready = append(*ready, u)
		}
	}
	order := make([]*unit, 0, len(units))
	for ready.Len() > 0 {
		u := heap.Pop(ready).(*unit)
		order = append(order, u)
		for _, next := range u.needed() {
			if open[next.rank]--; open[next.rank] == 0 {
				heap.Push(ready, next)
			}
		}
	}
	return order
}

// circle finds the names along one circle among the units that did not come
// out: each of them needs another of them, so following needs must come back.
func circle(units, out []*unit) []string {
	ordered := make(map[*unit]bool, len(out))
	for _, u := range out {
		ordered[u] = true
	}
	u := units[slices.IndexFunc(units, func(u *unit) bool { return !ordered[u] })]
	var names []string
	for !slices.Contains(names, u.name) {
		names = append(names, u.name)
		u = u.needs()[slices.IndexFunc(u.needs(), func(u *unit) bool { return !ordered[u] })]
	}
	return append(names[slices.Index(names, u.name):], u.name)
}

type byRank []*unit

func (q *byRank) Len() int           { return len(*q) }
func (q *byRank) Less(i, j int) bool { return (*q)[i].rank < (*q)[j].rank }
func (q *byRank) Swap(i, j int)      { (*q)[i], (*q)[j] = (*q)[j], (*q)[i] }
func (q *byRank) Push(x any)         { *q = append(*q, x.(*unit)) }
func (q *byRank) Pop() any {
	last := len(*q) - 1
	u := (*q)[last]
	*q = (*q)[:last]
	return u
}

// Graph returns the services, their states and what they come after as a Mermaid
// flowchart: https://mermaid.js.org/syntax/flowchart.html. It is safe for concurrent use.
func (h *Host) Graph() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	ids := make(map[string]int, len(h.units))
	for i, u := range h.units {
		ids[u.name] = i
		fmt.Fprintf(&b, "    s%d[\"%s: %s\"]\n", i, strings.ReplaceAll(u.name, `"`, "#quot;"), u.state)
	}
	for i, u := range h.units {
		for _, name := range u.after {
			if from, ok := ids[name]; ok {
				fmt.Fprintf(&b, "    s%d --> s%d\n", from, i)
			}
		}
	}
	return b.String()
}
