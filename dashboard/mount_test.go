package dashboard_test

import (
	"net/http"
	"testing"

	"github.com/steadgo/stead/dashboard"
)

// Whoever guards one place of a page that is mounted below a tenant's name has
// guarded it: there is no other path to it.
func TestAWildcardInFrontOfThePageOpensNoSecondPath(t *testing.T) {
	s := newShop(t)
	d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
	mux := http.NewServeMux()
	mux.HandleFunc("/{tenant}/", func(w http.ResponseWriter, r *http.Request) {
		http.StripPrefix("/"+r.PathValue("tenant"), d).ServeHTTP(w, r)
	})
	mux.HandleFunc("/{tenant}/actions", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "guarded", http.StatusTeapot) })
	for path, want := range map[string]int{"/acme/actions": http.StatusTeapot, "/acme/x/actions": http.StatusMethodNotAllowed, "/acme/acme/actions": http.StatusMethodNotAllowed} {
		r := form("", "verb", "pause", "kind", "queue", "name", "emails")
		r.URL.Path, r.RequestURI = path, path
		if w := do(mux, r); w.Code != want {
			t.Errorf("POST %s: status %d, want %d", path, w.Code, want)
		}
	}
	wantStatus(t, get(t, mux, "/acme/queues"), http.StatusOK)
	wantStatus(t, get(t, mux, "/acme/x/queues"), http.StatusNotFound)
}

func TestAStrippedPrefixThatIsSentTwiceIsNoSecondPath(t *testing.T) {
	s := newShop(t)
	d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
	mux := http.NewServeMux()
	mux.Handle("/admin/", http.StripPrefix("/admin", d))
	mux.HandleFunc("/admin/actions", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "guarded", http.StatusTeapot) })
	for path, want := range map[string]int{"/admin/actions": http.StatusTeapot, "/admin/admin/actions": http.StatusMethodNotAllowed} {
		r := form("", "verb", "pause", "kind", "queue", "name", "emails")
		r.URL.Path, r.RequestURI = path, path
		if w := do(mux, r); w.Code != want {
			t.Errorf("POST %s: status %d, want %d", path, w.Code, want)
		}
	}
	wantStatus(t, get(t, mux, "/admin/admin/queues"), http.StatusNotFound)
}

func TestAPageBehindTwoMuxesIsFound(t *testing.T) {
	d := dashboard.New(newShop(t).host, dashboard.Config{})
	for _, pattern := range []string{"/dash/", "/{tenant}/"} {
		inner, outer := http.NewServeMux(), http.NewServeMux()
		inner.Handle(pattern, d)
		outer.Handle("/admin/", http.StripPrefix("/admin", inner))
		wantStatus(t, get(t, outer, "/admin/dash/queues"), http.StatusOK)
		wantStatus(t, get(t, outer, "/admin/dash/dash/queues"), http.StatusNotFound)
	}
}

func TestAPrefixThatIsAWordOfThePageOpensNoSecondPath(t *testing.T) {
	s := newShop(t)
	d := dashboard.New(s.host, dashboard.Config{})
	mux := http.NewServeMux()
	mux.Handle("/api/", d)
	wantStatus(t, get(t, mux, "/api/api/v1/state"), http.StatusOK)
	wantStatus(t, get(t, mux, "/api/v1/state"), http.StatusNotFound)
}
