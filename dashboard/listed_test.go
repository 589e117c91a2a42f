package dashboard_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
)

// lister is a queue in a store that says when it has listed what failed.
type lister struct {
	depotQueue
	at       time.Time
	retrying []channelq.Retrying
}

func (l *lister) Listed() time.Time             { return l.at }
func (l *lister) Retrying() []channelq.Retrying { return l.retrying }

func withLister(l *lister) *timetable {
	return &timetable{Service: idle(), queues: []interface{ Name() string }{l}}
}

// An old or an unknown answer of a store is no fresh one, and no "nothing".
func TestFailuresThatAStoreDoesNotListAreNotSaidToBeNone(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		l := &lister{depotQueue: depotQueue{stats: channelq.Stats{Name: "mails"}, counted: time.Now()}}
		s.host.Add("jobs", withLister(l))
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{SlowAfter: 20 * time.Second})
		const unknown = "The store does not answer: what was given up or waits for a retry is not known."
		for _, page := range []string{"/failures", "/queue?name=mails"} {
			w := get(t, d, page)
			wantText(t, w, unknown)
			for _, claim := range []string{"Nothing has failed", "Nothing is listed", "Nothing waits for a retry"} {
				if strings.Contains(w.Body.String(), claim) {
					t.Errorf("%s says: %s", page, claim)
				}
			}
		}
		if all := about(d.State(), "mails"); len(all) != 0 {
			t.Errorf("a problem at once: %q", all)
		}
		time.Sleep(5 * time.Second)
		l.counted = time.Now()
		wantProblem(t, problem(t, d.State(), "mails"), dashboard.Warning, "has failures and retries that are not known", "")

		l.at = time.Now()
		l.failures = []channelq.Failure{{ID: 7, Err: errors.New("no paper"), At: time.Now()}}
		l.retrying = []channelq.Retrying{{ID: 8, Err: errors.New("busy"), Due: time.Now().Add(time.Hour)}}
		for _, page := range []string{"/failures", "/queue?name=mails"} {
			w := get(t, d, page)
			wantText(t, w, "no paper", "busy")
			if strings.Contains(w.Body.String(), "does not answer") {
				t.Errorf("%s: a fresh list is said to be old", page)
			}
		}
		time.Sleep(15 * time.Second)
		l.counted = time.Now() // it still counts
		for _, page := range []string{"/failures", "/queue?name=mails"} {
			wantText(t, get(t, d, page), "The store does not answer: this is as of 15 s ago.", "no paper")
		}
		time.Sleep(5 * time.Second)
		l.counted = time.Now()
		all := strings.Join(about(d.State(), "mails"), "\n")
		if !strings.Contains(all, "warning: has failures and retries that are shown as they were 20 s ago") {
			t.Error(all)
		}
	})
}
