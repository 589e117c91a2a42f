package dashboard_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/steadgo/stead/dashboard"
)

// strip takes slashes off the end of paths as middleware of routers does: chi's
// StripSlashes lets the request line as it was, echo's RemoveTrailingSlash does not, and
// both can send the browser to the other address instead.
func strip(h http.Handler, how string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		short := strings.TrimSuffix(r.URL.Path, "/")
		if short == r.URL.Path || short == "" {
			h.ServeHTTP(w, r)
			return
		}
		to := *r.URL
		to.Path = short
		switch how {
		case "redirected":
			http.Redirect(w, r, to.String(), http.StatusMovedPermanently)
			return
		case "with the request line":
			r.RequestURI = to.RequestURI()
		}
		r.URL = &to
		h.ServeHTTP(w, r)
	})
}

// extend does the opposite, as echo's AddTrailingSlash.
func extend(h http.Handler, _ string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/") && !strings.Contains(r.URL.Path, ".") && r.Method == http.MethodGet {
			r.URL.Path += "/"
			r.RequestURI = r.URL.RequestURI()
		}
		h.ServeHTTP(w, r)
	})
}

var baseTag = regexp.MustCompile(`<base href="([^"]*)">`)

// surf asks as a browser does, and returns the address where it came to, what links
// there are relative to, and the page.
func surf(t *testing.T, h http.Handler, address string) (at, base *url.URL, body string) {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		w := do(h, httptest.NewRequest(http.MethodGet, at.String(), nil))
		if to := w.Header().Get("Location"); to != "" {
			if at, err = at.Parse(to); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if w.Code != http.StatusOK {
			t.Fatalf("%s: status %d", at, w.Code)
		}
		base = at
		if m := baseTag.FindStringSubmatch(w.Body.String()); m != nil {
			if base, err = at.Parse(m[1]); err != nil {
				t.Fatal(err)
			}
		}
		if policy := w.Header().Get("Content-Security-Policy"); base != at && !strings.Contains(policy, "base-uri 'self'") {
			t.Errorf("%s: the browser would not take the base: %s", at, policy)
		}
		return at, base, w.Body.String()
	}
	t.Fatalf("%s: it redirects for ever", address)
	return nil, nil, ""
}

func TestPagesWorkBehindWhateverTakesSlashesOffOrPutsThemOn(t *testing.T) {
	both := func(h http.Handler) http.Handler { // a mux knows /admin and what is below it
		mux := http.NewServeMux()
		mux.Handle("/admin", h)
		mux.Handle("/admin/", h)
		return mux
	}
	prefixed := func(h http.Handler) http.Handler { return http.StripPrefix("/admin", h) }
	for name, c := range map[string]struct {
		mount  func(http.Handler) http.Handler
		change func(http.Handler, string) http.Handler
		how    string
		but    string // nobody can tell what the browser shows then
	}{
		"nobody":                           {prefixed, func(h http.Handler, _ string) http.Handler { return h }, "", ""},
		"taken off":                        {prefixed, strip, "", ""},
		"taken off, with the request line": {prefixed, strip, "with the request line", "/admin/queues/"},
		"taken off by a redirect":          {prefixed, strip, "redirected", ""},
		"mux, taken off":                   {both, strip, "", ""},
		"mux, taken off by a redirect":     {both, strip, "redirected", ""},
		"put on":                           {prefixed, extend, "", "/admin"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *shop) {
				s.start(t)
				h := c.change(c.mount(dashboard.New(s.host, dashboard.Config{})), c.how)
				for _, start := range []string{"/admin", "/admin/", "/admin/queues", "/admin/queues/", "/admin/queue?name=emails"} {
					if start == c.but {
						continue
					}
					at, base, body := surf(t, h, "http://example.com"+start)
					for _, m := range links.FindAllStringSubmatch(body, -1) {
						link, err := base.Parse(m[1])
						if err != nil || !strings.HasPrefix(link.Path, "/admin/") && link.Path != "/admin" || strings.HasPrefix(link.Path, "/admin/admin") {
							t.Errorf("%s, at %s: %q leads to %v", start, at, m[1], link)
						}
					}
					for _, file := range []string{"assets/stead.css", "queues"} {
						if link, err := base.Parse(file); err != nil || link.Path != "/admin/"+file {
							t.Errorf("%s, at %s: %s is %v", start, at, file, link)
						}
					}
				}
			})
		})
	}
}

// Whoever guards the actions has guarded them: there is no second way with a slash.
func TestOnlyPagesMayEndInASlash(t *testing.T) {
	d := dashboard.New(newShop(t).host, dashboard.Config{Authorize: allow})
	for _, path := range []string{"/actions/", "/api/v1/state/", "/stream/", "/assets/stead.css/", "/queues//"} {
		if w := get(t, d, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
	r := form("same-origin", "verb", "pause", "kind", "queue", "name", "emails")
	r.URL.Path, r.RequestURI = "/actions/", "/actions/"
	wantStatus(t, do(d, r), http.StatusMethodNotAllowed)
}

func TestAMountForReadingSaysWhyActionsCannotWork(t *testing.T) {
	d := dashboard.New(newShop(t).host, dashboard.Config{Authorize: allow})
	mux := http.NewServeMux()
	mux.Handle("GET /admin/", d)
	wantText(t, get(t, mux, "/admin/"), "Mounted as GET /admin/", "no action comes through")
}

// unflushable is a writer of a middleware that says it can flush and cannot, as echo's.
type unflushable struct{ *httptest.ResponseRecorder }

func (unflushable) Flush() { panic(errors.New("response writer flushing is not supported")) }
