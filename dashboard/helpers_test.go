package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

// secret is an item; nothing of it may be seen unless a formatter shows it.
type secret struct{ Text string }

const payload = "4111-1111-1111-1111"

// shop is a host with one of everything.
type shop struct {
	host    *hosted.Host
	queue   *channelq.Queue[secret]
	workers *channelq.Workers[secret]
	job     *periodic.Job

	mu      sync.Mutex
	fails   error // what the handler returns
	runs    int   // of the job
	runFail error
	takes   time.Duration // a run
}

func (s *shop) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails = err
}

func (s *shop) handle(context.Context, secret) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fails
}

func (s *shop) run(context.Context) error {
	s.mu.Lock()
	s.runs++
	takes, err := s.takes, s.runFail
	s.mu.Unlock()
	time.Sleep(takes)
	return err
}

func (s *shop) ran() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs
}

// newShop makes the host; nothing is started.
func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{host: hosted.New(hosted.Config{Name: "shop"})}
	var err error
	if s.queue, err = channelq.New(channelq.Config[secret]{Name: "emails", Capacity: 4}); err != nil {
		t.Fatal(err)
	}
	s.workers, err = channelq.NewWorkers(s.queue, s.handle, channelq.WorkerConfig[secret]{Concurrency: 1, Retry: channelq.Retry{Attempts: 2}})
	if err != nil {
		t.Fatal(err)
	}
	s.job, err = periodic.New(periodic.Config{Name: "report", Schedule: periodic.Every(time.Hour), Phase: -1}, s.run)
	if err != nil {
		t.Fatal(err)
	}
	s.host.Add("mailer", s.workers)
	s.host.Add("reports", s.job, hosted.After("mailer"))
	return s
}

// start starts the host and stops it at the end of the test.
func (s *shop) start(t *testing.T) {
	t.Helper()
	if err := s.host.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.host.Stop(context.Background()) })
}

// inBubble runs a test in fake time. The end of the host is inside of it.
func inBubble(t *testing.T, f func(t *testing.T, s *shop)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newShop(t)) })
}

// failForGood leaves n failures behind.
func (s *shop) failForGood(t *testing.T, n int, text string) {
	t.Helper()
	s.fail(channelq.Permanent(errors.New(text)))
	for range n {
		if err := s.queue.Enqueue(t.Context(), secret{payload}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	}
	s.fail(nil)
}

func allow(*http.Request, dashboard.Action) error { return nil }

// get asks for a page.
func get(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	return do(h, httptest.NewRequest(http.MethodGet, path, nil))
}

func do(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// form is an action as the page sends it, with what the browser adds.
func form(site string, fields ...string) *http.Request {
	values := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, "/actions", strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if site != "" {
		r.Header.Set("Sec-Fetch-Site", site)
	}
	return r
}

func wantStatus(t *testing.T, w *httptest.ResponseRecorder, want int) {
	t.Helper()
	if w.Code != want {
		t.Errorf("status %d, want %d: %s", w.Code, want, strings.TrimSpace(w.Body.String()))
	}
}

func wantText(t *testing.T, w *httptest.ResponseRecorder, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(w.Body.String(), text) {
			t.Errorf("the answer lacks %q", text)
		}
	}
}

var pages = []string{"", "services", "queues", "queue?name=emails", "schedules", "schedule?name=report", "failures", "stop", "service?name=mailer"}

func everyPage(t *testing.T, h http.Handler, check func(page string, w *httptest.ResponseRecorder)) {
	t.Helper()
	for _, page := range pages {
		w := get(t, h, "/"+page)
		if w.Code != http.StatusOK {
			t.Errorf("page %q: status %d", page, w.Code)
		}
		check(fmt.Sprintf("page %q", page), w)
	}
}

func newScheduler(t *testing.T, names ...string) (*periodic.Scheduler, []*periodic.Job) {
	t.Helper()
	scheduler, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "calendar"})
	if err != nil {
		t.Fatal(err)
	}
	var jobs []*periodic.Job
	for _, name := range names {
		job, err := periodic.New(periodic.Config{Name: name, Schedule: periodic.Every(time.Hour)}, func(context.Context) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if err := scheduler.Add(job); err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, job)
	}
	return scheduler, jobs
}

// failOnce is a loop that fails in its first run.
func failOnce() func(context.Context) error {
	first := true
	return func(ctx context.Context) error {
		if first {
			first = false
			return errors.New("connection reset")
		}
		<-ctx.Done()
		return nil
	}
}

func restart(initial time.Duration) hosted.Option {
	return hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: initial}))
}

// stuck is a stop that does not return.
func stuck(context.Context) error { time.Sleep(time.Hour); return nil }
