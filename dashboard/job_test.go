package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

// vaults is a service of durable jobs with one queue.
type vaults struct {
	hosted.Service
	queue *vault
}

func (v *vaults) Queues() []interface{ Name() string } { return []interface{ Name() string }{v.queue} }
func (v *vaults) Instances() []lifecycle.Instance {
	return []lifecycle.Instance{{ID: "p2", Host: "worker-<1>", PID: 77}}
}

// vault is a queue of durable jobs that has one job.
type vault struct {
	mu   sync.Mutex
	job  channelq.JobDetail
	lost error
	acts []string
}

const vaultName = `a/b&<i>`

func newVault() *vault {
	return &vault{
		job: channelq.JobDetail{
			ID: 7, Queue: "own", State: "discarded", Item: "x", Key: "<key>", Meta: map[string]string{"<by>": "<ann>"}, UniqueHash: strings.Repeat("ab", 32),
			Attempt: 4, MaxAttempts: 4, Priority: 2, Schedule: "<nightly>", EnqueuedAt: customTime, DueAt: customTime.Add(time.Microsecond), StartedAt: customTime, EndedAt: customTime, Process: "p1",
			Failures:   []channelq.JobFailure{{Attempt: 2, At: customTime, Err: "<b>first</b>"}, {Attempt: 4, At: customTime, Took: 3 * time.Second, Err: "second", Stack: "at <main>", Process: "p2"}},
			CanRequeue: true, CanDiscard: true, CanReschedule: true,
		},
	}
}

func (v *vault) Name() string           { return vaultName }
func (v *vault) Stats() channelq.Stats  { return channelq.Stats{Name: vaultName} }
func (v *vault) States() map[string]int { return map[string]int{"discarded": 1} }
func (v *vault) Failures() []channelq.Failure {
	return []channelq.Failure{{ID: 7, Err: errors.New("second"), Attempts: 4}}
}
func (v *vault) Retrying() []channelq.Retrying {
	return []channelq.Retrying{{ID: 8, Err: errors.New("later")}}
}
func (v *vault) Jobs(string) []channelq.StoredJob { return []channelq.StoredJob{{ID: 7}} }

func (v *vault) Job(_ context.Context, id int64) (channelq.JobDetail, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.lost != nil:
		return channelq.JobDetail{}, v.lost
	case id != v.job.ID:
		return channelq.JobDetail{}, fmt.Errorf("get job %d: %w", id, fs.ErrNotExist)
	}
	return v.job, nil
}

// change lets the first of two change the job.
func (v *vault) change(act string, can func() bool, state string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !can() {
		return fmt.Errorf("%s: it is %s now", act, v.job.State)
	}
	v.acts, v.job.State = append(v.acts, act), state
	return nil
}

func (v *vault) Requeue(id int64) error { return v.RequeueIf(id, 4) }
func (v *vault) RequeueIf(_ int64, attempts int) error {
	return v.change("requeue", func() bool { return v.job.State == "discarded" && v.job.Attempt == attempts }, "available")
}

func (v *vault) Discard(int64) error {
	return v.change("discard", func() bool { return v.job.State == "discarded" }, "gone")
}

func (v *vault) Cancel(int64) error {
	return v.change("cancel", func() bool { return v.job.State != "cancelled" }, "cancelled")
}

func (v *vault) RescheduleIf(_ int64, from, at time.Time) error {
	return v.change("reschedule", func() bool {
		if !from.IsZero() && !v.job.DueAt.Equal(from) {
			return false
		}
		v.job.DueAt = at
		return true
	}, "scheduled")
}

const vaultPage = "/job?name=7%2Fjobs%2Fa%2Fb%26%3Ci%3E"

func inVault(t *testing.T, cfg dashboard.Config, f func(t *testing.T, v *vault, d *dashboard.Dashboard)) {
	inBubble(t, func(t *testing.T, s *shop) {
		v := newVault()
		s.host.Add("jobs", &vaults{hosted.Once(func(context.Context) error { return nil }), v})
		s.start(t)
		f(t, v, dashboard.New(s.host, cfg))
	})
}

