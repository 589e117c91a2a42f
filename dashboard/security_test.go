package dashboard_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/steadgo/stead/dashboard"
)

func TestAnActionFromAnotherSiteIsRefused(t *testing.T) {
	for name, prepare := range map[string]func(*http.Request){
		"cross-site":           func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"sub-domain":           func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"foreign origin":       func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"origin null":          func(r *http.Request) { r.Header.Set("Origin", "null") },
		"origin of other port": func(r *http.Request) { r.Header.Set("Origin", "http://example.com:81") },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *shop) {
				s.start(t)
				asked := false
				d := dashboard.New(s.host, dashboard.Config{Authorize: func(*http.Request, dashboard.Action) error { asked = true; return nil }})
				r := form("", "verb", "pause", "kind", "queue", "name", "emails")
				prepare(r)
				wantStatus(t, do(d, r), http.StatusForbidden)
				if s.workers.Paused() || asked {
					t.Errorf("paused: %v, authorize asked: %v", s.workers.Paused(), asked)
				}
			})
		})
	}
}

func TestAnActionFromThePageOrAProgramIsDone(t *testing.T) {
	for name, prepare := range map[string]func(*http.Request){
		"fetch metadata": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") },
		"typed":          func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "none") },
		// Over plain HTTP browsers send no fetch metadata, only the origin.
		"same origin": func(r *http.Request) { r.Header.Set("Origin", "http://example.com") },
		"curl":        func(*http.Request) {},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *shop) {
				s.start(t)
				r := form("", "verb", "pause", "kind", "queue", "name", "emails")
				prepare(r)
				wantStatus(t, do(dashboard.New(s.host, dashboard.Config{Authorize: allow}), r), http.StatusSeeOther)
				if !s.workers.Paused() {
					t.Error("the queue is not paused")
				}
			})
		})
	}
}

func TestGetChangesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		s.failForGood(t, 1, "broken")
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions} {
			for _, query := range []string{
				"verb=pause&kind=queue&name=emails", "verb=trigger&kind=schedule&name=report",
				"verb=discard&kind=queue&name=emails&service=mailer&id=1", "verb=pause&kind=schedule&name=report",
			} {
				w := do(d, httptest.NewRequest(method, "/actions?"+query, nil))
				wantStatus(t, w, http.StatusMethodNotAllowed)
				if w.Header().Get("Allow") != http.MethodPost {
					t.Errorf("%s: Allow is %q", method, w.Header().Get("Allow"))
				}
			}
		}
		// Nor may the query take the place of the form.
		w := do(d, httptest.NewRequest(http.MethodPost, "/actions?verb=pause&kind=queue&name=emails", nil))
		wantStatus(t, w, http.StatusBadRequest)
		synctest.Wait()
		if s.workers.Paused() || s.job.Stats().Paused || s.ran() > 0 || len(s.workers.Failures()) != 1 {
			t.Errorf("changed: queue paused %v, schedule %+v, ran %d, failures %d", s.workers.Paused(), s.job.Stats().Paused, s.ran(), len(s.workers.Failures()))
		}
		for _, page := range pages {
			w := do(d, httptest.NewRequest(http.MethodPost, "/"+page, nil))
			wantStatus(t, w, http.StatusMethodNotAllowed)
		}
	})
}

func TestWithoutAuthorizeThePageIsReadOnly(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		s.failForGood(t, 1, "broken")
		d := dashboard.New(s.host, dashboard.Config{})
		w := do(d, form("same-origin", "verb", "pause", "kind", "queue", "name", "emails"))
		wantStatus(t, w, http.StatusForbidden)
		wantText(t, w, "read-only")
		if s.workers.Paused() {
			t.Error("the queue is paused")
		}
		everyPage(t, d, func(page string, w *httptest.ResponseRecorder) {
			if strings.Contains(w.Body.String(), "<form") || strings.Contains(w.Body.String(), "<button") {
				t.Errorf("%s offers an action", page)
			}
		})
	})
}

func TestItemsAreHiddenUnlessAFormatterShowsThem(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		s.failForGood(t, 1, "broken")
		s.fail(errors.New("later"))
		if err := s.queue.Enqueue(t.Context(), secret{payload}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		hidden := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		everyPage(t, hidden, func(page string, w *httptest.ResponseRecorder) {
			if strings.Contains(w.Body.String(), payload) {
				t.Errorf("%s shows the item", page)
			}
		})
		if w := get(t, hidden, "/api/v1/state"); strings.Contains(w.Body.String(), payload) {
			t.Error("the JSON shows the item")
		}
		shown := dashboard.New(s.host, dashboard.Config{FormatItem: func(queue string, item any) string {
			return queue + " card ending in " + item.(secret).Text[15:]
		}})
		for _, page := range []string{"/queue?name=emails", "/failures", "/api/v1/state"} {
			w := get(t, shown, page)
			if n := strings.Count(w.Body.String(), "emails card ending in 1111"); n != 2 {
				t.Errorf("%s shows %d formatted items, want the failed and the waiting one", page, n)
			}
		}
		broken := dashboard.New(s.host, dashboard.Config{FormatItem: func(string, any) string { panic("formatter") }})
		w := get(t, broken, "/failures")
		wantStatus(t, w, http.StatusOK)
		wantText(t, w, "the formatter panicked")
	})
}

const evil = `<script>alert("x")</script><img src=x onerror=alert(1)>'"&`

