package dashboard_test

import (
	"context"
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
	"github.com/steadgo/stead/lifecycle"
	"github.com/steadgo/stead/periodic"
)

func TestAnItemThatFailedHasAPageWithEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, err := channelq.New(channelq.Config[string]{Name: "a/b", Capacity: 10, Stamp: true})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		w, err := channelq.NewWorkers(q, func(context.Context, string) error {
			if n++; n == 2 {
				panic("on the second")
			}
			time.Sleep(3 * time.Second)
			return channelq.RetryAfter(errors.New("on the first"), time.Minute)
		}, channelq.WorkerConfig[string]{Concurrency: 1, Retry: channelq.Retry{Attempts: 2}})
		if err != nil {
			t.Fatal(err)
		}
		host := hosted.New(hosted.Config{})
		host.Add("c/d", w)
		if err := host.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := q.Enqueue(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		d := dashboard.New(host, dashboard.Config{Authorize: allow})
		time.Sleep(4 * time.Second)
		wantText(t, get(t, d, "/queue?name=a/b"), `href="item?name=retry%2f1%2fc%2fd%2fa%2fb"`)
		wantText(t, get(t, d, "/item?name=retry/1/c/d/a/b"), "Retry 1 of a/b", "on the first", "<dt>Attempts</dt><dd>1</dd>",
			`<td role="cell" data-label="Took" class="num">3`+"\u00a0s</td>", "4 s ago", `value="retry_now"`, `value="give_up"`)

		w2 := do(d, form("", "verb", "retry_now", "kind", "queue", "name", "a/b", "service", "c/d", "id", "1"))
		wantStatus(t, w2, http.StatusSeeOther)
		synctest.Wait()
		page := get(t, d, "/item?name=failure/1/c/d/a/b")
		wantText(t, page, "Failure 1 of a/b", "on the first", "on the second", "Where it panicked", "detail_test.go", `value="requeue"`, `value="discard"`)
		if strings.Index(page.Body.String(), "on the second") > strings.Index(page.Body.String(), "on the first") {
			t.Error("the last attempt is not on top")
		}
		for _, gone := range []string{"retry/1/c/d/a/b", "failure/2/c/d/a/b", "failure/1/c/d/b", ""} {
			wantStatus(t, get(t, d, "/item?name="+gone), http.StatusNotFound)
		}
		_ = host.Stop(t.Context())
	})
}

func TestARetryIsGivenUpAndThenRequeued(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		s.fail(channelq.RetryAfter(errors.New("later"), time.Hour))
		_ = s.queue.Enqueue(t.Context(), secret{payload})
		synctest.Wait()
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		act := func(verb, id string) *httptest.ResponseRecorder {
			r := form("", "verb", verb, "kind", "queue", "name", "emails", "service", "mailer", "id", id)
			r.Header.Set("Accept", "application/json")
			return do(d, r)
		}
		retry := d.State().Queues[0].Retrying[0]
		if retry.ID != 1 || !retry.CanAct {
			t.Errorf("%+v", retry)
		}
		wantText(t, act("give_up", "1"), "Gave up on retry 1 of emails. It is among the failures")
		wantStatus(t, act("give_up", "1"), http.StatusConflict)
		wantStatus(t, act("retry_now", "1"), http.StatusConflict)
		s.fail(nil)
		wantText(t, act("requeue", "1"), "Requeued 1 of emails.")
		synctest.Wait()
		if q := d.State().Queues[0]; q.Handled != 1 || len(q.Failures)+len(q.Retrying) != 0 {
			t.Errorf("%+v", q)
		}
	})
}

func TestARunHasAPage(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		s.runFail, s.takes = &lifecycle.PanicError{Value: "no paper", Stack: []byte("main.print")}, 2*time.Second
		_ = s.job.Trigger()
		time.Sleep(time.Minute)
		d := dashboard.New(s.host, dashboard.Config{})
		run := d.State().Schedules[0].History[0].Page("report")
		wantText(t, get(t, d, "/schedule?name=report"), "run?name="+strings.ReplaceAll(run, "/", "%2f"))
		wantText(t, get(t, d, "/run?name="+run), "A run of report", "no paper", "main.print", "Triggered", "2\u00a0s", "1 min ago")
		wantStatus(t, get(t, d, "/run?name=report/1"), http.StatusNotFound)
	})
}

func TestATriggerWhileARunIsRunningSaysSo(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		s.takes = time.Minute
		_ = s.job.Trigger()
		synctest.Wait()
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		w := do(d, form("", "verb", "trigger", "kind", "schedule", "name", "report"))
		wantStatus(t, w, http.StatusConflict)
		wantText(t, w, "a run of report is running, and its schedule lets no other one begin beside it")
		time.Sleep(2 * time.Minute)
	})
}

