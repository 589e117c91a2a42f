package dashboard

import "time"

// Unlisted returns a notice if the failures and retries that are shown are old or not known.
func (v *view) Unlisted(q Queue) string {
	switch age := v.State.Time.Sub(q.Listed); {
	case q.unlisted:
		return "The store does not answer: what was given up or waits for a retry is not known."
	case !q.Listed.IsZero() && age >= shownAge:
		return "The store does not answer: this is as of " + when(q.Listed, v.State.Time) + "."
	}
	return ""
}

// runsFor is for how long a service of a queue has been running.
func (s *State) runsFor(q *Queue) (longest time.Duration) {
	for _, name := range q.Services {
		if i, ok := s.byName()[name]; ok && s.Services[i].Ready {
			longest = max(longest, s.Time.Sub(s.Services[i].Since))
		}
	}
	return longest
}
