package dashboard

import (
	"slices"
	"strings"
)

// failuresPage is the list of what failed or is retrying, all of it or what contains a text.
type failuresPage struct {
	Search     string
	Others     []Problem // of services and schedules
	MoreOthers string
	Queues     []failing
	W          window // of the queues
	Nothing    bool
}

// failing is the part of one queue.
type failing struct {
	Queue  Queue
	Groups []group
}

// rows is how long it is on the page.
func (f *failing) rows() int { return 1 + len(f.Groups) + len(f.Queue.Retrying) }

// Failing returns the page of failures. Its name holds the search and the queue that the
// page begins with, so that both are kept while the page is renewed.
func (v *view) Failing() failuresPage {
	search, offset := v.searched()
	has := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(strings.ToLower(s), strings.ToLower(search)) })
	}
	f := failuresPage{Search: search}
	for i := range v.State.Problems {
		p := &v.State.Problems[i]
		known := !p.Acknowledged.IsZero()
		if p.Kind != KindQueue && (known || p.Severity.rank() >= Warning.rank() || p.Why != "") && has(p.Name, p.What, p.Why) {
			f.Others = append(f.Others, *p)
		}
	}
	f.MoreOthers = more(len(f.Others), topSize)
	f.Others = top(f.Others)
	f.W = window{Search: search}
	rows := 0
	for i := range v.State.Queues {
		q := &v.State.Queues[i]
		if v.Unlisted(*q) == "" && len(q.Failures)+len(q.Retrying)+q.DueNow() == 0 {
			continue
		}
		found, ok := v.failingOf(q, has)
		if !ok {
			continue
		}
		at := f.W.Total
		f.W.Total++
		if at < offset || rows >= windowSize {
			continue
		}
		found.Groups = groupsOf(found.Queue.Failures)
		if rows += found.rows(); rows > windowSize && len(f.Queues) > 0 {
			continue
		}
		f.Queues = append(f.Queues, found)
	}
	offset = min(offset, f.W.Total)
	f.W.From, f.W.To = min(offset+1, f.W.Total), offset+len(f.Queues)
	if offset > 0 {
		f.W.Prev = v.from(search, max(0, offset-windowSize))
	}
	if f.W.To < f.W.Total {
		f.W.Next = v.from(search, f.W.To)
	}
	f.Nothing = len(f.Others)+f.W.Total == 0
	return f
}

// failingOf is what of a queue is searched for, and whether there is something.
func (v *view) failingOf(q *Queue, has func(...string) bool) (failing, bool) {
	found := *q
	if has(q.Name) {
		return failing{Queue: found}, true
	}
	found.Failures = slices.DeleteFunc(slices.Clone(q.Failures), func(e Failure) bool { return !has(e.Error, e.Item, e.Service) })
	found.Retrying = slices.DeleteFunc(slices.Clone(q.Retrying), func(e Retry) bool { return !has(e.Error, e.Item, e.Service) })
	found.Parked = len(found.Retrying)
	return failing{Queue: found}, len(found.Failures)+len(found.Retrying)+found.DueNow() > 0
}

// Newest are the failures of a queue that its page shows.
func (v *view) Newest(q Queue) []Failure { return q.Failures[:min(len(q.Failures), windowSize)] }

// GroupButton returns the data of a button for a group of failures.
func (v *view) GroupButton(verb Verb, queue, text string) row {
	return row{v, Action{Verb: verb, Kind: KindQueue, Name: queue, Error: text}}
}
