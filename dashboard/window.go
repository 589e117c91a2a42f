package dashboard

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Long lists are shown in part: a page that a browser takes seconds to show, and that is
// sent each second, helps nobody.
const (
	windowSize = 100 // rows of a page that is a list
	topSize    = 30  // rows of a list on the overview
	graphSize  = 60  // services that can be told apart in a picture
)

// window is the part of a list that a page shows. What is searched for and where the part
// begins are in the name of the page, as text@offset, so that they stay when it is renewed.
type window struct {
	Search          string
	From, To, Total int
	Prev, Next      string // links; "": there is none
}

// Few reports whether the list needs neither a search nor pages.
func (w window) Few() bool { return w.Search == "" && w.Total <= windowSize }

func windowOf[T any](v *view, all []T, name func(*T) string) (window, []T) {
	search, offset := v.Name, 0
	if at := strings.LastIndexByte(v.Name, '@'); at >= 0 {
		if n, err := strconv.Atoi(v.Name[at+1:]); err == nil && n >= 0 {
			search, offset = v.Name[:at], n
		}
	}
	if search != "" {
		lower := strings.ToLower(search)
		var found []T
		for i := range all {
			if strings.Contains(strings.ToLower(name(&all[i])), lower) {
				found = append(found, all[i])
			}
		}
		all = found
	}
	w := window{Search: search, Total: len(all)}
	offset = min(offset, max(0, len(all)-1))
	end := min(offset+windowSize, len(all))
	w.From, w.To = min(offset+1, end), end
	link := func(at int) string {
		return v.Page + "?" + url.Values{"name": {fmt.Sprintf("%s@%d", search, at)}}.Encode()
	}
	if offset > 0 {
		w.Prev = link(max(0, offset-windowSize))
	}
	if end < len(all) {
		w.Next = link(end)
	}
	return w, all[offset:end]
}

type listed[T any] struct {
	W    window
	List []T
}

// SomeQueues are the queues that the page of them shows.
func (v *view) SomeQueues() listed[Queue] {
	w, list := windowOf(v, v.State.Queues, func(q *Queue) string { return q.Name })
	return listed[Queue]{w, list}
}

// SomeSchedules are the schedules that the page of them shows.
func (v *view) SomeSchedules() listed[Schedule] {
	w, list := windowOf(v, v.State.Schedules, func(j *Schedule) string { return j.Name })
	return listed[Schedule]{w, list}
}

// SomeServices are the services that the page of them shows.
func (v *view) SomeServices() listed[Service] {
	w, list := windowOf(v, v.State.Services, func(s *Service) string { return s.Name })
	return listed[Service]{w, list}
}

// TopQueues are those for the overview: all, or if there are many those with a problem and
// the longest.
func (v *view) TopQueues() []Queue {
	if len(v.State.Queues) <= topSize {
		return v.State.Queues
	}
	worst := v.State.worstOf()
	order := make([]*Queue, len(v.State.Queues))
	for i := range order {
		order[i] = &v.State.Queues[i]
	}
	slices.SortStableFunc(order, func(a, b *Queue) int {
		if by := worst[subject{KindQueue, b.Name}].rank() - worst[subject{KindQueue, a.Name}].rank(); by != 0 {
			return by
		}
		return b.Depth - a.Depth
	})
	top := make([]Queue, topSize)
	for i := range top {
		top[i] = *order[i]
	}
	return top
}

// top is the beginning of a list.
func top[T any](all []T) []T { return all[:min(len(all), topSize)] }

// more says how many of a list of n are not among its first k.
func more(n, k int) string {
	if n <= k {
		return ""
	}
	return fmt.Sprintf("and %s more", grouped(uint64(n-k)))
}
