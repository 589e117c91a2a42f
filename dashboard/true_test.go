package dashboard_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
)

func pause(d http.Handler) {
	do(d, form("same-origin", "verb", "pause", "kind", "queue", "name", "emails"))
}

// What the page says of the log is so, whoever gave the logger.
func TestThePageSaysWhetherActionsAreLogged(t *testing.T) {
	who := func(*http.Request) string { return "ada" }
	for name, c := range map[string]struct {
		host, own bool
		actor     func(*http.Request) string
		says      string
	}{
		"nobody has a logger":        {says: "Actions are not logged."},
		"that of the host":           {host: true, says: "Actions are logged with your address."},
		"that of the host, with who": {host: true, actor: who, says: "Actions are logged with your name."},
		"its own":                    {own: true, actor: who, says: "Actions are logged with your name."},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				logger := slog.New(slog.NewTextHandler(&log, nil))
				s, cfg := newShop(t), dashboard.Config{Authorize: allow, Actor: c.actor}
				if c.host {
					s.host.InheritLogger(logger)
				}
				if c.own {
					cfg.Logger = logger
				}
				s.start(t)
				d := dashboard.New(s.host, cfg)
				wantText(t, get(t, d, "/"), c.says)
				pause(d)
				if logged := strings.Contains(log.String(), `msg="dashboard action" action=pause`); logged != (c.host || c.own) {
					t.Errorf("logged %v, and the page says %q", logged, c.says)
				}
			})
		})
	}
}

// A cookie may have let somebody in whose browser also sends a user name that nobody
// has looked at.
func TestANameThatNobodyHasVerifiedIsNotLogged(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		var log bytes.Buffer
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		r := form("same-origin", "verb", "pause", "kind", "queue", "name", "emails")
		r.SetBasicAuth("root", "guess")
		do(d, r)
		if line := log.String(); strings.Contains(line, "root") || !strings.Contains(line, "actor=192.0.2.1:1234") {
			t.Errorf("the log says %s", line)
		}
	})
}

func TestAnActionOfWhichNobodyKnowsWhoAskedIsNotDone(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		var log bytes.Buffer
		d := dashboard.New(s.host, dashboard.Config{
			Authorize: allow, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Actor: func(*http.Request) string { panic("no session") },
		})
		w := do(d, form("same-origin", "verb", "pause", "kind", "queue", "name", "emails"))
		wantStatus(t, w, http.StatusInternalServerError)
		wantText(t, w, "who asks cannot be told", "no session")
		if s.workers.Paused() {
			t.Error("it was done")
		}
		for _, want := range []string{"level=WARN", "action=pause", "actor=unknown", "no session"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %q: %s", want, log.String())
			}
		}
	})
}

// The page's own server stops first, and what stays in the browser knows of the stop.
func TestTheLastPictureOfAServerThatStopsFirstIsOfTheStop(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		srv := &http.Server{Handler: dashboard.New(s.host, dashboard.Config{Interval: time.Hour})}
		client, _ := serve(t, srv)
		s.host.Add("http", stopOnly(srv.Shutdown))
		s.start(t)
		w := watch(t, client, "http://x/stream?page=stop")
		time.Sleep(time.Minute)
		s.host.Lifetime().Stop(errors.New("deploy of tuesday"))
		<-w.ended
		if got := w.latest(); !strings.Contains(got, "deploy of tuesday") || strings.Contains(got, "Nobody has asked") {
			t.Errorf("the last picture is %q", got)
		}
		if why, _ := w.why.Load().(string); why != "The program is stopping, and the server of this page has stopped" {
			t.Errorf("the stream ended with %q", why)
		}
	})
}

