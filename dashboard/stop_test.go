package dashboard_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/dashboard"
)

func TestOpenStreamsDoNotDelayAShutdown(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		srv := &http.Server{Handler: dashboard.New(s.host, dashboard.Config{Interval: time.Hour})}
		client, _ := serve(t, srv)
		var watchers []*watcher
		for range 5 {
			watchers = append(watchers, watch(t, client, "http://x/stream?page="))
		}
		time.Sleep(time.Minute)
		began := time.Now()
		if err := srv.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		// Shutdown looks at its connections after a millisecond, then ever less
		// often.
		if took := time.Since(began); took > 20*time.Millisecond {
			t.Errorf("the shutdown took %v", took)
		}
		for _, w := range watchers {
			<-w.ended
		}
		if s.host.Lifetime().Cause() != nil {
			t.Error("the host was stopped")
		}
	})
}

func TestAServerInTheHostStopsAtOnceWithAnOpenStream(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		d := dashboard.New(s.host, dashboard.Config{})
		srv := &http.Server{Handler: d}
		client, _ := serve(t, srv)
		s.host.Add("http", stopOnly(srv.Shutdown))
		s.start(t)
		w := watch(t, client, "http://x/stream?page=")
		time.Sleep(time.Minute)
		began := time.Now()
		if err := s.host.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 20*time.Millisecond {
			t.Errorf("the stop took %v", took)
		}
		<-w.ended
	})
}

// stopOnly is a service that has only something to do at its stop.
type stopOnly func(context.Context) error

func (stopOnly) Start(context.Context) error      { return nil }
func (f stopOnly) Stop(ctx context.Context) error { return f(ctx) }

func TestTheStreamShowsTheStopToItsEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.host.Go("slow", func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(5 * time.Second)
			return nil
		})
		s.start(t)
		client, _ := serve(t, &http.Server{Handler: dashboard.New(s.host, dashboard.Config{})})
		w := watch(t, client, "http://x/stream?page=stop")
		synctest.Wait()
		if got := w.latest(); !strings.Contains(got, "Nobody has asked") {
			t.Errorf("before the stop: %q", got)
		}
		s.host.Lifetime().Stop(errors.New("deploy of tuesday"))
		for _, want := range []string{"For 1 s", "For 2 s", "For 3 s"} {
			time.Sleep(time.Second)
			synctest.Wait()
			got := w.latest()
			for _, text := range []string{"Stopping: waiting for slow", "deploy of tuesday", want, "over at the latest in"} {
				if !strings.Contains(got, text) {
					t.Errorf("during the stop the page lacks %q: %s", text, got)
				}
			}
		}
		// Somebody who comes now gets a picture at a time, and asks again.
		late := watch(t, client, "http://x/stream?page=stop")
		<-late.ended
		if got := late.latest(); !strings.Contains(got, "waiting for slow") {
			t.Errorf("a late viewer sees %q", got)
		}
		<-s.host.Done()
		<-w.ended
		if got := w.latest(); !strings.Contains(got, "Stopped cleanly") || !strings.Contains(got, "It took 5 s") {
			t.Errorf("the last picture is %q", got)
		}
	})
}

func TestAStreamWhoseServerCannotBeKnownEndsWhenTheStopBegins(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		hold := make(chan struct{})
		s.host.Go("slow", func(ctx context.Context) error { <-ctx.Done(); <-hold; return nil })
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{Interval: time.Hour})
		client, _ := serve(t, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			d.ServeHTTP(w, r.WithContext(ctx))
		})})
		w := watch(t, client, "http://x/stream?page=")
		synctest.Wait()
		if w.over() {
			t.Fatal("the stream ended too early")
		}
		began := time.Now()
		s.host.Lifetime().Stop(nil)
		<-w.ended
		if waited := time.Since(began); waited > 0 {
			t.Errorf("it ended only after %v", waited)
		}
		close(hold)
	})
}

func TestAStreamEndsWithTheHostAndNotWithTheNextSample(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		client, _ := serve(t, &http.Server{Handler: dashboard.New(s.host, dashboard.Config{Interval: time.Hour})})
		w := watch(t, client, "http://x/stream?page=")
		synctest.Wait()
		began := time.Now()
		if err := s.host.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		<-w.ended
		if waited := time.Since(began); waited > 0 {
			t.Errorf("it ended only after %v", waited)
		}
		if got := w.latest(); !strings.Contains(got, "Stopped cleanly") {
			t.Errorf("the last picture is %q", got)
		}
	})
}
