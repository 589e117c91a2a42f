package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
)

// crowd is a service with many queues and schedules.
func crowd(n int) *timetable {
	t := &timetable{Service: idle()}
	for i := range n {
		t.queues = append(t.queues, &books{channelq.Stats{Name: fmt.Sprintf("queue-%05d", i), Capacity: 100, Depth: i % 100}})
		t.schedules = append(t.schedules, &slot{fmt.Sprintf("job-%05d", i), time.Now().Add(time.Duration(i) * time.Second)})
	}
	return t
}

func TestPagesOfManyQueuesAndSchedulesStaySmall(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.host.Add("crowd", crowd(10_000))
		for i := range 300 {
			s.host.Add(fmt.Sprintf("service-%04d", i), idle())
		}
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		for _, page := range []string{"", "services", "queue?name=queue-00007", "failures", "stop", "nothing"} {
			w := get(t, d, "/"+page)
			if n := w.Body.Len(); n > 300_000 {
				t.Errorf("%q has %d kB", page, n/1000)
			}
		}
		first := get(t, d, "/queues")
		wantText(t, first, "1 to 30 of 10\u202f001", `rel="next"`)
		if n := first.Body.Len(); n > 300_000 {
			t.Errorf("the queues have %d kB", n/1000)
		}
		wantText(t, get(t, d, "/queues?name=@60"), "61 to 90 of 10\u202f001", `rel="prev"`)
		wantText(t, get(t, d, "/queues?name=00007@0"), "queue-00007")
		wantText(t, get(t, d, "/schedules?name=job-0999@0"), "1 to 10 of 10", "job-09991")
	})
}

// broken is a queue of which much has failed.
type broken struct {
	books
	failures []channelq.Failure
	retrying []channelq.Retrying
}

func (b *broken) Failures() []channelq.Failure  { return b.failures }
func (b *broken) Retrying() []channelq.Retrying { return b.retrying }

func TestPagesStaySmallWhateverHasFailed(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		why := errors.New(strings.Repeat("no paper ", 80))
		var failures []channelq.Failure
		for i := range 110 {
			failures = append(failures, channelq.Failure{ID: int64(i + 1), Err: fmt.Errorf("%c%c %w", 'a'+i%26, 'a'+i/26, why), At: time.Now()})
		}
		var retrying []channelq.Retrying
		for i := range 100 {
			retrying = append(retrying, channelq.Retrying{ID: int64(i + 1), Err: why, Due: time.Now().Add(time.Minute)})
		}
		all := &timetable{Service: idle()}
		for i := range 40 {
			q := &broken{books: books{channelq.Stats{Name: fmt.Sprintf("queue-%03d", i)}}, failures: failures[:1], retrying: retrying[:1]}
			if i < 2 {
				q.failures, q.retrying = failures, retrying
			}
			all.queues = append(all.queues, q)
		}
		s.host.Add("all", all)
		for i := range 120 {
			s.host.Go(fmt.Sprintf("service-%03d", i), func(ctx context.Context) error { <-ctx.Done(); return why })
		}
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		small := func(pages ...string) {
			t.Helper()
			for _, page := range pages {
				if n := get(t, d, "/"+page).Body.Len(); n > 300_000 {
					t.Errorf("%q has %d kB", page, n/1000)
				}
			}
		}
		small("", "services", "queues", "queue?name=queue-000", "failures", "stop")
		// The failures of every queue are on one of the pages.
		next, seen := "failures", 0
		for pages := 0; next != "" && pages < 100; pages++ {
			body := get(t, d, "/"+next).Body.String()
			if len(body) > 300_000 {
				t.Errorf("%q has %d kB", next, len(body)/1000)
			}
			seen += strings.Count(body, `aria-label="Failures of `)
			_, link, _ := strings.Cut(body, `rel="next"`)
			next = ""
			if link != "" {
				before, _, _ := strings.Cut(body, `" rel="next"`)
				next = html.UnescapeString(before[strings.LastIndex(before, `"`)+1:])
			}
		}
		if seen != 40 {
			t.Errorf("%d of 40 queues are on the pages of failures", seen)
		}
		wantText(t, get(t, d, "/queue?name=queue-000"), "The newest 100 of 110.")
		_ = s.host.Stop(t.Context())
		small("", "services", "stop")
		wantText(t, get(t, d, "/stop"), "and 23 more")
	})
}

// counted is a queue that knows how often it was asked.
type counted struct {
	books
	asked int
}

func (c *counted) Stats() channelq.Stats { c.asked++; return c.stats }

func TestAPageThatThereIsNotCostsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		q := &counted{books: books{channelq.Stats{Name: "calls"}}}
		s.host.Add("jobs", &timetable{Service: idle(), queues: []interface{ Name() string }{q}})
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		for _, path := range []string{"/nothing", "/assets/nothing", "/api/v1/nothing"} {
			if w := get(t, d, path); w.Code != http.StatusNotFound || q.asked != 0 {
				t.Errorf("%s: %d, and the queue was asked %d times", path, w.Code, q.asked)
			}
		}
		if get(t, d, "/"); q.asked == 0 {
			t.Error("the test is wrong: a page asks nobody")
		}
	})
}
