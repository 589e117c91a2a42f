package dashboard_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/steadgo/stead/dashboard"
)

var (
	links  = regexp.MustCompile(`(?:href|src|action)="([^"#]*)"`)
	fields = regexp.MustCompile(`name="(verb|kind|name|page|of)" value="([^"]*)"`)
)

// TestItWorksUnderAnyPrefix follows every link of every page, as a browser would
// resolve it, and posts every form.
func TestItWorksUnderAnyPrefix(t *testing.T) {
	for name, c := range map[string]struct {
		root  string
		mount func(h http.Handler) http.Handler
	}{
		"root":           {"/", func(h http.Handler) http.Handler { return h }},
		"prefix":         {"/admin/", func(h http.Handler) http.Handler { return http.StripPrefix("/admin", h) }},
		"two":            {"/a/b/", func(h http.Handler) http.Handler { return http.StripPrefix("/a/b", h) }},
		"prefix with /":  {"/admin/", func(h http.Handler) http.Handler { return http.StripPrefix("/admin/", h) }},
		"escaped prefix": {"/my%20admin/", func(h http.Handler) http.Handler { return http.StripPrefix("/my admin", h) }},
		"mux": {"/admin/", func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/admin/", http.StripPrefix("/admin", h))
			return mux
		}},
		"mux alone":         {"/admin/", muxed("/admin/")},
		"mux, two":          {"/a/b/", muxed("/a/b/")},
		"mux, a host":       {"/admin/", muxed("example.com/admin/")},
		"mux, wildcards":    {"/acme%2Finc/admin/", muxed("/{tenant}/admin/{rest...}")},
		"mux, like a page":  {"/queues/", muxed("/queues/")},
		"mux, like assets":  {"/assets/", muxed("/assets/")},
		"mux, like the API": {"/api/", muxed("/api/")},
		"mux in a mux": {"/a/b/", func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/a/", http.StripPrefix("/a", muxed("/b/")(h)))
			return mux
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *shop) {
				s.start(t)
				s.failForGood(t, 1, "broken")
				h := c.mount(dashboard.New(s.host, dashboard.Config{Authorize: allow}))
				seen := map[string]bool{}
				var visit func(page *url.URL)
				visit = func(page *url.URL) {
					if seen[page.String()] {
						return
					}
					seen[page.String()] = true
					if !strings.HasPrefix(page.EscapedPath(), c.root) {
						t.Errorf("a link leads out of %s: %s", c.root, page)
						return
					}
					if strings.HasSuffix(page.Path, "/actions") {
						return
					}
					w := get(t, h, page.String())
					if w.Code != http.StatusOK {
						t.Errorf("%s: status %d", page, w.Code)
					}
					if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
						return
					}
					for _, m := range links.FindAllStringSubmatch(w.Body.String(), -1) {
						link, err := page.Parse(m[1])
						if err != nil || strings.HasPrefix(m[1], "/") {
							t.Errorf("%s: the link %q is not relative: %v", page, m[1], err)
							continue
						}
						visit(link)
					}
				}
				start, err := url.Parse("http://example.com" + c.root)
				if err != nil {
					t.Fatal(err)
				}
				visit(start)
				for _, page := range append([]string{"assets/stead.css", "assets/stead.js", "api/v1/state"}, pages...) {
					if !seen[start.String()+page] {
						t.Errorf("no link leads to %q", page)
					}
				}
				r := form("same-origin", "verb", "pause", "kind", "queue", "name", "emails", "page", "queues")
				r.URL.Path, r.RequestURI = strings.ReplaceAll(c.root, "%20", " ")+"actions", c.root+"actions"
				w := do(h, r)
				wantStatus(t, w, http.StatusSeeOther)
				if back, err := start.Parse(w.Header().Get("Location")); err != nil || back.EscapedPath() != c.root+"queues" {
					t.Errorf("an action leads back to %v", back)
				}
			})
		})
	}
}

// muxed mounts a handler and strips nothing.
func muxed(pattern string) func(h http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle(pattern, h)
		return mux
	}
}

func TestAPathThatItCannotKnowIsAnsweredWithHowToMountIt(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		for _, path := range []string{"/my/admin/", "/my/admin/queues", "/my/admin/<b>"} {
			w := get(t, d, path)
			wantStatus(t, w, http.StatusNotFound)
			wantText(t, w, strconv.Quote(path), `mux.Handle("/my/admin/", http.StripPrefix("/my/admin", dash))`)
			if kind := w.Header().Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") {
				t.Errorf("%s: what came is sent back as %s", path, kind)
			}
		}
		// A page that there is not is one below a mount that is right.
		for path, h := range map[string]http.Handler{
			"/nowhere": d, "/admin/nowhere": muxed("/admin/")(d), "/admin/no/where": muxed("/admin/")(d),
			"/admin/now/here": http.StripPrefix("/admin", d),
		} {
			w := get(t, h, path)
			wantStatus(t, w, http.StatusNotFound)
			wantText(t, w, "There is no such page.")
		}
	})
}

