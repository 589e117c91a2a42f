//go:build extra

package browsertest

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	chimw "github.com/go-chi/chi/v5/middleware"
	"github.com/labstack/echo/v4"
	echomw "github.com/labstack/echo/v4/middleware"

	"github.com/steadgo/stead/dashboard"
)

// routers mount the page below /admin as docs/dashboard.md says, with the middleware
// that most programs have. full adds what the page has to be left out of.
var routers = map[string]func(dash http.Handler, full bool) http.Handler{
	"echo": func(dash http.Handler, full bool) http.Handler {
		e := echo.New()
		e.Use(echomw.Recover())
		e.Pre(echomw.RemoveTrailingSlash())
		if full {
			e.Use(echomw.TimeoutWithConfig(echomw.TimeoutConfig{Timeout: patience})) //nolint:staticcheck // programs have it, and it buffers
		}
		e.Any("/admin", echo.WrapHandler(http.StripPrefix("/admin", dash)))
		e.Any("/admin/*", echo.WrapHandler(http.StripPrefix("/admin", dash)))
		return e
	},
	"gin": func(dash http.Handler, full bool) http.Handler {
		gin.SetMode(gin.ReleaseMode)
		g := gin.New()
		g.Use(gin.Recovery())
		g.Any("/admin/*any", gin.WrapH(http.StripPrefix("/admin", dash)))
		if full {
			return http.TimeoutHandler(g, patience, "too slow")
		}
		return g
	},
	"chi": func(dash http.Handler, full bool) http.Handler {
		r := chi.NewRouter()
		r.Use(chimw.Recoverer, chimw.StripSlashes)
		if full {
			r.Use(func(next http.Handler) http.Handler {
				return http.TimeoutHandler(next, patience, "too slow")
			})
		}
		r.Mount("/admin", http.StripPrefix("/admin", dash))
		return r
	},
}

// on serves a shop's page behind a router.
func on(t *testing.T, h func(dash http.Handler) http.Handler, cfg dashboard.Config) (*shop, *http.Client) {
	t.Helper()
	s := open(t, "/unused", cfg)
	server := serve(t, s.host, h(s.dash))
	s.base = server.URL + "/admin/"
	client := server.Client()
	client.Timeout = patience
	return s, client
}

func TestThePageWorksBehindRouters(t *testing.T) {
	for name, router := range routers {
		t.Run(name, func(t *testing.T) {
			s, client := on(t, func(dash http.Handler) http.Handler { return router(dash, false) }, dashboard.Config{Authorize: allow})
			for _, page := range append([]string{"assets/stead.js", "api/v1/state"}, pages...) {
				if code, body := fetch(t, client, s.base+page); code != http.StatusOK {
					t.Errorf("%s: %d %s", page, code, body)
				}
			}
			answer, err := client.PostForm(s.base+"actions", url.Values{"verb": {"pause"}, "kind": {"queue"}, "name": {"emails"}, "page": {"queues"}})
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.StatusCode != http.StatusOK || !s.workers.Paused() {
				t.Errorf("an action: %s, paused %v", answer.Status, s.workers.Paused())
			}
			if first := firstEvent(t, client, s.base+"stream?page=queues"); !strings.Contains(first, "event: page") {
				t.Errorf("the stream begins with %q", first)
			}
		})
	}
}

func TestWhereNoStreamComesThroughItIsAnError(t *testing.T) {
	for name, router := range routers {
		t.Run(name, func(t *testing.T) {
			s, client := on(t, func(dash http.Handler) http.Handler { return router(dash, true) }, dashboard.Config{})
			if code, body := fetch(t, client, s.base+"stream?page="); code != http.StatusInternalServerError || !strings.Contains(body, "cannot be flushed") {
				t.Errorf("the stream: %d %s", code, body)
			}
		})
	}
}

func fetch(t *testing.T, client *http.Client, address string) (code int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(data)
}

// firstEvent is what a stream has sent when the first event has begun.
func firstEvent(t *testing.T, client *http.Client, address string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var got strings.Builder
	for b := make([]byte, 512); !strings.Contains(got.String(), "event: "); {
		n, err := answer.Body.Read(b)
		got.Write(b[:n])
		if err != nil {
			break
		}
	}
	return got.String()
}

// Both kinds of middleware in front of which the page said "Connection lost" for good:
// one that cannot flush, and one that says it can and keeps what it has.
func TestAPageWithoutAStreamSaysSoAndAsksAgain(t *testing.T) {
	for name, middleware := range map[string]func(http.Handler) http.Handler{
		"cannot flush": func(h http.Handler) http.Handler { return http.TimeoutHandler(h, patience, "too slow") },
		"keeps all": func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				defer func() { _ = z.Close() }()
				h.ServeHTTP(hoarder{w, z}, r)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := browse(t)
			s, _ := on(t, func(dash http.Handler) http.Handler { return http.StripPrefix("/admin", middleware(dash)) }, dashboard.Config{Authorize: allow})
			b.open(s.base + "queue?name=emails")
			b.shows("No live stream comes through to this page. It asks again every 3 s instead.")
			s.workers.Pause()
			b.shows("paused")
			if eval[bool](b, "document.body.classList.contains('stale')") {
				t.Error("the page looks as if it were old")
			}
		})
	}
}

// hoarder is the writer of a compression that never flushes.
type hoarder struct {
	http.ResponseWriter
	z *gzip.Writer
}

func (h hoarder) Write(b []byte) (int, error) { return h.z.Write(b) }
func (h hoarder) Flush()                      {}

// A middleware that wants a token of its own in every form refuses what it does not
// know. The page says who it was.
func TestARefusalOfSomethingInFrontIsSaid(t *testing.T) {
	b := browse(t)
	s, _ := on(t, func(dash http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && r.PostFormValue("csrf_token") == "" {
				http.Error(w, "Bad Request: missing csrf token", http.StatusBadRequest)
				return
			}
			http.StripPrefix("/admin", dash).ServeHTTP(w, r)
		})
	}, dashboard.Config{Authorize: allow})
	b.open(s.base + "queue?name=emails")
	b.click(".cardhead button")
	b.says("missing csrf token")
	if s.workers.Paused() {
		t.Error("the queue is paused")
	}
}
