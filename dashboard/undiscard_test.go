package dashboard_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/dashboard"
)

func TestADiscardedFailureIsGoneAtOnceAndCanBeRestoredForAMinute(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		s.giveUpOn(t, errors.New("no paper"), errors.New("no ink"))
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		act := func(want int, verb, id string) string {
			t.Helper()
			r := form("", "verb", verb, "kind", "queue", "name", "emails", "service", "mailer", "id", id)
			r.Header.Set("Accept", "application/json")
			w := do(d, r)
			wantStatus(t, w, want)
			return w.Body.String()
		}
		shown := func(want int) {
			t.Helper()
			if n := len(d.State().Queues[0].Failures); n != want {
				t.Errorf("%d failures are shown, want %d", n, want)
			}
		}
		if said := act(http.StatusOK, "discard", "1"); !strings.Contains(said, `"undo":"restore"`) {
			t.Errorf("it says %s", said)
		}
		shown(1)
		act(http.StatusConflict, "restore", "2")
		time.Sleep(50 * time.Second)
		act(http.StatusOK, "restore", "1")
		shown(2)
		time.Sleep(time.Minute)
		shown(2) // the first minute is not counted on
		act(http.StatusOK, "discard", "1")
		do(d, form("", "verb", "requeue_all", "kind", "queue", "name", "emails"))
		synctest.Wait()
		if n := s.queue.Stats().Handled; n != 1 {
			t.Errorf("what was discarded is requeued with all: %d handled", n)
		}
		time.Sleep(61 * time.Second)
		act(http.StatusConflict, "restore", "1")
		if left := s.workers.Failures(); len(left) != 0 {
			t.Errorf("after a minute the queue has %+v", left)
		}
	})
}

func TestADiscardIsUndoneWithoutAScript(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		s.failForGood(t, 1, "broken")
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		back := do(d, form("", "verb", "discard", "kind", "queue", "name", "emails", "service", "mailer", "id", "1", "page", "failures"))
		page := get(t, d, "/"+back.Header().Get("Location"))
		wantText(t, page, "Discarded 1 of emails.", `value="restore"`)
		// A link of somebody else's offers nothing.
		if body := get(t, d, "/failures?did=discard&id=2&kind=queue&service=mailer&thing=emails").Body.String(); strings.Contains(body, `value="restore"`) {
			t.Error("a link offers to undo what was not done")
		}
	})
}

func TestTheStopDiscardsForGoodWhatWasDiscarded(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		s.host.Add("dashboard", d)
		s.start(t)
		s.failForGood(t, 1, "broken")
		w := do(d, form("", "verb", "discard", "kind", "queue", "name", "emails", "service", "mailer", "id", "1"))
		wantStatus(t, w, http.StatusSeeOther)
		if err := s.host.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(s.workers.Failures()); n != 0 {
			t.Errorf("%d failures are left", n)
		}
	})
}

func TestAScheduleSaysWhyItIsLate(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		if body := get(t, d, "/schedule?name=report").Body.String(); strings.Contains(body, "run began") {
			t.Error("it says why it is late, and is not")
		}
		s.takes = 150 * time.Minute
		_ = s.job.Trigger()
		time.Sleep(2*time.Hour + time.Minute)
		wantText(t, get(t, d, "/schedule?name=report"), "A run began 2 h 1 min ago and is running. Slots that pass meanwhile are skipped: 2 so far.")
		time.Sleep(time.Hour)
		s.job.Pause()
		wantText(t, get(t, d, "/schedule?name=report"), "It is paused: nothing runs until somebody resumes it.")
		time.Sleep(3 * time.Hour)
	})
}

func TestASimpleRuleIsSaidInWords(t *testing.T) {
	for expr, want := range map[string]string{
		"30 3 * * *":        "daily 03:30 Europe/Berlin",
		"30 3 * * MON-FRI":  "Monday to Friday 03:30 Europe/Berlin",
		"0 12 * * 0,SAT":    "Sunday, Saturday 12:00 Europe/Berlin",
		"0 6 1 * *":         "on day 1 of each month, 06:00 Europe/Berlin",
		"*/5 * * * *":       "every 5 minutes Europe/Berlin",
		"*/25 * * * *":      "",
		"17 * * * *":        "hourly at minute 17 Europe/Berlin",
		"30 3 1 * MON":      "",
		"30 3 * 1 *":        "",
		"0,30 3 * * *":      "",
		"30 2 * * MON#2":    "",
		"30 */2 * * *":      "",
		"5 30 3 * * *":      "",
		"30 3 * * TUE-XYZ":  "",
		"59 23 * * sun-mon": "Sunday to Monday 23:59 Europe/Berlin",
	} {
		if got := dashboard.RuleInWords(`cron "` + expr + `" Europe/Berlin`); got != want {
			t.Errorf("%s is %q, want %q", expr, got, want)
		}
	}
	const both = `(cron "30 3 * * *" UTC except 1 calendar) or cron "1 2 3 4 *" UTC`
	if got := dashboard.RuleInWords(both); got != `(daily 03:30 UTC except 1 calendar) or cron "1 2 3 4 *" UTC` {
		t.Errorf("got %q", got)
	}
}
