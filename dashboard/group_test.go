package dashboard_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// giveUpOn leaves a failure behind for each error.
func (s *shop) giveUpOn(t *testing.T, all ...error) {
	t.Helper()
	for _, err := range all {
		s.fail(channelq.Permanent(err))
		if err := s.queue.Enqueue(t.Context(), secret{payload}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	}
	s.fail(nil)
}

func TestFailuresAreGroupedByTheirErrorWithoutWhatVaries(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		for n := range 5 {
			s.giveUpOn(t, fmt.Errorf("smtp: 550 no mailbox <user%d@example.com>, id 7f3a9%07dcd", n, n))
			time.Sleep(time.Minute)
		}
		s.giveUpOn(t,
			errors.New("dial tcp 10.0.4.12:25: i/o timeout after 3007ms"), errors.New("dial tcp 10.0.4.7:587: i/o timeout after 2999ms"),
			errors.New("smtp: 451 no mailbox <user1@example.com>, id 7f3a90000007cd"),
			errors.New(`order "a b" is 6ba7b810-9dad-11d1-80b4-00c04fd430c8`), errors.New(`order "c" is 6ba7b811-9dad-11d1-80b4-00c04fd430c8`))
		body := get(t, d, "/failures")
		wantText(t, body, "smtp: 550 no mailbox …, id …", "dial tcp …: i/o timeout after …ms", "smtp: 451 no mailbox &lt;user1@example.com&gt;", "order … is …", "Requeue 5", "Discard 2", "5 min ago", "1 min ago")
		if n := strings.Count(body.Body.String(), `data-key="g-`); n != 4 {
			t.Errorf("%d groups, want 4", n)
		}
	})
}

func TestAGroupIsRequeuedOrDiscardedAndNothingElse(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		var log bytes.Buffer
		var asked []dashboard.Action
		d := dashboard.New(s.host, dashboard.Config{
			Logger:    slog.New(slog.NewTextHandler(&log, nil)),
			Authorize: func(_ *http.Request, a dashboard.Action) error { asked = append(asked, a); return nil },
		})
		s.giveUpOn(t, errors.New("order 1000 is late"), errors.New("no paper"), errors.New("order 1001 is late"), errors.New("no ink"), errors.New("no ink"))
		ask := func(verb, text string) string {
			r := form("", "verb", verb, "kind", "queue", "name", "emails", "error", text)
			r.Header.Set("Accept", "application/json")
			w := do(d, r)
			wantStatus(t, w, http.StatusOK)
			synctest.Wait()
			return w.Body.String()
		}
		if said := ask("requeue_all", "order … is late"); !strings.Contains(said, "Requeued 2 failures of emails.") {
			t.Errorf("it says %s", said)
		}
		if said := ask("discard_all", "no ink"); !strings.Contains(said, "Discarded 2 failures of emails.") {
			t.Errorf("it says %s", said)
		}
		left := s.workers.Failures()
		if len(left) != 1 || left[0].Err.Error() != "no paper" || s.queue.Stats().Handled != 2 {
			t.Errorf("left are %+v, handled %d", left, s.queue.Stats().Handled)
		}
		if len(asked) != 2 || asked[0].Error != "order … is late" || !strings.Contains(log.String(), `failures_with="no ink"`) {
			t.Errorf("asked for %+v, logged %s", asked, log.String())
		}
	})
}

func TestFailuresCanBeSearched(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.host.Go("dead", func(context.Context) error { return errors.New("permission denied") }, hosted.OnFailure(hosted.Ignore()))
		s.start(t)
		s.giveUpOn(t, errors.New("no paper"), errors.New("no ink"))
		d := dashboard.New(s.host, dashboard.Config{FormatItem: func(string, any) string { return "card" }})
		for search, want := range map[string][3]bool{ // no paper, no ink, the service
			"PAPER": {true, false, false}, "emails": {true, true, false}, "denied": {false, false, true}, "card": {true, true, false}, "none": {},
		} {
			body := get(t, d, "/failures?name="+search).Body.String()
			for i, text := range []string{"no paper", "no ink", "permission denied"} {
				if strings.Contains(body, text) != want[i] {
					t.Errorf("search %q: %q is there: %v", search, text, !want[i])
				}
			}
		}
		wantText(t, get(t, d, "/failures?name=none"), "Nothing that failed or waits for a retry has “none” in it.")
	})
}

