package dashboard_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
)

func TestEachActionIsDoneAndLeadsBackToItsPage(t *testing.T) {
	for name, c := range map[string]struct {
		fields []string
		back   string
		done   func(s *shop) bool
	}{
		"pause a queue": {
			[]string{"verb", "pause", "kind", "queue", "name", "emails", "page", "queue", "of", "emails"},
			"queue?did=pause&kind=queue&name=emails&thing=emails", func(s *shop) bool { return s.workers.Paused() },
		},
		"resume a queue": {
			[]string{"verb", "resume", "kind", "queue", "name", "emails", "page", "queues"},
			"queues?did=resume&kind=queue&thing=emails", func(s *shop) bool { return !s.workers.Paused() },
		},
		"requeue a failure": {
			[]string{"verb", "requeue", "kind", "queue", "name", "emails", "service", "mailer", "id", "2", "page", "failures"},
			"failures?did=requeue&id=2&kind=queue&thing=emails", func(s *shop) bool { return len(s.workers.Failures()) == 1 && s.queue.Stats().Handled == 1 },
		},
		"discard a failure": {
			[]string{"verb", "discard", "kind", "queue", "name", "emails", "service", "mailer", "id", "1", "page", ""},
			"./?did=discard&id=1&kind=queue&service=mailer&thing=emails", func(s *shop) bool {
				time.Sleep(time.Minute)
				synctest.Wait()
				left := s.workers.Failures()
				return len(left) == 1 && left[0].ID == 2 && s.queue.Stats().Handled == 0
			},
		},
		"requeue all failures": {
			[]string{"verb", "requeue_all", "kind", "queue", "name", "emails", "page", "queue", "of", "emails"},
			"queue?did=requeue_all&kind=queue&n=2&name=emails&thing=emails", func(s *shop) bool { return len(s.workers.Failures()) == 0 && s.queue.Stats().Handled == 2 },
		},
		"discard all failures": {
			[]string{"verb", "discard_all", "kind", "queue", "name", "emails", "page", "failures"},
			"failures?did=discard_all&kind=queue&n=2&thing=emails", func(s *shop) bool { return len(s.workers.Failures()) == 0 && s.queue.Stats().Handled == 0 },
		},
		"run a schedule now": {
			[]string{"verb", "trigger", "kind", "schedule", "name", "report", "page", "schedule", "of", "report"},
			"schedule?did=trigger&kind=schedule&name=report&thing=report", func(s *shop) bool { return s.ran() == 1 },
		},
		"pause a schedule": {
			[]string{"verb", "pause", "kind", "schedule", "name", "report", "page", "https://evil.example/"},
			"./?did=pause&kind=schedule&thing=report", func(s *shop) bool { return s.job.Stats().Paused },
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *shop) {
				s.start(t)
				s.failForGood(t, 2, "broken")
				if strings.HasPrefix(name, "resume") {
					s.workers.Pause()
				}
				d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
				w := do(d, form("same-origin", c.fields...))
				wantStatus(t, w, http.StatusSeeOther)
				if got := w.Header().Get("Location"); got != c.back {
					t.Errorf("leads to %q, want %q", got, c.back)
				}
				synctest.Wait()
				if !c.done(s) {
					t.Errorf("it was not done: %+v", s.queue.Stats())
				}
				after := get(t, d, "/"+strings.TrimPrefix(c.back, "./"))
				wantStatus(t, after, http.StatusOK)
				if !strings.Contains(after.Body.String(), `role="status" aria-live="polite"><div><p>`) {
					t.Error("the page does not say that it was done")
				}
			})
		})
	}
}

func TestAnActionThatCannotBeDoneSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		fields []string
		status int
		why    string
	}{
		"unknown queue":    {[]string{"verb", "pause", "kind", "queue", "name", "none"}, http.StatusNotFound, "no queue"},
		"unknown schedule": {[]string{"verb", "trigger", "kind", "schedule", "name", "emails"}, http.StatusNotFound, "no schedule"},
		"unknown verb":     {[]string{"verb", "drop", "kind", "queue", "name", "emails"}, http.StatusBadRequest, "no such action"},
		"verb of another":  {[]string{"verb", "trigger", "kind", "queue", "name", "emails"}, http.StatusBadRequest, "no such action"},
		"unknown kind":     {[]string{"verb", "pause", "kind", "service", "name", "mailer"}, http.StatusBadRequest, "no such action"},
		"bad id":           {[]string{"verb", "discard", "kind", "queue", "name", "emails", "service", "mailer", "id", "-1"}, http.StatusBadRequest, "not a number"},
		"gone":             {[]string{"verb", "discard", "kind", "queue", "name", "emails", "service", "mailer", "id", "77"}, http.StatusConflict, "no failure 77"},
		"other service":    {[]string{"verb", "discard", "kind", "queue", "name", "emails", "service", "other", "id", "1"}, http.StatusNotFound, "cannot do that"},
		"denied":           {[]string{"verb", "resume", "kind", "schedule", "name", "report"}, http.StatusForbidden, "ask the operations team"},
		"too large":        {[]string{"verb", "pause", "kind", "queue", "name", strings.Repeat("x", 5000)}, http.StatusBadRequest, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *shop) {
				s.start(t)
				s.failForGood(t, 1, "broken")
				d := dashboard.New(s.host, dashboard.Config{Authorize: func(_ *http.Request, a dashboard.Action) error {
					if a.Verb == dashboard.Resume {
						return errors.New("ask the operations team")
					}
					return nil
				}})
				w := do(d, form("same-origin", c.fields...))
				wantStatus(t, w, c.status)
				wantText(t, w, c.why, "<h1>Not done</h1>", `href="./"`)

				r := form("same-origin", c.fields...)
				r.Header.Set("Accept", "application/json")
				w = do(d, r)
				wantStatus(t, w, c.status)
				var said map[string]string
				if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || !strings.Contains(said["error"], c.why) {
					t.Errorf("as JSON: %v %v", said, err)
				}
			})
		})
	}
}

func TestAuthorizeSeesTheWholeAction(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		var asked []dashboard.Action
		d := dashboard.New(s.host, dashboard.Config{Authorize: func(r *http.Request, a dashboard.Action) error {
			if r.Method != http.MethodPost {
				t.Errorf("asked for a %s", r.Method)
			}
			asked = append(asked, a)
			return errors.New("no")
		}})
		everyPage(t, d, func(string, *httptest.ResponseRecorder) {})
		do(d, form("same-origin", "verb", "requeue", "kind", "queue", "name", "emails", "service", "mailer", "id", "9223372036854775807"))
		do(d, form("same-origin", "verb", "trigger", "kind", "schedule", "name", "report", "id", "3", "service", "x"))
		want := []dashboard.Action{
			{Verb: dashboard.Requeue, Kind: dashboard.KindQueue, Name: "emails", Service: "mailer", ID: 1<<63 - 1},
			{Verb: dashboard.Trigger, Kind: dashboard.KindSchedule, Name: "report"},
		}
		if len(asked) != 2 || asked[0] != want[0] || asked[1] != want[1] {
			t.Errorf("asked for %+v, want %+v", asked, want)
		}
	})
}

func TestRequeueIntoAFullQueueKeepsTheFailure(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		s.failForGood(t, 1, "broken")
		s.workers.Pause()
		synctest.Wait()
		for s.queue.TryEnqueue(secret{payload}) == nil {
		}
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		w := do(d, form("same-origin", "verb", "requeue", "kind", "queue", "name", "emails", "service", "mailer", "id", "1"))
		wantStatus(t, w, http.StatusConflict)
		wantText(t, w, channelq.ErrFull.Error())
		if len(s.workers.Failures()) != 1 {
			t.Error("the failure is gone")
		}

		s.queue.TryDequeue()
		w = do(d, form("same-origin", "verb", "requeue_all", "kind", "queue", "name", "emails"))
		wantStatus(t, w, http.StatusSeeOther)
		if len(s.workers.Failures()) != 0 {
			t.Error("there is room, and the failure is still listed")
		}
	})
}