func TestATriggerThatWaitsForARunSaysSo(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		slow := func(context.Context) error { time.Sleep(time.Minute); return nil }
		for name, overlap := range map[string]periodic.Overlap{"backup": periodic.Queue(1), "sync": periodic.Parallel(2)} {
			job, err := periodic.New(periodic.Config{Name: name, Schedule: periodic.Every(time.Hour), Phase: -1, Overlap: overlap}, slow)
			if err != nil {
				t.Fatal(err)
			}
			s.host.Add(name, job)
		}
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		press := func(name string) string {
			t.Helper()
			r := form("", "verb", "trigger", "kind", "schedule", "name", name)
			r.Header.Set("Accept", "application/json")
			w := do(d, r)
			synctest.Wait()
			return w.Body.String()
		}
		for i, want := range []string{"Triggered a run of backup.", "Triggered backup; it begins when the run that is under way ends.", "lets no other one begin"} {
			if got := press("backup"); !strings.Contains(got, want) {
				t.Errorf("press %d: %s, want %q", i+1, got, want)
			}
		}
		for range 2 { // beside each other
			if got := press("sync"); !strings.Contains(got, "Triggered a run of sync.") {
				t.Error(got)
			}
		}
		w := do(d, form("", "verb", "trigger", "kind", "schedule", "name", "sync", "page", "schedule", "of", "sync"))
		wantStatus(t, w, http.StatusConflict)
		time.Sleep(61 * time.Second) // the one that waited runs
		w = do(d, form("", "verb", "trigger", "kind", "schedule", "name", "backup", "page", "schedule", "of", "backup"))
		wantText(t, get(t, d, "/"+w.Header().Get("Location")), "Triggered backup; it begins when the run that is under way ends.")
		time.Sleep(3 * time.Minute)
	})
}

func TestAServiceHasAPageWithItsStatesAndWhy(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.host.Go("flaky", failOnce(), restart(time.Minute))
		s.start(t)
		time.Sleep(2 * time.Minute)
		d := dashboard.New(s.host, dashboard.Config{})
		wantText(t, get(t, d, "/services"), `<a href="service?name=flaky">flaky</a>`)
		wantText(t, get(t, d, "/service?name=flaky"), "connection reset", "restarting", "<dt>Restarts</dt><dd>1</dd>")
		page := get(t, d, "/service?name=mailer")
		wantText(t, page, `<a href="queue?name=emails">emails</a>`, "Its states")
		if strings.Contains(page.Body.String(), "stacks?") {
			t.Error("stacks are offered to whoever may only read")
		}
		wantText(t, get(t, d, "/service?name=reports"), `<a href="schedule?name=report">report</a>`, `<a href="service?name=mailer">mailer</a>`)
		wantStatus(t, get(t, d, "/service?name=nobody"), http.StatusNotFound)
	})
}

func TestStacksAreForWhoMayAct(t *testing.T) {
	inner := hosted.New(hosted.Config{Name: "inner"})
	entered, release := make(chan struct{}), make(chan struct{})
	inner.Go("loop", func(context.Context) error { waitHere(entered, release); return nil })
	host := hosted.New(hosted.Config{})
	host.Add("outer", inner)
	if err := host.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-entered
	defer func() { close(release); _ = host.Stop(context.Background()) }()
	wantStatus(t, get(t, dashboard.New(host, dashboard.Config{}), "/stacks?name=outer/loop"), http.StatusForbidden)
	var asked []dashboard.Action
	d := dashboard.New(host, dashboard.Config{Authorize: func(_ *http.Request, a dashboard.Action) error {
		asked = append(asked, a)
		if a.Name == "forbidden" {
			return errors.New("administrators only")
		}
		return nil
	}})
	wantText(t, get(t, d, "/stacks?name=outer/loop"), "dashboard_test.waitHere")
	wantStatus(t, get(t, d, "/stacks?name=forbidden"), http.StatusForbidden)
	wantStatus(t, get(t, d, "/stacks?name=nobody"), http.StatusNotFound)
	if want := (dashboard.Action{Verb: dashboard.Stacks, Kind: dashboard.KindService, Name: "outer/loop"}); len(asked) != 3 || asked[0] != want {
		t.Errorf("asked about %+v", asked)
	}
	other := httptest.NewRequest(http.MethodGet, "/stacks?name=outer/loop", nil)
	other.Header.Set("Sec-Fetch-Site", "cross-site")
	wantStatus(t, do(d, other), http.StatusForbidden)
}

// waitHere is in the stacks once entered is closed.
//
//go:noinline
func waitHere(entered chan<- struct{}, release <-chan struct{}) {
	close(entered)
	<-release
}