// A program may guard one place by a pattern of its own; no other path leads there.
func TestAnActionHasOnePath(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		for name, h := range map[string]http.Handler{"a mux": muxed("/admin/")(d), "no mux": d} {
			for _, path := range []string{"/admin/x/actions", "/admin/actions/", "/admin/queues/actions", "/x/actions"} {
				r := form("same-origin", "verb", "pause", "kind", "queue", "name", "emails")
				r.URL.Path, r.RequestURI = path, path
				if w := do(h, r); w.Code < 400 || s.workers.Paused() {
					t.Fatalf("%s: an action at %s: status %d", name, path, w.Code)
				}
			}
		}
	})
}

func TestAFormHasAllThatItsActionNeeds(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		s.failForGood(t, 1, "broken")
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		verbs := map[string]bool{}
		everyPage(t, d, func(page string, w *httptest.ResponseRecorder) {
			for _, html := range strings.Split(w.Body.String(), "<form ")[1:] {
				html, _, _ = strings.Cut(html, "</form>")
				if !strings.HasPrefix(html, `method="post" action="actions"`) || !strings.Contains(html, "<button") {
					t.Errorf("%s: a form that is none of ours: %s", page, html)
				}
				got := map[string]string{}
				for _, m := range fields.FindAllStringSubmatch(html, -1) {
					got[m[1]] = m[2]
				}
				verbs[got["verb"]] = true
				if got["kind"] == "" || got["name"] == "" {
					t.Errorf("%s: a form without kind or name: %s", page, html)
				}
				if (got["verb"] == "requeue" || got["verb"] == "discard") && !strings.Contains(html, `name="service" value="mailer"`) {
					t.Errorf("%s: a form without service: %s", page, html)
				}
			}
		})
		for _, verb := range []string{"pause", "trigger", "requeue", "discard"} {
			if !verbs[verb] {
				t.Errorf("no page has a button to %s", verb)
			}
		}
	})
}

func TestAPathWithoutItsSlashIsLedToTheOneWith(t *testing.T) {
	s := newShop(t)
	d := dashboard.New(s.host, dashboard.Config{})
	for path, want := range map[string]string{"/admin": "admin/?slash=admin", "/a/b": "b/?slash=b", "/my%20admin": "my%20admin/?slash=my+admin", "/admin?x=1": "admin/?slash=admin&x=1"} {
		prefix, _, _ := strings.Cut(strings.ReplaceAll(path, "%20", " "), "?")
		w := get(t, http.StripPrefix(prefix, d), path)
		wantStatus(t, w, http.StatusSeeOther)
		if got := w.Header().Get("Location"); got != want {
			t.Errorf("%s leads to %q, want %q", path, got, want)
		}
	}
	wantStatus(t, get(t, d, "/"), http.StatusOK)
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	s := newShop(t)
	d := dashboard.New(s.host, dashboard.Config{})
	for _, path := range []string{"none", "queue", "queue?name=none", "schedule?name=none", "assets/", "assets/none", "assets/../doc.go", "api/v1", "api/v1/none", "services//", "error"} {
		w := get(t, d, "/"+path)
		wantStatus(t, w, http.StatusNotFound)
	}
}

func TestAssetsAreKeptByTheBrowserUntilTheyChange(t *testing.T) {
	s := newShop(t)
	d := dashboard.New(s.host, dashboard.Config{})
	for name, kind := range map[string]string{"stead.css": "text/css", "stead.js": "text/javascript", "icon.svg": "image/svg+xml"} {
		w := get(t, d, "/assets/"+name)
		wantStatus(t, w, http.StatusOK)
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, kind) {
			t.Errorf("%s is %q", name, got)
		}
		r := httptest.NewRequest(http.MethodGet, "/assets/"+name, nil)
		r.Header.Set("If-None-Match", w.Header().Get("ETag"))
		again := do(d, r)
		wantStatus(t, again, http.StatusNotModified)
		if rest, _ := io.ReadAll(again.Body); len(rest) > 0 {
			t.Errorf("%s was sent again", name)
		}
	}
}

func TestAnActionAnswersJSONToThoseWhoAskForIt(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		r := form("", "verb", "trigger", "kind", "schedule", "name", "report")
		r.Header.Set("Accept", "application/json")
		w := do(dashboard.New(s.host, dashboard.Config{Authorize: allow}), r)
		wantStatus(t, w, http.StatusOK)
		var said map[string]string
		if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || said["done"] != "Triggered a run of report." {
			t.Errorf("%v %v", said, err)
		}
	})
}

func TestWithoutAHostTheStartAndEveryRequestSayIt(t *testing.T) {
	const want = "stead/dashboard: new: the host is nil"
	d := dashboard.New(nil, dashboard.Config{Authorize: allow})
	if err := d.Start(t.Context()); err == nil || err.Error() != want {
		t.Errorf("Start: %v", err)
	}
	if err := d.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	for _, r := range []*http.Request{httptest.NewRequest(http.MethodGet, "/", nil), form("", "verb", "pause")} {
		w := do(d, r)
		wantStatus(t, w, http.StatusInternalServerError)
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %s", r.Method, w.Body)
		}
	}
	if s := d.State(); s.Verdict != dashboard.Failed || s.Headline != want {
		t.Errorf("the state is %s: %s", s.Verdict, s.Headline)
	}
}