func TestRequeueAllSaysHowFarItCame(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		s.failForGood(t, 3, "broken")
		s.workers.Pause()
		synctest.Wait()
		for s.queue.TryEnqueue(secret{payload}) == nil {
		}
		s.queue.TryDequeue()
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		w := do(d, form("same-origin", "verb", "requeue_all", "kind", "queue", "name", "emails"))
		wantStatus(t, w, http.StatusConflict)
		wantText(t, w, "1 of 3 done", channelq.ErrFull.Error())
		if n := len(s.workers.Failures()); n != 2 {
			t.Errorf("%d failures are listed, want 2", n)
		}
	})
}

// custom is a source that is neither of channelq nor of periodic.
type custom struct {
	hosted.Service
	paused              bool
	requeued, cancelled int64
	second              manyOf
}

func (c *custom) Stats() channelq.Stats  { return channelq.Stats{Name: "durable", Depth: 7, Workers: 2} }
func (c *custom) Pause()                 { c.paused = true }
func (c *custom) Resume()                { c.paused = false }
func (c *custom) Paused() bool           { return c.paused }
func (c *custom) States() map[string]int { return map[string]int{"scheduled": 3, "retryable": 4} }
func (c *custom) Discard(int64) error    { return nil }
func (c *custom) Requeue(id int64) error { c.requeued = id; return nil }
func (c *custom) Failures() []channelq.Failure {
	return []channelq.Failure{{ID: 9, Item: "x", Err: errors.New("gone"), Attempts: 3}}
}

// wrapper hides everything but Unwrap.
type wrapper struct{ hosted.Service }

func (w wrapper) Unwrap() hosted.Service { return w.Service }

func TestAnySourceWithTheMethodsIsShownAndActedOn(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		c := &custom{Service: hosted.Once(func(context.Context) error { return nil })}
		inner := hosted.New(hosted.Config{Name: "inner"})
		inner.Add("jobs", wrapper{c})
		s.host.Add("inner", inner)
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		w := get(t, d, "/queue?name=inner%2fdurable")
		wantStatus(t, w, http.StatusOK)
		wantText(t, w, "scheduled", "retryable", "gone", "inner/jobs")
		wantStatus(t, do(d, form("", "verb", "pause", "kind", "queue", "name", "inner/durable")), http.StatusSeeOther)
		wantStatus(t, do(d, form("", "verb", "requeue", "kind", "queue", "name", "inner/durable", "service", "inner/jobs", "id", "9")), http.StatusSeeOther)
		if !c.paused || c.requeued != 9 {
			t.Errorf("paused %v, requeued %d", c.paused, c.requeued)
		}
	})
}

// bomb panics when it is asked.
type bomb struct{ hosted.Service }

func (bomb) Stats() channelq.Stats { panic("boom") }

func TestASourceThatPanicsCostsOnlyItsPart(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.host.Add("bomb", bomb{hosted.Once(func(context.Context) error { return nil })})
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		everyPage(t, d, func(string, *httptest.ResponseRecorder) {})
		wantText(t, get(t, d, "/services"), "cannot be shown in full", "boom", "mailer")
	})
}

func TestAWatchedQueueAndASchedulerAreFound(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		byHand, err := channelq.New(channelq.Config[int]{Name: "by-hand", Capacity: 3})
		if err != nil {
			t.Fatal(err)
		}
		s.host.Go("reader", func(ctx context.Context) error { <-ctx.Done(); return nil }, hosted.Watch(byHand))
		scheduler, jobs := newScheduler(t, "nightly", "weekly")
		s.host.Add("calendar", scheduler)
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		w := get(t, d, "/queue?name=by-hand")
		wantText(t, w, "used by reader")
		if strings.Contains(w.Body.String(), "<button") {
			t.Error("a queue without workers can be paused")
		}
		wantText(t, get(t, d, "/schedules"), "nightly", "weekly", "report")
		wantStatus(t, do(d, form("", "verb", "pause", "kind", "schedule", "name", "weekly")), http.StatusSeeOther)
		if jobs[0].Stats().Paused || !jobs[1].Stats().Paused {
			t.Error("paused the wrong job")
		}
	})
}
