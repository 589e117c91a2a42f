package durable_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/dashboard"
)

// Two people have the same job before them and press the same button: at once, or when what
// the first has asked for is over already.
func pressedTwice[TTx any](t *testing.T, e env[TTx]) {
	o := openOffice(t, e)
	page := dashboard.New(o.host, dashboard.Config{Authorize: func(*http.Request, dashboard.Action) error { return nil }})
	press := func(id int64, verb string, more url.Values) (code int, answer string) {
		form := url.Values{"verb": {verb}, "kind": {"queue"}, "name": {"invoices"}, "service": {"jobs"}, "id": {fmt.Sprint(id)}}
		maps.Copy(form, more)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/actions", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept", "application/json")
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	due := func(id int64) string {
		job, err := o.queue.Job(t.Context(), id)
		must(t, err)
		return job.DueAt.UTC().Format(time.RFC3339Nano)
	}
	scheduled, completed := o.ids["scheduled"], o.ids["completed"]
	for _, c := range []struct {
		verb, says string
		id         int64
		more       url.Values
		then       rivertype.JobState
	}{
		{"reschedule", "it is scheduled and due at 2", scheduled, url.Values{"at": {time.Now().Add(2 * time.Hour).Format(time.RFC3339)}, "from": {due(scheduled)}}, rivertype.JobStateScheduled},
		{"cancel", "it is cancelled now", scheduled, nil, rivertype.JobStateCancelled},
		{"requeue", " now", completed, url.Values{"attempts": {"1"}}, rivertype.JobStateCompleted},
		{"discard", "there is no such job", completed, nil, ""},
	} {
		var codes [2]int
		var answers [2]string
		var both sync.WaitGroup
		for i := range codes {
			both.Go(func() { codes[i], answers[i] = press(c.id, c.verb, c.more) })
		}
		both.Wait()
		if codes[0] != http.StatusOK {
			codes[0], codes[1], answers[1] = codes[1], codes[0], answers[0]
		}
		if codes != [2]int{http.StatusOK, http.StatusConflict} || !strings.Contains(answers[1], c.says) {
			t.Errorf("%s: %v, %s", c.verb, codes, answers[1])
		}
		if c.then != "" {
			inState(t, o.jobs, c.id, c.then)
		}
		if c.verb != "requeue" {
			continue
		}
		until(t, "it has run once more", func() bool {
			job, err := o.queue.Job(t.Context(), c.id)
			must(t, err)
			return job.State == "completed" && job.Attempt == 2
		})
		if code, answer := press(c.id, c.verb, c.more); code != http.StatusConflict || !strings.Contains(answer, "it was requeued meanwhile, has had 2 attempts and is completed now") {
			t.Errorf("a page that is old requeues it again: %d, %s", code, answer)
		}
	}
}