// One item occupies the only worker while the time of two others comes.
func TestParkedItemsThatAreDueAreNotForgotten(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		q, err := channelq.New(channelq.Config[int]{Name: "calls", Capacity: 10})
		if err != nil {
			t.Fatal(err)
		}
		hold := make(chan struct{})
		w, err := channelq.NewWorkers(q, func(_ context.Context, n int) error {
			if n == 0 {
				<-hold
				return nil
			}
			return channelq.RetryAfter(errors.New("busy"), time.Second)
		}, channelq.WorkerConfig[int]{Concurrency: 1, Retry: channelq.Retry{Attempts: 50}})
		if err != nil {
			t.Fatal(err)
		}
		s.host.Add("calls", w)
		s.start(t)
		for _, n := range []int{1, 2, 0} {
			_ = q.TryEnqueue(n)
		}
		time.Sleep(time.Minute)
		d := dashboard.New(s.host, dashboard.Config{})
		if st := q.Stats(); st.Parked+st.Depth < 2 {
			t.Fatalf("the test is wrong: %+v", st)
		}
		for _, page := range []string{"/queue?name=calls", "/failures"} {
			body := get(t, d, page)
			wantText(t, body, "2 parked items are due and wait for a worker")
			if strings.Contains(body.Body.String(), "othing waits for a retry") {
				t.Errorf("%s says that nothing waits", page)
			}
		}
		close(hold)
	})
}

// A stop whose leftover was taken is an ordinary one.
func TestAnOrdinaryInterruptIsNothingRed(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		q, err := channelq.New(channelq.Config[int]{Name: "calls", Capacity: 10})
		if err != nil {
			t.Fatal(err)
		}
		taken := 0
		w, err := channelq.NewWorkers(q, func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{
			OnLeftover: func(_ context.Context, items []int) error { taken += len(items); return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		s.host.Add("calls", w)
		s.start(t)
		w.Pause()
		synctest.Wait()
		_ = q.TryEnqueue(1)
		if err := s.host.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		d := dashboard.New(s.host, dashboard.Config{})
		if got := d.State(); got.Verdict != dashboard.OK || got.Headline != "Stopped cleanly" || taken != 1 {
			t.Errorf("%s: %s %+v; %d taken", got.Verdict, got.Headline, got.Problems, taken)
		}
		wantProblem(t, problem(t, d.State(), "calls"), dashboard.Notice, "handed over 1 leftover item", "")
	})
}

func TestAStopThatGoesAsItShouldIsCalm(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.host.Go("slow", func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(15 * time.Second)
			return nil
		})
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		s.host.Lifetime().Stop(errors.New("deploy"))
		time.Sleep(10 * time.Second)
		if got := d.State().Verdict; got != dashboard.Notice {
			t.Errorf("after 10 s of 25 it is a %s", got)
		}
		if strings.Contains(get(t, d, "/stop").Body.String(), `badge warning`) {
			t.Error("a service that stops has the colour of a warning")
		}
		time.Sleep(4 * time.Second)
		if got := d.State().Verdict; got != dashboard.Warning {
			t.Errorf("after 14 s of 25 it is a %s", got)
		}
		<-s.host.Done()
	})
}

var navBadge = regexp.MustCompile(`<span class="badge [a-z]+">([0-9]+)<span class="sr"> to look at`)

func TestHeadlineBadgesAndTitleAddUp(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.host.Go("dead", func(context.Context) error { return errors.New("permission denied") }, hosted.OnFailure(hosted.Ignore()))
		s.start(t)
		s.runFail = errors.New("no paper")
		_ = s.job.Trigger()
		s.failForGood(t, 2, "no such mailbox")
		s.fail(channelq.RetryAfter(errors.New("try later"), time.Hour)) // a second problem of the same queue
		_ = s.queue.Enqueue(t.Context(), secret{})
		synctest.Wait()
		w := get(t, dashboard.New(s.host, dashboard.Config{}), "/")
		wantText(t, w, "2 things need somebody, 1 to keep an eye on", "<title>(3) Overview")
		sum := 0
		for _, m := range navBadge.FindAllStringSubmatch(w.Body.String(), -1) {
			n, _ := strconv.Atoi(m[1])
			sum += n
			if n > 1 {
				t.Errorf("a badge of %d, where there is one of each kind", n)
			}
		}
		if sum != 3 {
			t.Errorf("the badges are %d in all, the title says 3", sum)
		}
	})
}