func TestAnExpectedFailureIsNothingRed(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.host.Go("gone", func(context.Context) error { return lifecycle.Expected(errors.New("no more work")) }, hosted.OnFailure(hosted.Ignore()), hosted.NotCritical())
		s.runFail = fmt.Errorf("report: %w", lifecycle.Expected(errors.New("shop is closed")))
		s.start(t)
		_ = s.job.Trigger()
		s.giveUpOn(t, lifecycle.Expected(errors.New("order was withdrawn")), fmt.Errorf("send: %w", lifecycle.Expected(errors.New("no mailbox"))))
		d := dashboard.New(s.host, dashboard.Config{})
		got := d.State()
		if got.Verdict != dashboard.Notice || got.Headline != "All is well" {
			t.Errorf("%s: %s %+v", got.Verdict, got.Headline, got.Problems)
		}
		wantProblem(t, problem(t, got, "emails"), dashboard.Notice, "gave up on 2 items, the last one after 1 attempt, as was expected", "no mailbox")
		wantProblem(t, problem(t, got, "report"), dashboard.Notice, "failed in its last run, as was expected", "shop is closed")
		wantProblem(t, problem(t, got, "gone"), dashboard.Notice, "as was expected", "no more work")
		wantText(t, get(t, d, "/failures"), "order was withdrawn", "expected")

		s.giveUpOn(t, errors.New("no paper"), lifecycle.Expected(errors.New("no mailbox")))
		got = d.State()
		wantProblem(t, problem(t, got, "emails"), dashboard.Failed, "gave up on 4 items", "no paper")
	})
}

func TestWhatIsAcknowledgedIsNoAlarmUntilItHappensAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow, Actor: func(*http.Request) string { return "ada" }})
		act := func(verb string, status int) {
			t.Helper()
			wantStatus(t, do(d, form("", "verb", verb, "kind", "queue", "name", "emails")), status)
		}
		act("acknowledge", http.StatusConflict) // there is nothing
		s.giveUpOn(t, errors.New("no paper"))
		time.Sleep(time.Minute)
		act("reopen", http.StatusConflict) // it is not acknowledged
		act("acknowledge", http.StatusSeeOther)
		got := d.State()
		p := problem(t, got, "emails")
		wantProblem(t, p, dashboard.Notice, "gave up on 1 item", "no paper")
		if got.Headline != "Nothing new is wrong" || p.AcknowledgedBy != "ada" || !p.Acknowledged.Equal(time.Now()) {
			t.Errorf("%s: %+v", got.Headline, p)
		}
		wantText(t, get(t, d, "/"), "acknowledged", "by ada", "Reopen")
		wantText(t, get(t, d, "/failures"), "no paper")
		act("reopen", http.StatusSeeOther)
		wantProblem(t, problem(t, d.State(), "emails"), dashboard.Failed, "gave up on 1 item", "")
		act("acknowledge", http.StatusSeeOther)
		time.Sleep(time.Second)
		s.giveUpOn(t, errors.New("no ink"))
		wantProblem(t, problem(t, d.State(), "emails"), dashboard.Failed, "gave up on 2 items", "no ink")
	})
}

func TestAnAnswerSaysWhatWasDoneToWhichItem(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		s.failForGood(t, 2, "broken")
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		for _, c := range [][]string{
			{"Discarded 2 of emails.", "verb", "discard", "kind", "queue", "name", "emails", "service", "mailer", "id", "2"},
			{"Requeued 1 of emails.", "verb", "requeue", "kind", "queue", "name", "emails", "service", "mailer", "id", "1"},
			{`"Paused queue emails.","undo":"resume"`, "verb", "pause", "kind", "queue", "name", "emails"},
			{`"Resumed queue emails.","undo":"pause"`, "verb", "resume", "kind", "queue", "name", "emails"},
		} {
			r := form("", c[1:]...)
			r.Header.Set("Accept", "application/json")
			wantText(t, do(d, r), c[0])
		}
		wantText(t, get(t, d, "/?did=discard&kind=queue&thing=emails&id=7"), "Discarded 7 of emails.")
		if body := get(t, d, "/?did=discard&kind=queue&thing=your+password&id=7").Body.String(); strings.Contains(body, "password") {
			t.Error("a link can make the page say anything")
		}
	})
}
