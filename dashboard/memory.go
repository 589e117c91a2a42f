package dashboard

import "github.com/steadgo/stead/internal/displayname"

// memory is what an inventory of 10,000 queues or 100,000 schedules should not have to
// allocate each time, and the names of the last one, which are mostly those of the next.
type memory struct {
	names   struct{ queues, schedules *displayname.Names } // with the path of the hosts they are in, as their services
	queues  map[string][]source                            // by the name of the queue
	at      map[string]int                                 // of the queues in the state
	sources []source
	found   []found
	lists   State // whose lists are used again
}

// remembered is the memory of an inventory before, if there is one.
func (d *Dashboard) remembered() *memory {
	m, _ := d.memory.Get().(*memory)
	if m == nil {
		m = &memory{queues: map[string][]source{}, at: map[string]int{}}
		m.names.queues, m.names.schedules = displayname.New(), displayname.New()
		m.lists = State{Services: []Service{}, Queues: []Queue{}, Schedules: []Schedule{}}
	}
	return m
}

// release gives the memory to the next inventory. Nothing may use this one any more, and
// its state must not have left the package.
func (inv *inventory) release() {
	m := inv.memory
	clear(m.queues)
	clear(m.at)
	m.sources, m.found = emptied(m.sources), emptied(m.found)
	m.lists.Services, m.lists.Queues, m.lists.Schedules = emptied(inv.state.Services), emptied(inv.state.Queues), emptied(inv.state.Schedules)
	inv.d.memory.Put(m)
}

// emptied is an empty list with the room of another, unless that has become far too much.
// Things that are gone are in neither.
func emptied[T any](list []T) []T {
	if cap(list) > 4*len(list)+crowd {
		return []T{}
	}
	clear(list[len(list):cap(list)])
	return list[:0]
}
