package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/examples/internal/cli"
	"github.com/steadgo/stead/hosted"
)

// testSite is a site and what is behind its queue.
type testSite struct {
	*site

	queue   *channelq.Queue[welcome]
	senders *channelq.Workers[welcome]
	admin   *admin
	logged  *strings.Builder
}

// newSite returns a site whose workers are not started, so that nothing leaves
// the queue.
func newSite(t *testing.T, capacity int) testSite {
	t.Helper()
	emails := cli.Must(channelq.New(channelq.Config[welcome]{Name: "emails", Capacity: capacity, OnFull: channelq.Reject}))
	senders := cli.Must(channelq.NewWorkers(emails, newMailer(config{smtp: "127.0.0.1:1"}, nil).send, channelq.WorkerConfig[welcome]{}))
	logged := &strings.Builder{}
	log := slog.New(slog.NewTextHandler(logged, nil))
	host := hosted.New(hosted.Config{Name: "test"})
	host.Add("emails", senders)
	return testSite{logged: logged, queue: emails, senders: senders, admin: newAdmin(host, config{adminToken: testToken, log: log}), site: &site{
		role: all, host: host, emails: outbox{Enqueuer: emails, stats: senders.Stats}, catcher: newCatcher(),
		products: newProducts(newOrigin(0), log), log: log,
	}}
}

// serve asks the server that has the path.
func (s testSite) serve(r *http.Request) (int, http.Header, string) {
	w := httptest.NewRecorder()
	if isAdmin(r.URL.Path) {
		s.admin.routes(s.host).ServeHTTP(w, r)
	} else {
		s.routes().ServeHTTP(w, r)
	}
	resp := w.Result()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(body)
}

func request(kind, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/signup", strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	return r
}

func TestSignUpSaysWhatIsWrongWithAnAddress(t *testing.T) {
	s := newSite(t, 10)
	for name, c := range map[string]struct {
		kind, body string
		code       int
		says       string
	}{
		"form":                 {form, "email=a%40example.com", 202, "a@example.com"},
		"spaces around it":     {form, "email=+a%40example.com+", 202, "a@example.com"},
		"JSON":                 {"application/json; charset=utf-8", `{"email":"a@example.com"}`, 202, `"status"`},
		"nothing":              {form, "", 400, "Please enter"},
		"no at sign":           {form, "email=example.com", 400, "does not look like"},
		"no dot":               {form, "email=a%40b", 400, "does not look like"},
		"a name with it":       {form, "email=" + "Bob+%3Ca%40example.com%3E", 400, "does not look like"},
		"two of them":          {form, "email=a%40example.com,b%40example.com", 400, "does not look like"},
		"a second header line": {form, "email=a%40example.com%0d%0aBcc:b%40example.com", 400, "does not look like"},
		"too long":             {form, "email=" + strings.Repeat("a", 250) + "%40example.com", 400, "does not look like"},
		"markup":               {form, "email=%3Cscript%3E%40example.com", 400, "does not look like"},
		"not JSON":             {"application/json", "email", 400, `"error"`},
		"JSON and more":        {"application/json", `{"email":"a@example.com"} {"email":"b@example.com"}`, 400, `"error"`},
		"JSON and garbage":     {"application/json", `{"email":"a@example.com"}]`, 400, `"error"`},
		"JSON and a new line":  {"application/json", `{"email":"a@example.com"}` + "\n", 202, `"status"`},
		"endless":              {form, "email=" + strings.Repeat("a", 1<<20), 413, "too long"},
		"endless JSON":         {"application/json", `{"email":"` + strings.Repeat("a", 1<<20), 413, `"error"`},
		"endless end of JSON":  {"application/json", `{"email":"a@example.com"}` + strings.Repeat(" ", 1<<20), 413, `"error"`},
	} {
		t.Run(name, func(t *testing.T) {
			before := s.queue.Len()
			code, header, body := s.serve(request(c.kind, c.body))
			if code != c.code || !strings.Contains(body, c.says) {
				t.Errorf("%d, want %d and %q in\n%s", code, c.code, c.says, body)
			}
			if isHTML := strings.HasPrefix(header.Get("Content-Type"), "text/html"); isHTML != (c.kind == form) {
				t.Errorf("answered with %s", header.Get("Content-Type"))
			}
			if queued := s.queue.Len() - before; (queued == 1) != (c.code == 202) {
				t.Errorf("%d mails queued", queued)
			}
			if strings.Contains(body, "<script") {
				t.Error("markup came back as it was sent")
			}
		})
	}
}

func TestSignUpAsksToComeBackWhenTheQueueIsFullOrClosed(t *testing.T) {
	s := newSite(t, 1)
	for range 2 {
		code, header, body := s.serve(request(form, "email=a%40example.com"))
		if s.queue.Stats().Refused.Total() == 0 {
			continue // the first one fits
		}
		if code != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || !strings.Contains(body, "try again") {
			t.Errorf("full: %d %v %s", code, header, body)
		}
	}
	s.queue.Close()
	if code, header, _ := s.serve(request("application/json", `{"email":"a@example.com"}`)); code != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		t.Errorf("closed: %d %v", code, header)
	}
}

