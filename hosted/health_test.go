package hosted_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
)

// get asks a handler as if it was mounted at the path.
func get(h http.Handler, path string) (code int, body string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func ok(h http.Handler) bool {
	code, _ := get(h, "/")
	return code == http.StatusOK
}

func wantAnswer(t testing.TB, h http.Handler, path string, code int, parts ...string) {
	t.Helper()
	gotCode, body := get(h, path)
	if gotCode != code {
		t.Errorf("%s: %d %q, want %d", path, gotCode, body, code)
	}
	wantText(t, body, parts...)
}

func TestReadinessFollowsTheLifeOfTheHost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{DrainDelay: time.Second})
		h.Add("slow", &fake{start: after(time.Second, nil), stop: after(time.Second, nil)})
		ready, live := h.ReadyHandler(), h.LiveHandler()
		step := func(moment string, wantReady, wantLive bool) {
			t.Helper()
			if ok(ready) != wantReady || ok(live) != wantLive {
				t.Errorf("%s: ready %v live %v, want %v %v", moment, ok(ready), ok(live), wantReady, wantLive)
			}
		}
		step("before the start", false, true)
		result := runs(t.Context(), h)
		synctest.Wait()
		step("while starting", false, true)
		pass(time.Second)
		step("running", true, true)
		h.Lifetime().Stop(nil)
		step("at the moment of the request", false, true)
		pass(500 * time.Millisecond)
		step("during the drain delay", false, true)
		pass(time.Second)
		step("while stopping", false, true)
		wantNil(t, <-result)
		step("stopped", false, false)
	})
}

func TestAFailedServiceIsNeitherReadyNorLive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{DrainDelay: 10 * time.Second})
		h.Go("loop", after(time.Second, errBoom))
		starts(t, h)
		pass(2 * time.Second)
		wantAnswer(t, h.LiveHandler(), "/livez", 503, "[+]host ok", "[-]loop failed: reason withheld", "livez check failed")
		wantAnswer(t, h.ReadyHandler(), "/readyz", 503, "[-]loop failed: reason withheld", "readyz check failed")
		if _, body := get(h.ReadyHandler(), "/readyz?verbose=1"); strings.Contains(body, "boom") {
			t.Errorf("the reason is told: %q", body)
		}
	})
}

func TestWhatIsIgnoredOrNotCriticalIsShownAndNotCounted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("ignored", failing(errBoom), hosted.OnFailure(hosted.Ignore()))
		h.Go("extra", failing(errBoom), hosted.NotCritical(),
			hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: time.Hour, Max: time.Hour})))
		h.Go("done", failing(nil))
		h.Go("loop", idle)
		starts(t, h)
		synctest.Wait()
		wantAnswer(t, h.ReadyHandler(), "/readyz", 200, "ok\n")
		wantAnswer(t, h.ReadyHandler(), "/readyz?verbose=1", 200,
			"[-]ignored failed, not counted", "[-]extra failed, not counted", "[+]done ok", "[+]loop ok", "readyz check passed")
		wantAnswer(t, h.LiveHandler(), "/livez?verbose", 200, "[-]ignored failed, not counted", "[+]extra ok", "goroutines loop 1\n")
		stops(t, h)
	})
}

func TestAHandlerAnswersForOneServiceAndWithoutSome(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		h.Go("bad", idle, hosted.Health(failing(errBoom)))
		h.Go("good", idle)
		starts(t, h)
		ready := h.ReadyHandler()
		wantAnswer(t, ready, "/readyz", 503)
		wantAnswer(t, ready, "/readyz/good", 200)
		wantAnswer(t, ready, "/readyz/bad", 503, "[-]bad")
		wantAnswer(t, ready, "/readyz/ghost", 404)
		wantAnswer(t, ready, "/readyz?exclude=bad", 200)
		wantAnswer(t, ready, "/readyz?exclude=good&exclude=bad", 200)
		wantAnswer(t, ready, "/readyz?exclude=good", 503)
		stops(t, h)
	})
}

func TestAHandlerCanBeMountedAnywhere(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Go("loop", idle)
	starts(t, h)
	for _, path := range []string{"/", "/healthz", "/health/ready", "/a/b/c", "/readyz", "/readyz/", "/ready/"} {
		wantAnswer(t, h.ReadyHandler(), path, 200, "ok")
	}
	stops(t, h)
}

func TestAnAnswerIsPlainTextThatNobodyKeeps(t *testing.T) {
	w := httptest.NewRecorder()
	hosted.New(hosted.Config{}).LiveHandler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/livez", nil))
	if ct, cc := w.Header().Get("Content-Type"), w.Header().Get("Cache-Control"); ct != "text/plain; charset=utf-8" || cc != "no-store" {
		t.Errorf("got %q and %q", ct, cc)
	}
}

