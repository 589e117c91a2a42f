package dashboard_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

// timetable is what durable jobs are to the page: a service that has schedules and
// queues, which are known by their names only.
type timetable struct {
	hosted.Service
	schedules, queues []interface{ Name() string }
}

func (t *timetable) ScheduleList() []interface{ Name() string } { return t.schedules }
func (t *timetable) Queues() []interface{ Name() string }       { return t.queues }

type slot struct {
	name string
	next time.Time
}

func (s *slot) Name() string          { return s.name }
func (s *slot) Stats() periodic.Stats { return periodic.Stats{Name: s.name, Next: s.next} }

func idle() hosted.Service {
	return hosted.Loop(func(ctx context.Context) error { <-ctx.Done(); return nil })
}

func TestSchedulesOfDurableJobsInNestedHostsAreApart(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		for n, name := range []string{"eu", "us"} {
			inner := hosted.New(hosted.Config{Name: name})
			inner.Add("jobs", &timetable{Service: idle(), schedules: []interface{ Name() string }{
				&slot{"newsletter", time.Now().Add(time.Duration(n+1) * time.Hour)},
			}})
			s.host.Add(name, inner)
		}
		s.start(t)
		var names []string
		for _, j := range dashboard.New(s.host, dashboard.Config{}).State().Schedules {
			names = append(names, j.Name)
		}
		if want := []string{"report", "eu/newsletter", "us/newsletter"}; !slices.Equal(names, want) {
			t.Errorf("schedules are %q, want %q", names, want)
		}
	})
}

// books is a queue by its numbers.
type books struct{ stats channelq.Stats }

func (b *books) Name() string          { return b.stats.Name }
func (b *books) Stats() channelq.Stats { return b.stats }

// A program that moves a queue from memory into a store has both for a while.
func TestTwoQueuesOfOneNameAreNotOneOnThePage(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.host.Add("jobs", &timetable{Service: idle(), queues: []interface{ Name() string }{
			&books{channelq.Stats{Name: "emails", Depth: 7, Accepted: 7}},
		}})
		s.start(t)
		queues := dashboard.New(s.host, dashboard.Config{}).State().Queues
		if len(queues) != 2 || queues[0].Depth != 0 || queues[1].Depth != 7 || queues[0].Name == queues[1].Name || len(queues[0].Services) != 1 {
			t.Errorf("%d queues: %+v", len(queues), queues)
		}
	})
}

// recorder is a viewer that takes everything.
type recorder struct {
	out    io.Writer
	header http.Header
}

func (r *recorder) Header() http.Header {
	if r.header == nil {
		r.header = http.Header{}
	}
	return r.header
}
func (r *recorder) Write(b []byte) (int, error) { return r.out.Write(b) }
func (r *recorder) WriteHeader(int)             {}
func (r *recorder) Flush()                      {}

func streamRequest(ctx context.Context, page string) *http.Request {
	return httptest.NewRequestWithContext(ctx, http.MethodGet, "/stream?page="+page, nil)
}

// A carriage return ends a line of an event as a line feed does.
func TestACarriageReturnInAnErrorDoesNotCutTheEvent(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		s.failForGood(t, 1, "at 10 %\rat 20 %\r\rdata: <main>\r\nat 30 %")
		var event strings.Builder
		w := &recorder{out: &event}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { time.Sleep(time.Millisecond); cancel() }()
		dashboard.New(s.host, dashboard.Config{}).ServeHTTP(w, streamRequest(ctx, "failures"))
		for line := range strings.FieldsFuncSeq(event.String(), func(r rune) bool { return r == '\r' || r == '\n' }) {
			if !strings.HasPrefix(line, "data: ") && !strings.HasPrefix(line, "event: ") && !strings.HasPrefix(line, "retry: ") && !strings.HasPrefix(line, ":") {
				t.Errorf("a line of the event is %q", line)
			}
		}
		if !strings.Contains(event.String(), "at 30 %") {
			t.Error("the error is not there")
		}
	})
}

// Attempts that fail at once and wait long for the next one are no handlers that
// hang, although no item has come to its end.
func TestAnOutageInWhichEveryAttemptFailsIsNoStuckHandler(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		q, err := channelq.New(channelq.Config[int]{Name: "calls", Capacity: 200})
		if err != nil {
			t.Fatal(err)
		}
		w, err := channelq.NewWorkers(q, func(_ context.Context, n int) error {
			time.Sleep(time.Second)
			if n > 0 {
				return errors.New("connection refused")
			}
			return nil
		}, channelq.WorkerConfig[int]{Concurrency: 1, Retry: channelq.Retry{Attempts: 5, Initial: 24 * time.Hour, Max: 24 * time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		s.host.Add("calls", w)
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{SlowAfter: 10 * time.Second})
		_ = q.TryEnqueue(0)
		for range 60 {
			_ = q.TryEnqueue(1)
		}
		time.Sleep(500 * time.Millisecond)
		for range 50 {
			for _, what := range about(d.State(), "calls") {
				if strings.Contains(what, "not returned") {
					t.Fatal(what)
				}
			}
			time.Sleep(time.Second)
		}
	})
}

// shell is a service that panics when somebody looks behind it, or into it.
type shell struct {
	hosted.Service
	unwrap bool
}

type opaque struct{ *shell }

func (o opaque) Unwrap() hosted.Service {
	if o.unwrap {
		panic("nothing behind it")
	}
	return o.Service
}

type full struct{ *shell }

func (f full) Services() []hosted.ServiceStatus { panic("nothing in it") }

func TestAServiceThatPanicsWhenItIsLookedBehindTakesNothingWithIt(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.host.Add("full", full{&shell{Service: idle()}})
		behind := &shell{Service: idle()}
		s.host.Add("opaque", opaque{behind})
		s.start(t)
		behind.unwrap = true
		defer func() { behind.unwrap = false }()
		d := dashboard.New(s.host, dashboard.Config{})
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		state := d.State()
		if len(state.Services) != 4 || len(state.Queues) != 1 {
			t.Errorf("%+v", state)
		}
		if err := d.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// loaded panics when it is asked.
type loaded struct{ books }

func (*loaded) Stats() channelq.Stats { panic("boom") }

func TestAQueueThatPanicsCostsNoneOfItsNeighboursTheirPlace(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.host.Add("jobs", &timetable{
			Service: idle(), queues: []interface{ Name() string }{&loaded{}, nil, &books{channelq.Stats{Name: "thumbs"}}},
			schedules: []interface{ Name() string }{&slot{name: "newsletter"}},
		}, hosted.Watch(&loaded{}), hosted.Watch(&books{channelq.Stats{Name: "calls"}}))
		s.start(t)
		state := dashboard.New(s.host, dashboard.Config{}).State()
		if len(state.Queues) != 3 || len(state.Schedules) != 2 || !strings.Contains(state.Services[2].Error, "boom") {
			t.Errorf("%+v", state)
		}
	})
}
