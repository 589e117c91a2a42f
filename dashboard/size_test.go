package dashboard_test

import (
	"fmt"
	"net/http"
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
		wantText(t, first, "1 to 100 of 10\u202f001", `rel="next"`)
		if n := first.Body.Len(); n > 300_000 {
			t.Errorf("the queues have %d kB", n/1000)
		}
		wantText(t, get(t, d, "/queues?name=@100"), "101 to 200 of 10\u202f001", `rel="prev"`)
		wantText(t, get(t, d, "/queues?name=00007@0"), "queue-00007")
		wantText(t, get(t, d, "/schedules?name=job-0999@0"), "1 to 10 of 10", "job-09991")
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
