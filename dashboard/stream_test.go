package dashboard_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
)

func TestAnOpenPageIsRenewedWithoutAsking(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		client, _ := serve(t, &http.Server{Handler: dashboard.New(s.host, dashboard.Config{})})
		w := watch(t, client, "http://x/stream?page=queues")
		synctest.Wait()
		if first := w.latest(); !strings.Contains(first, "idle") || !strings.Contains(first, "<main") {
			t.Errorf("the first event is %q", first)
		}
		s.workers.Pause()
		time.Sleep(time.Second)
		synctest.Wait()
		if next := w.latest(); !strings.Contains(next, "paused") {
			t.Errorf("a second after a pause the page is %q", next)
		}
		w.leave()
		<-w.ended
	})
}

func TestAStreamWithNothingNewGivesSignsOfLife(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		client, _ := serve(t, &http.Server{Handler: dashboard.New(s.host, dashboard.Config{})})
		w := watch(t, client, "http://x/stream?page=stop")
		time.Sleep(time.Second)
		if w.latest() == "" {
			t.Error("no first picture")
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if w.over() || w.latest() != "" {
			t.Error("the stream has ended, or sent what was known")
		}
		if n := w.alive.Load(); n != 8 {
			t.Errorf("%d signs of life in two minutes, want one each 15 s", n)
		}
	})
}

func TestAStreamOfOneQueueIsOfThatQueue(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		client, _ := serve(t, &http.Server{Handler: http.StripPrefix("/a/b", dashboard.New(s.host, dashboard.Config{}))})
		w := watch(t, client, "http://x/a/b/stream?page=queue&name=emails")
		synctest.Wait()
		if got := w.latest(); !strings.Contains(got, "<h1>emails</h1>") {
			t.Errorf("the event is %q", got)
		}
	})
}

func TestAnUnknownPageHasNoStream(t *testing.T) {
	s := newShop(t)
	d := dashboard.New(s.host, dashboard.Config{})
	wantStatus(t, get(t, d, "/stream?page=none"), http.StatusNotFound)
	wantStatus(t, do(d, httptest.NewRequest(http.MethodPost, "/stream?page=", nil)), http.StatusMethodNotAllowed)
}

func TestAWriteTimeoutDoesNotCutTheStream(t *testing.T) {
	http2 := new(http.Protocols)
	http2.SetUnencryptedHTTP2(true)
	for name, protocols := range map[string]*http.Protocols{"HTTP/1": nil, "HTTP/2": http2} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *shop) {
				s.start(t)
				client, _ := serve(t, &http.Server{
					Handler: dashboard.New(s.host, dashboard.Config{}), Protocols: protocols,
					WriteTimeout: 2 * time.Second, ReadTimeout: 2 * time.Second,
				})
				// A page on which nothing happens has the longest waits between writes.
				w := watch(t, client, "http://x/stream?page=stop")
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				if n := w.alive.Load(); n < 7 || w.over() {
					t.Errorf("after two minutes and %d signs of life nothing comes any more", n)
				}
				s.host.Lifetime().Stop(nil)
				<-w.ended
				if got := w.latest(); !strings.Contains(got, "Stopped cleanly") {
					t.Errorf("two minutes later the last picture is %q", got)
				}
			})
		})
	}
}

func TestAViewerThatDoesNotReadIsGivenUpOn(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		left := make(chan struct{})
		_, p := serve(t, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(left)
			d.ServeHTTP(w, r)
		})})
		conn, err := p.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		began := time.Now()
		if _, err := conn.Write([]byte("GET /stream?page= HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		<-left
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it was given up on after %v", took)
		}
	})
}

// plain is a writer that can do nothing but write.
type plain struct{ http.ResponseWriter }

// The browser is told by the status, whoever runs the program by one line of the log.
func TestAStreamThatCannotBeFlushedIsAnErrorAndIsLoggedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		var log bytes.Buffer
		d := dashboard.New(s.host, dashboard.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		for range 3 {
			for _, wrap := range []func(*httptest.ResponseRecorder) http.ResponseWriter{
				func(w *httptest.ResponseRecorder) http.ResponseWriter { return plain{w} },
				func(w *httptest.ResponseRecorder) http.ResponseWriter { return unflushable{w} },
			} {
				w := httptest.NewRecorder()
				d.ServeHTTP(wrap(w), httptest.NewRequest(http.MethodGet, "/stream?page=", nil))
				wantStatus(t, w, http.StatusInternalServerError)
				wantText(t, w, "cannot be flushed")
			}
		}
		if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "dashboard_test.plain") {
			t.Errorf("%d lines of the log: %s", n, log.String())
		}
	})
}

func TestADashboardInTheHostDoesNotOutliveIt(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		d := dashboard.New(s.host, dashboard.Config{})
		s.host.Add("dashboard", d)
		if err := s.host.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := d.Start(t.Context()); err == nil {
			t.Error("it was started twice")
		}
		synctest.Wait() // the goroutine of its Start may not have ended yet
		if n := s.host.Goroutines()["dashboard"]; n != 1 {
			t.Errorf("it has %d goroutines, want 1", n)
		}
		if err := s.host.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if err := d.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		wantStatus(t, get(t, d, "/stop"), http.StatusOK)
		// It may run again, as every service that is restarted.
		if err := d.Start(t.Context()); err != nil {
			t.Error(err)
		}
		if err := d.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := d.Start(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("started with a context that had ended: %v", err)
		}
	})
}

var _ hosted.Service = (*dashboard.Dashboard)(nil)

// A viewer who does not read holds a stop up no longer than one who does.
func TestAViewerWhoDoesNotReadDoesNotHoldTheStopUp(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		p := newPipes()
		srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: dashboard.New(s.host, dashboard.Config{})}
		s.host.Add("web", hosted.Serve(srv, p))
		s.start(t)
		transport := &http.Transport{DialContext: p.dial, ReadBufferSize: 16}
		defer transport.CloseIdleConnections()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x/stream?page=", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := (&http.Client{Transport: transport}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		synctest.Wait() // it is at the first picture, which does not fit
		began := time.Now()
		if err := s.host.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("the stop took %v", took)
		}
	})
}