func TestHealthChecksRunSideBySideAndOneThatHangsFailsAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		for i := range 10 {
			h.Go(fmt.Sprint(i), idle, hosted.Health(after(500*time.Millisecond, nil)))
		}
		h.Go("hangs", idle, hosted.Health(stuck(t)))
		h.Go("obeys", idle, hosted.Health(idle))
		starts(t, h)
		began := time.Now()
		wantAnswer(t, h.ReadyHandler(), "/readyz", 503, "[-]hangs", "[-]obeys", "[+]0 ok", "[+]9 ok")
		if took := time.Since(began); took != 900*time.Millisecond {
			t.Errorf("took %v, want the bound of 900ms", took)
		}
		stops(t, h)
	})
}

func TestAHealthCheckThatHangsIsNotStartedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{HealthTimeout: time.Second})
		var began atomic.Int32
		release := make(chan struct{})
		h.Go("hangs", idle, hosted.Health(func(context.Context) error { began.Add(1); <-release; return nil }))
		starts(t, h)
		for range 10 {
			if ok(h.ReadyHandler()) {
				t.Error("ready")
			}
		}
		if n := began.Load(); n != 1 {
			t.Errorf("started %d times, want once", n)
		}
		close(release)
		synctest.Wait()
		if !ok(h.ReadyHandler()) {
			t.Error("not ready though the check passes")
		}
		stops(t, h)
	})
}

func TestAHealthCheckThatPanicsIsUnhealthy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		h.Go("loop", idle, hosted.Health(func(context.Context) error { panic("ouch") }))
		starts(t, h)
		wantAnswer(t, h.ReadyHandler(), "/readyz", 503, "[-]loop")
		if len(log.matching("WARN service unhealthy")) != 1 {
			t.Errorf("logged %q", log.all())
		}
		stops(t, h)
	})
}

func TestOnlyServicesThatAreUpAreCheckedAndNotForLiveness(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		var asked atomic.Int32
		h.Add("slow", &fake{start: after(time.Second, nil)}, hosted.Health(func(context.Context) error { asked.Add(1); return nil }))
		result := runs(t.Context(), h)
		synctest.Wait()
		_ = ok(h.ReadyHandler())
		if asked.Load() != 0 {
			t.Error("asked while starting")
		}
		pass(time.Second)
		_ = ok(h.LiveHandler())
		if asked.Load() != 0 {
			t.Error("asked for liveness")
		}
		if !ok(h.ReadyHandler()) || asked.Load() != 1 {
			t.Error("not asked for readiness")
		}
		h.Lifetime().Stop(nil)
		wantNil(t, <-result)
	})
}

func TestProbesMayBeAskedAtEveryMoment(t *testing.T) {
	for range 10 {
		h := hosted.New(hosted.Config{})
		for i := range 5 {
			h.Go(fmt.Sprint(i), idle, hosted.Health(failing(nil)))
		}
		var wg sync.WaitGroup
		quit := make(chan struct{})
		for _, handler := range []http.Handler{h.LiveHandler(), h.ReadyHandler()} {
			wg.Go(func() {
				for !closed(quit) {
					_, _ = get(handler, "/?verbose=1")
				}
			})
		}
		wg.Go(func() {
			for !closed(quit) {
				_, _, _, _ = h.Services(), h.Report().String(), h.Graph(), h.Summary()
			}
		})
		starts(t, h)
		stops(t, h)
		close(quit)
		wg.Wait()
	}
}

func TestProbesAnswerOnAPortOfTheirOwnWhileOthersStart(t *testing.T) {
	h := hosted.New(hosted.Config{})
	probes := h.Probes("127.0.0.1:0")
	h.Add("probes", probes)
	fetch := func(path string) int {
		resp, err := http.Get("http://" + probes.Addr().String() + path)
		if err != nil {
			t.Error(err)
			return 0
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	h.Add("slow", &fake{start: func(context.Context) error {
		if live, ready := fetch("/livez"), fetch("/readyz"); live != 200 || ready != 503 {
			t.Errorf("while starting: live %d ready %d, want 200 and 503", live, ready)
		}
		return nil
	}, stop: func(context.Context) error {
		if live, ready := fetch("/livez"), fetch("/readyz"); live != 200 || ready != 503 {
			t.Errorf("while stopping: live %d ready %d, want 200 and 503", live, ready)
		}
		return nil
	}})
	starts(t, h)
	if live, ready, one := fetch("/livez"), fetch("/readyz"), fetch("/readyz/slow"); live != 200 || ready != 200 || one != 200 {
		t.Errorf("running: live %d ready %d slow %d", live, ready, one)
	}
	http.DefaultClient.CloseIdleConnections()
	stops(t, h)
}