func TestAJobOfAStoreHasAPageWithAllThatIsKnown(t *testing.T) {
	inVault(t, dashboard.Config{Authorize: allow, FormatItem: func(_ string, item any) string { return fmt.Sprintf("<item %v>", item) }}, func(t *testing.T, v *vault, d *dashboard.Dashboard) {
		for _, list := range []string{"/jobs?name=a/b%26%3Ci%3E/discarded", "/queue?name=a/b%26%3Ci%3E", "/failures"} {
			wantText(t, get(t, d, list), `href="job?name=7%2fjobs%2fa%2fb%26%3ci%3e"`)
		}
		wantText(t, get(t, d, "/failures"), `href="job?name=8%2fjobs%2fa%2fb%26%3ci%3e"`)
		w := get(t, d, vaultPage)
		wantStatus(t, w, http.StatusOK)
		wantText(t, w, "Job 7 of a/b&amp;&lt;i&gt;", "&lt;item x&gt;", "&lt;key&gt;", "&lt;by&gt;", "&lt;ann&gt;", "abababababababab…", "&lt;nightly&gt;",
			"&lt;b&gt;first&lt;/b&gt;", "not known", "at &lt;main&gt;", "worker-&lt;1&gt; 77", "3\u00a0s", "Of 2 other attempts nothing is known.",
			`value="requeue"`, `value="discard"`, `value="reschedule"`, `name="attempts" value="4"`, `name="from" value="2026-01-02T03:04:05.000001Z"`, `value="2026-01-02T03:04:05"`)
		for _, unwanted := range []string{"<item", "<key", "<by", "<nightly", "<b>", "<main>", "worker-<", `value="cancel"`} {
			if strings.Contains(w.Body.String(), unwanted) {
				t.Errorf("the page has %s", unwanted)
			}
		}
		if body := w.Body.String(); strings.Index(body, "second") > strings.Index(body, "first") {
			t.Error("the last attempt is not on top")
		}
		v.job.State, v.job.Failures, v.job.DueAt = "running", nil, time.Time{}
		wantText(t, get(t, d, vaultPage), "after other jobs", ">running</td>", "Of 3 other attempts")
		v.job.State, v.job.StartedAt = "completed", customTime.Add(-2*time.Second)
		wantText(t, get(t, d, vaultPage), ">completed</td>", "2\u00a0s")
		v.job.Attempt, v.job.State, v.job.CanRequeue = 0, "scheduled", true
		wantText(t, get(t, d, vaultPage), "None has begun.", "Run now")
	})
}

func TestWithoutAFormatterThePageOfAJobHidesItsItem(t *testing.T) {
	inVault(t, dashboard.Config{}, func(t *testing.T, _ *vault, d *dashboard.Dashboard) {
		w := get(t, d, vaultPage)
		wantText(t, w, "second")
		for _, unwanted := range []string{"key&gt;", "ann&gt;", "<button", "<form"} {
			if strings.Contains(w.Body.String(), unwanted) {
				t.Errorf("the page has %s", unwanted)
			}
		}
	})
}

func TestAJobThatCannotBeReadIsNotAnEmptyPage(t *testing.T) {
	inVault(t, dashboard.Config{Authorize: allow}, func(t *testing.T, v *vault, d *dashboard.Dashboard) {
		w := get(t, d, "/job?name=8%2Fjobs%2Fa%2Fb%26%3Ci%3E")
		wantStatus(t, w, http.StatusNotFound)
		wantText(t, w, "It is not in the store, or not any more")
		for _, none := range []string{"", "7", "7/jobs", "7/jobs/none", "x/jobs/a/b", "7/other/a%2Fb%26%3Ci%3E"} {
			wantStatus(t, get(t, d, "/job?name="+none), http.StatusNotFound)
		}
		v.lost = errors.New("connection <refused>")
		w = get(t, d, vaultPage)
		wantStatus(t, w, http.StatusOK)
		wantText(t, w, "The job cannot be read", "connection &lt;refused&gt;")
		if strings.Contains(w.Body.String(), "<dl") || strings.Contains(w.Body.String(), "<form") {
			t.Error("the page shows a job that is not known")
		}
	})
}