func TestEverythingIsEscaped(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.runFail = errors.New(evil)
		s.host.Task(evil, func(_ context.Context) error { return nil })
		s.start(t)
		s.failForGood(t, 1, evil)
		if err := s.job.Trigger(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		d := dashboard.New(s.host, dashboard.Config{
			Title: evil, Authorize: func(*http.Request, dashboard.Action) error { return errors.New(evil) },
			FormatItem: func(string, any) string { return evil },
			LastStop:   []byte(`{"host":"shop","cause":"<script>alert(2)</script>","services":[{"name":"<script>","state":"failed"}]}`),
		})
		check := func(page string, w *httptest.ResponseRecorder) {
			body := w.Body.String()
			for _, raw := range []string{`<script>alert`, `<img src=x`, `"x"`, `<script>"`} {
				if strings.Contains(body, raw) {
					t.Errorf("%s has %s", page, raw)
				}
			}
		}
		everyPage(t, d, check)
		check("an unknown page", get(t, d, "/%3Cscript%3Ealert(1)"))
		check("an unknown queue", get(t, d, "/queue?name="+`%3Cscript%3Ealert(1)%3C/script%3E`))
		check("an unknown verb", get(t, d, "/?did=%3Cscript%3Ealert(1)"))
		check("a refusal", do(d, form("same-origin", "verb", "pause", "kind", "queue", "name", evil)))
		if w := get(t, d, "/api/v1/state"); strings.Contains(w.Body.String(), "<script>") {
			t.Error("the JSON has <script>, which a browser that sniffs could take for HTML")
		}
	})
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		d := dashboard.New(s.host, dashboard.Config{})
		for _, path := range append([]string{"nothing", "api/v1/state", "api/v1/schema.json", "assets/stead.css", "assets/stead.js", "assets/icon.svg", "assets/none", "actions"}, pages...) {
			h := get(t, d, "/"+path).Header()
			csp := h.Get("Content-Security-Policy")
			if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
				t.Errorf("%q: policy %q", path, csp)
			}
			if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" || h.Get("X-Frame-Options") != "DENY" {
				t.Errorf("%q: headers %v", path, h)
			}
			if h.Get("Cache-Control") == "" {
				t.Errorf("%q may be cached", path)
			}
		}
	})
}

var inline = regexp.MustCompile(`(?i)<script(>|[^>]*>[^<])|<style|\son[a-z]+=|\sstyle=|="javascript:|https?://`)

func TestPagesHaveNothingInlineAndNothingFromElsewhere(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		s.failForGood(t, 1, "broken")
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		everyPage(t, d, func(page string, w *httptest.ResponseRecorder) {
			if found := inline.FindString(w.Body.String()); found != "" {
				t.Errorf("%s has %q, which its own policy forbids", page, found)
			}
		})
	})
}

func TestOnlyTheHostsNamedAreAnswered(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow, Hosts: []string{"localhost", "127.0.0.1", "::1", "Admin.example"}})
		for host, want := range map[string]int{
			"localhost": http.StatusOK, "localhost:8080": http.StatusOK, "LOCALHOST:8080": http.StatusOK, "127.0.0.1:1": http.StatusOK,
			"[::1]:8080": http.StatusOK, "[::1]": http.StatusOK, "admin.example": http.StatusOK,
			"evil.example": http.StatusMisdirectedRequest, "localhost.evil.example": http.StatusMisdirectedRequest, "": http.StatusMisdirectedRequest,
		} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Host = host
			if w := do(d, r); w.Code != want {
				t.Errorf("host %q: %d, want %d", host, w.Code, want)
			}
		}
		r := form("same-origin", "verb", "pause", "kind", "queue", "name", "emails")
		r.Host = "rebound.example:8080" // the browser takes it for the same origin
		wantStatus(t, do(d, r), http.StatusMisdirectedRequest)
		if s.workers.Paused() {
			t.Error("the queue is paused")
		}
	})
}

func TestEveryActionIsLoggedWithWhoAsked(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		s.failForGood(t, 1, "broken")
		var log bytes.Buffer
		d := dashboard.New(s.host, dashboard.Config{
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Actor:  func(r *http.Request) string { user, _, _ := r.BasicAuth(); return user },
			Authorize: func(_ *http.Request, a dashboard.Action) error {
				if a.Verb == dashboard.Discard {
					return errors.New("not you")
				}
				return nil
			},
		})
		ask := func(fields ...string) string {
			log.Reset()
			r := form("same-origin", fields...)
			r.SetBasicAuth("ada", "pw")
			do(d, r)
			return log.String()
		}
		line := ask("verb", "pause", "kind", "queue", "name", "emails")
		for _, want := range []string{"level=INFO", "action=pause", "queue=emails", "actor=ada", "remote=192.0.2.1"} {
			if !strings.Contains(line, want) {
				t.Errorf("a done action is logged without %q: %s", want, line)
			}
		}
		line = ask("verb", "discard", "kind", "queue", "name", "emails", "service", "mailer", "id", "1")
		for _, want := range []string{"level=WARN", "action=discard", "service=mailer", "id=1", "actor=ada", "not you"} {
			if !strings.Contains(line, want) {
				t.Errorf("a refused action is logged without %q: %s", want, line)
			}
		}
		log.Reset()
		r := form("cross-site", "verb", "pause", "kind", "queue", "name", "emails")
		r.SetBasicAuth("ada", "pw")
		do(d, r)
		if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "actor=ada") {
			t.Errorf("a request from another site is logged as: %s", log.String())
		}
		if strings.Contains(log.String(), payload) {
			t.Error("the log has the item")
		}
	})
}
