package dashboard

import (
	"net/http"
	"strconv"
)

// serveState writes the state as JSON, all of it or, with a limit, a part of each long
// list.
func (d *Dashboard) serveState(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit, after := 0, 0
	for _, number := range []struct {
		name string
		to   *int
		min  int
	}{{"limit", &limit, 1}, {"after", &after, 0}} {
		text := q.Get(number.name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < number.min {
			http.Error(w, number.name+" is not a number from "+strconv.Itoa(number.min)+" on", http.StatusBadRequest)
			return
		}
		*number.to = n
	}
	if limit == 0 && after > 0 {
		http.Error(w, "after needs a limit", http.StatusBadRequest)
		return
	}
	inv := d.look()
	state := inv.state
	if limit > 0 {
		defer inv.release() // not if all of it was asked for, which is too much to keep
		state.cut(after, limit)
	}
	state.complete()
	if q.Get("history") != "" {
		for i := range state.Queues {
			q := &state.Queues[i]
			q.History = d.history.points(q.Name, state.Time)
		}
	}
	writeJSON(w, http.StatusOK, state)
}

// cut leaves a part of each list that is as long as there are things in the program.
func (s *State) cut(after, limit int) {
	more := false
	s.Problems = part(s.Problems, after, limit, &more)
	s.Services = part(s.Services, after, limit, &more)
	s.Queues = part(s.Queues, after, limit, &more)
	s.Schedules = part(s.Schedules, after, limit, &more)
	if more {
		s.Next = strconv.Itoa(after + limit)
	}
}

func part[T any](all []T, after, limit int, more *bool) []T {
	all = all[min(after, len(all)):]
	if len(all) > limit {
		all, *more = all[:limit], true
	}
	return all
}

// complete fills in what only few of many schedules are shown with.
func (s *State) complete() {
	for i := range s.Schedules {
		s.Schedules[i].complete()
	}
}
