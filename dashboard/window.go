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
	cardsSize  = 30  // queues of the page that has charts of each
	topSize    = 30  // rows of a list on the overview
	graphSize  = 60  // services that can be told apart in a picture
)

// window is the part of a list that a page shows. What is searched for and where the part
// begins are in the name of the page, as text@offset, so that they stay when it is renewed.
type window struct {
	Search          string
	From, To, Total int
	Prev, Next      string // links; "": there is none
	size            int    // how many a page has; zero if that depends on their length
}

// Few reports whether the list needs neither a search nor pages.
func (w window) Few() bool {
	if w.size == 0 {
		return w.Prev == "" && w.Next == ""
	}
	return w.Search == "" && w.Total <= w.size
}

// searched is what is searched for, and where the part begins.
func (v *view) searched() (search string, offset int) {
	if at := strings.LastIndexByte(v.Name, '@'); at >= 0 {
		if n, err := strconv.Atoi(v.Name[at+1:]); err == nil && n >= 0 {
			return v.Name[:at], n
		}
	}
	return v.Name, 0
}

// from is the link to the part that begins there.
func (v *view) from(search string, at int) string {
	return v.Page + "?" + url.Values{"name": {fmt.Sprintf("%s@%d", search, at)}}.Encode()
}

func windowOf[T any](v *view, all []T, size int, name func(*T) string) (window, []T) {
	search, offset := v.searched()
	var found []int // of a search
	if search != "" {
		lower := strings.ToLower(search)
		for i := range all {
			if strings.Contains(strings.ToLower(name(&all[i])), lower) {
				found = append(found, i)
			}
		}
	}
	n := len(all)
	if search != "" {
		n = len(found)
	}
	w := window{Search: search, Total: n, size: size}
	offset = min(offset, max(0, n-1))
	end := min(offset+size, n)
	w.From, w.To = min(offset+1, end), end
	if offset > 0 {
		w.Prev = v.from(search, max(0, offset-size))
	}
	if end < n {
		w.Next = v.from(search, end)
	}
	if search == "" {
		return w, all[offset:end]
	}
	list := make([]T, 0, size)
	for _, i := range found[offset:end] {
		list = append(list, all[i])
	}
	return w, list
}

type listed[T any] struct {
	W    window
	List []T
}

// SomeQueues are the queues that the page of them shows.
func (v *view) SomeQueues() listed[Queue] {
	w, list := windowOf(v, v.State.Queues, cardsSize, func(q *Queue) string { return q.Name })
	return listed[Queue]{w, list}
}

// SomeSchedules are the schedules that the page of them shows.
func (v *view) SomeSchedules() listed[Schedule] {
	w, list := windowOf(v, v.State.Schedules, windowSize, func(j *Schedule) string { return j.Name })
	for i := range list {
		list[i].complete()
	}
	return listed[Schedule]{w, list}
}

// SomeServices are the services that the page of them shows.
func (v *view) SomeServices() listed[Service] {
	w, list := windowOf(v, v.State.Services, windowSize, func(s *Service) string { return s.Name })
	return listed[Service]{w, list}
}

// TopQueues are those for the overview: all, or if there are many those with a problem and
// the longest.
func (v *view) TopQueues() []Queue {
	if len(v.State.Queues) <= topSize {
		return v.State.Queues
	}
	worst := v.State.worstOf()
	first := firsts(v.State.Queues, func(a, b *Queue) int {
		if by := worst[subject{KindQueue, b.Name}].rank() - worst[subject{KindQueue, a.Name}].rank(); by != 0 {
			return by
		}
		return b.Depth - a.Depth
	})
	list := make([]Queue, len(first))
	for i, q := range first {
		list[i] = *q
	}
	return list
}

// firsts are the first of a list in an order, and of two that are equal the one that
// comes first in the list: to sort 100,000 of them would take longer than all the rest.
func firsts[T any](all []T, order func(a, b *T) int) []*T {
	first := make([]*T, 0, topSize+1)
	for i := range all {
		one := &all[i]
		if len(first) == topSize && order(first[topSize-1], one) <= 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(first, one, func(a, b *T) int {
			if order(a, b) <= 0 {
				return -1
			}
			return 1
		})
		first = slices.Insert(first, at, one)
		first = first[:min(len(first), topSize)]
	}
	return first
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