func TestOfTwoWhoPressOneButtonTheSecondIsToldTheState(t *testing.T) {
	for _, c := range []struct {
		verb, refusal string
		more          []string
	}{
		{"requeue", "it is available now", []string{"attempts", "4"}},
		{"discard", "it is gone now", nil},
		{"cancel", "it is cancelled now", nil},
		{"reschedule", "it is scheduled now", []string{"at", "2027-01-02T03:04", "from", "2026-01-02T03:04:05.000001Z"}},
	} {
		inVault(t, dashboard.Config{Authorize: allow}, func(t *testing.T, v *vault, d *dashboard.Dashboard) {
			var both sync.WaitGroup
			codes := make([]int, 2)
			bodies := make([]string, 2)
			for i := range 2 {
				both.Go(func() {
					r := form("", append([]string{"verb", c.verb, "kind", "queue", "name", vaultName, "service", "jobs", "id", "7"}, c.more...)...)
					r.Header.Set("Accept", "application/json")
					w := do(d, r)
					codes[i], bodies[i] = w.Code, w.Body.String()
				})
			}
			both.Wait()
			if codes[0] != http.StatusOK {
				codes[0], codes[1], bodies[0], bodies[1] = codes[1], codes[0], bodies[1], bodies[0]
			}
			if codes[0] != http.StatusOK || codes[1] != http.StatusConflict || !strings.Contains(bodies[1], c.refusal) || len(v.acts) != 1 {
				t.Errorf("%s: %v, %q", c.verb, codes, bodies)
			}
		})
	}
}

func TestTheTabNamesTheJob(t *testing.T) {
	inVault(t, dashboard.Config{}, func(t *testing.T, _ *vault, d *dashboard.Dashboard) {
		wantText(t, get(t, d, vaultPage), "Job 7 of a/b&amp;&lt;i&gt; · ")
	})
}

func TestATimeIsReadAsUTCAndAllOfItIsGuarded(t *testing.T) {
	var asked dashboard.Action
	deny := error(nil)
	cfg := dashboard.Config{Authorize: func(_ *http.Request, a dashboard.Action) error { asked = a; return deny }}
	inVault(t, cfg, func(t *testing.T, v *vault, d *dashboard.Dashboard) {
		fields := []string{"verb", "reschedule", "kind", "queue", "name", vaultName, "service", "jobs", "id", "7", "page", "job", "of", "7/jobs/" + vaultName, "at"}
		for _, at := range []string{"2027-01-02T03:04", "2027-01-02T03:04:00", "2027-01-02T05:04:00+02:00"} {
			w := do(d, form("", append(fields, at)...))
			wantStatus(t, w, http.StatusSeeOther)
			if want := time.Date(2027, 1, 2, 3, 4, 0, 0, time.UTC); !v.job.DueAt.Equal(want) || !asked.At.Equal(want) {
				t.Errorf("%s is %v, and Authorize was asked for %v", at, v.job.DueAt, asked.At)
			}
			wantText(t, get(t, d, "/"+w.Header().Get("Location")), "7 of a/b&amp;&lt;i&gt; is due at 2027-01-02 03:04:00 UTC.")
		}
		before := time.Now()
		wantStatus(t, do(d, form("", append(fields, "1999-01-02T03:04")...)), http.StatusSeeOther)
		if v.job.DueAt.Before(before) || asked.At.Before(before) {
			t.Errorf("a time that is over is %v, and Authorize was asked for %v", v.job.DueAt, asked.At)
		}
		for _, bad := range [][]string{{"tomorrow"}, {""}, {"2027-01-02T03:04", "from", "then"}} {
			wantStatus(t, do(d, form("", append(fields, bad...)...)), http.StatusBadRequest)
		}
		wantStatus(t, do(d, form("cross-site", append(fields, "2027-01-02T03:04")...)), http.StatusForbidden)
		deny = errors.New("not you")
		wantStatus(t, do(d, form("", append(fields, "2027-01-02T03:04")...)), http.StatusForbidden)
		deny = nil
		for _, bad := range []string{"-1", "x", "99999999999999999999"} {
			wantStatus(t, do(d, form("", "verb", "requeue", "kind", "queue", "name", vaultName, "service", "jobs", "id", "7", "attempts", bad)), http.StatusBadRequest)
		}
		if len(v.acts) != 4 {
			t.Errorf("done: %v", v.acts)
		}
		wantStatus(t, do(d, form("", "verb", "reschedule", "kind", "queue", "name", "emails", "service", "mailer", "id", "1", "at", "2027-01-02T03:04")), http.StatusNotFound)
	})
}