func TestTheFormKeepsWhatWasTypedUntilItIsRight(t *testing.T) {
	s := newSite(t, 10)
	if _, _, body := s.serve(request(form, "email=%22jane%40example")); !strings.Contains(body, `value="&#34;jane@example"`) {
		t.Errorf("after an error the form has not kept the address:\n%s", body)
	}
	if _, _, body := s.serve(request(form, "email=jane%40example.com")); !strings.Contains(body, `value=""`) {
		t.Errorf("after a sign-up the form is not empty:\n%s", body)
	}
}

func TestSignUpSaysSoWhenTheStoreIsAway(t *testing.T) {
	s := newSite(t, 10)
	s.emails.Enqueuer = away{}
	code, header, body := s.serve(request("application/json", `{"email":"a@example.com"}`))
	if code != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || strings.Contains(body, "secret") {
		t.Errorf("%d %v %s", code, header, body)
	}
}

// away is a queue whose store does not answer.
type away struct{}

func (away) Enqueue(ctx context.Context, _ welcome) error {
	if _, bounded := ctx.Deadline(); !bounded {
		return nil // it would wait for ever
	}
	return errors.New("dial tcp: secret.internal: no such host")
}

func TestSignUpIsRefusedFromAnotherSite(t *testing.T) {
	r := request(form, "email=a%40example.com")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	s := newSite(t, 1)
	if code, _, _ := s.serve(r); code != http.StatusForbidden || s.queue.Len() != 0 {
		t.Errorf("%d, %d queued", code, s.queue.Len())
	}
}

func TestPagesEscapeWhatMailsSay(t *testing.T) {
	s := newSite(t, 1)
	if err := s.catcher.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.catcher.Stop(t.Context()) }()
	s.catcher.keep(caught{To: "a@example.com", Subject: "<script>alert(1)</script>", Text: "<b>"})
	for path, want := range map[string]string{"/": "being fetched", "/mails": "&lt;script&gt;", "/admin/": "emails", "/metrics": "stead_queue_depth"} {
		code, header, body := s.serve(httptest.NewRequest(http.MethodGet, path, nil))
		if code != http.StatusOK || !strings.Contains(body, want) || strings.Contains(body, "<script>") {
			t.Errorf("%s: %d\n%s", path, code, body)
		}
		policy := header.Get("Content-Security-Policy")
		if header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(policy, "default-src") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: headers %v", path, header)
		}
	}
}

func TestTheCatcherForgetsOldMailsAndIsBounded(t *testing.T) {
	c := newCatcher()
	c.keep(caught{To: "old", At: time.Now().Add(-25 * time.Hour)})
	c.keep(caught{To: "new", At: time.Now()})
	if err := c.cleanUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := c.newest(0); len(left) != 1 || left[0].To != "new" {
		t.Errorf("left %v", left)
	}
	for range mostCaught + 10 {
		c.keep(caught{To: "newest"})
	}
	if left := c.newest(0); len(left) != mostCaught {
		t.Errorf("kept %d", len(left))
	}
	if left := c.newest(3); len(left) != 3 || left[0].To != "newest" {
		t.Errorf("newest %v", left)
	}
}

func TestOnlyAFinalRefusalIsPermanent(t *testing.T) {
	// A server that is not there is worth another attempt.
	m := newMailer(config{smtp: "127.0.0.1:1"}, nil)
	if err := m.send(t.Context(), welcome{"a@example.com"}); err == nil || isPermanent(t, err) {
		t.Errorf("nobody listens: %v", err)
	}
	if err := m.send(t.Context(), welcome{"not an address"}); err == nil || !isPermanent(t, err) {
		t.Errorf("cannot be addressed: %v", err)
	}
}

// isPermanent asks the queue: a permanent error is not tried again.
func isPermanent(t *testing.T, err error) bool {
	t.Helper()
	q := cli.Must(channelq.New(channelq.Config[int]{Capacity: 1}))
	w := cli.Must(channelq.NewWorkers(q, func(context.Context, int) error { return err }, channelq.WorkerConfig[int]{
		Retry: channelq.Retry{Attempts: 2, Initial: time.Nanosecond},
	}))
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := q.Enqueue(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := w.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w.Stats().Retried == 0
}

func TestARefusedMailIsReportedWithoutItsAddress(t *testing.T) {
	c := newCatcher()
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Stop(t.Context()) }()
	m := newMailer(config{}, c)
	err := m.send(t.Context(), welcome{"jane@" + goneDomain})
	if err == nil || strings.Contains(err.Error(), "jane") || !strings.Contains(err.Error(), "550 5.1.1") || !isPermanent(t, err) {
		t.Errorf("no such mailbox: %v", err)
	}
	// A greylisted one gets through in the end: every other attempt is taken.
	for err = m.send(t.Context(), welcome{"jane@" + busyDomain}); err != nil; err = m.send(t.Context(), welcome{"jane@" + busyDomain}) {
		if strings.Contains(err.Error(), "jane") || !strings.Contains(err.Error(), "451") || isPermanent(t, err) {
			t.Fatalf("greylisted: %v", err)
		}
	}
}
