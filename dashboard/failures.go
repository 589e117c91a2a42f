package dashboard

import (
	"slices"
	"strings"
)

// failuresPage is what failed or is tried again, all or what has a text in it.
type failuresPage struct {
	Search  string
	Others  []Problem // of services and schedules
	Queues  []failing
	Nothing bool
}

// failing is the part of one queue.
type failing struct {
	Queue  Queue
	Groups []group
}

// Failing is the page of failures. The search is its name, so that it is kept while the
// page is renewed.
func (v *view) Failing() failuresPage {
	has := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(strings.ToLower(s), strings.ToLower(v.Name)) })
	}
	f := failuresPage{Search: v.Name}
	for _, p := range v.State.Problems {
		known := !p.Acknowledged.IsZero()
		if p.Kind != KindQueue && (known || p.Severity.rank() >= Warning.rank() || p.Why != "") && has(p.Name, p.What, p.Why) {
			f.Others = append(f.Others, p)
		}
	}
	for _, q := range v.State.Queues {
		if len(q.Failures)+len(q.Retrying)+q.DueNow() == 0 {
			continue
		}
		if !has(q.Name) {
			q.Failures = slices.DeleteFunc(slices.Clone(q.Failures), func(e Failure) bool { return !has(e.Error, e.Item, e.Service) })
			q.Retrying = slices.DeleteFunc(slices.Clone(q.Retrying), func(e Retry) bool { return !has(e.Error, e.Item, e.Service) })
			q.Parked = len(q.Retrying)
		}
		if len(q.Failures)+len(q.Retrying)+q.DueNow() > 0 {
			f.Queues = append(f.Queues, failing{q, groupsOf(q.Failures)})
		}
	}
	f.Nothing = len(f.Others)+len(f.Queues) == 0
	return f
}

// GroupButton is what the template of a button for a group of failures needs.
func (v *view) GroupButton(verb Verb, queue, text string) row {
	return row{v, Action{Verb: verb, Kind: KindQueue, Name: queue, Error: text}}
}
