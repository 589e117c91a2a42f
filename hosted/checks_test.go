package hosted_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
)

// probed counts the checks of a service and has them answer err, after a while.
type probed struct {
	asked atomic.Int32
	err   atomic.Pointer[error]
	takes atomic.Int64 // time.Duration
}

func (p *probed) check(context.Context) error {
	p.asked.Add(1)
	time.Sleep(time.Duration(p.takes.Load()))
	if err := p.err.Load(); err != nil {
		return *err
	}
	return nil
}

func TestProbesShareACheck(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		p := &probed{}
		p.takes.Store(int64(50 * time.Millisecond))
		h.Go("db", idle, hosted.Health(p.check))
		starts(t, h)
		pass(time.Second)
		codes := make(chan int, 2000)
		for range 1000 {
			go func() {
				code, _ := get(h.ReadyHandler(), "/readyz")
				codes <- code
			}()
		}
		pass(20 * time.Millisecond)
		gone, hangUp := context.WithCancel(t.Context())
		go h.ReadyHandler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(gone, http.MethodGet, "/readyz", nil))
		hangUp()
		for range 1000 {
			code, _ := get(h.ReadyHandler(), "/readyz") // the last result
			codes <- code
		}
		for range cap(codes) {
			if code := <-codes; code != http.StatusOK {
				t.Fatalf("answered %d while the service was healthy", code)
			}
		}
		if n := p.asked.Load(); n != 1 {
			t.Errorf("checked %d times, want once", n)
		}
		pass(time.Second)
		if !ok(h.ReadyHandler()) || p.asked.Load() != 2 {
			t.Error("an old result was used again")
		}
		if lines := log.matching("WARN"); len(lines) > 0 {
			t.Errorf("logged %q", lines)
		}
		stops(t, h)
	})
}

func TestAHangUpOfTheFirstProbeIsNotTheOutcomeOfTheSecond(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		p := &probed{}
		p.takes.Store(int64(50 * time.Millisecond))
		h.Go("db", idle, hosted.Health(p.check))
		starts(t, h)
		pass(time.Second)
		first, hangUp := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer hangUp()
		go h.ReadyHandler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(first, http.MethodGet, "/readyz", nil))
		synctest.Wait()
		if !ok(h.ReadyHandler()) || p.asked.Load() != 1 {
			t.Error("not ready")
		}
		stops(t, h)
	})
}

func TestChangesOfHealthAreLoggedAndNotProbes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		p := &probed{}
		h.Go("db", idle, hosted.Health(p.check))
		hanging := &probed{}
		h.Go("peer", idle, hosted.Health(hanging.check))
		starts(t, h)
		probes := func(want bool) {
			t.Helper()
			pass(time.Second)
			for range 20 {
				if ok(h.ReadyHandler()) != want {
					t.Errorf("ready is %v", !want)
				}
			}
		}
		probes(true)
		p.err.Store(&errBoom)
		probes(false)
		p.err.Store(nil)
		probes(true)
		hanging.takes.Store(int64(10 * time.Second))
		probes(false)
		hanging.takes.Store(int64(0))
		pass(10 * time.Second)
		probes(true)
		wantList(t, "changes", log.matching("health"),
			"WARN service unhealthy host=host service=db error=boom",
			"INFO service healthy again host=host service=db",
			"WARN service unhealthy host=host service=peer error=no answer within 900ms: context deadline exceeded",
			"INFO service healthy again host=host service=peer")
		stops(t, h)
	})
}

func TestANewInstanceIsNotJudgedByTheChecksOfTheLast(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		p := &probed{}
		p.err.Store(&errBoom)
		h.Go("db", after(time.Second, errBoom), hosted.Health(p.check),
			hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: 100 * time.Millisecond})))
		starts(t, h)
		pass(900 * time.Millisecond)
		if ok(h.ReadyHandler()) {
			t.Error("ready with a check that fails")
		}
		pass(250 * time.Millisecond) // it has failed and is up again
		p.err.Store(nil)
		if !ok(h.ReadyHandler()) {
			t.Error("the new instance is not ready")
		}
		_ = h.Stop(t.Context())
	})
}

func TestTheEndOfAServiceIsNoNewsOfItsHealth(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		h.Go("db", idle, hosted.Health(idle))
		starts(t, h)
		go get(h.ReadyHandler(), "/readyz")
		synctest.Wait()
		stops(t, h)
		synctest.Wait()
		if lines := log.matching("unhealthy"); len(lines) > 0 {
			t.Errorf("logged %q", lines)
		}
	})
}

func TestGoroutinesAreCountedOnceASecondForAllWhoAsk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		more := make(chan struct{})
		h.Go("loop", func(ctx context.Context) error {
			<-more
			go func() { <-ctx.Done() }()
			return idle(ctx)
		})
		starts(t, h)
		synctest.Wait()
		wantAnswer(t, h.LiveHandler(), "/livez?verbose", 200, "goroutines loop 1\n")
		close(more)
		pass(999 * time.Millisecond)
		wantAnswer(t, h.LiveHandler(), "/livez?verbose", 200, "goroutines loop 1\n")
		pass(time.Millisecond)
		wantAnswer(t, h.LiveHandler(), "/livez?verbose", 200, "goroutines loop 2\n")
		stops(t, h)
	})
}
