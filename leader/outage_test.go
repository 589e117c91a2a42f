package leader_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/leader"
)

// outage is what dashboards and metrics ask for; a Service has it too.
func outage(t *testing.T, e *leader.Elector, s *leader.Service) (time.Time, error) {
	t.Helper()
	since, err := e.Outage()
	if again, same := s.Outage(); !again.Equal(since) || !errors.Is(same, err) {
		t.Errorf("the elector says %v, %v, its service %v, %v", since, err, again, same)
	}
	if (err == nil) != since.IsZero() {
		t.Errorf("since %v with the error %v", since, err)
	}
	return since, err
}

func TestAFollowerSaysSinceWhenTheStoreDoesNotAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		elector := e.elector(t)
		s := leader.Loop(elector, (&obeys{}).run)
		e.store.Fail(errStore)
		if since, err := outage(t, elector, s); err != nil {
			t.Errorf("nobody asked, and yet since %v: %v", since, err)
		}
		began := time.Now()
		up(t, s)
		for range 3 {
			time.Sleep(time.Minute)
			if since, err := outage(t, elector, s); !since.Equal(began) || !errors.Is(err, errStore) {
				t.Errorf("since %v: %v; it began at %v", since, err, began)
			}
		}
		e.store.Fail(nil)
		until(t, "it leads", leading(elector))
		if since, err := outage(t, elector, s); err != nil {
			t.Errorf("it answers, and yet since %v: %v", since, err)
		}
	})
}

func TestALeaderSaysSinceWhenItCannotRenewAndLeadsOnMeanwhile(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		elector := e.elector(t)
		s := leader.Loop(elector, (&obeys{}).run)
		up(t, s)
		until(t, "it leads", leading(elector))
		for _, lost := range []bool{false, true} {
			e.store.Fail(errStore)
			var began time.Time
			until(t, "an outage", func() bool { began, _ = elector.Outage(); return !began.IsZero() })
			if !elector.Stats().Leading || time.Since(began) > time.Millisecond {
				t.Errorf("%+v", elector.Stats())
			}
			if lost {
				until(t, "the loss", func() bool { return !elector.Stats().Leading })
				time.Sleep(time.Minute)
			}
			if since, err := outage(t, elector, s); !since.Equal(began) || !errors.Is(err, errStore) {
				t.Errorf("since %v: %v; it began at %v", since, err, began)
			}
			e.store.Fail(nil)
			until(t, "the end of the outage", func() bool { since, _ := elector.Outage(); return since.IsZero() })
			until(t, "it leads", leading(elector))
		}
		if n := e.log.lines(t, "store of the lease answers again"); n != 2 {
			t.Errorf("two outages ended in %d lines", n)
		}
	})
}

func TestAStoppedCandidateReportsNoOutage(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		elector := e.elector(t)
		s := leader.Loop(elector, (&obeys{}).run)
		e.store.Fail(errStore)
		up(t, s)
		until(t, "an outage", func() bool { since, _ := elector.Outage(); return !since.IsZero() })
		if err := down(t, s, time.Minute); err != nil {
			t.Error(err)
		}
		if since, err := outage(t, elector, s); err != nil {
			t.Errorf("nobody asks any more, and yet since %v: %v", since, err)
		}
	})
}

func TestALeaseThatWasNeverHeldIsNotReportedAsKept(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		elector := e.elector(t)
		e.store.Fail(errStore)
		up(t, leader.Loop(elector, (&obeys{}).run))
		time.Sleep(time.Minute)
		if n := e.log.lines(t, "lease not released"); n != 0 {
			t.Errorf("%d leases that nobody had were not given back", n)
		}
		e.store.Fail(nil)
		until(t, "it leads", leading(elector))
		e.store.Fail(errStore)
		until(t, "the loss", func() bool { return !elector.Stats().Leading })
		synctest.Wait()
		if n := e.log.lines(t, "lease not released"); n != 1 { // and this one it had
			t.Errorf("one lease was not given back, and the log says so %d times", n)
		}
	})
}

// A stop without any time, at the same moment as the start: whichever comes first,
// what was started ends by itself, and nothing of it stays in the store.
func TestAStopWithoutTimeDuringTheStartLeavesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for i := range 300 {
			e.store.Delay(time.Duration(i%3) * time.Millisecond)
			elector := e.elector(t)
			work := &obeys{}
			s := leader.Loop(elector, work.run)
			var both sync.WaitGroup
			var startErr, stopErr error
			both.Go(func() { startErr = s.Start(t.Context()) })
			both.Go(func() {
				for range i % 50 {
					_ = s.Name() // a little later in each round
				}
				stopErr = s.Stop(ended)
			})
			both.Wait()
			if startErr != nil {
				t.Fatalf("Start = %v", startErr)
			}
			if stopErr == nil { // it came before the start, or everything had ended
				stopErr = s.Stop(ended)
			}
			if stopErr != nil && !errors.Is(stopErr, context.Canceled) {
				t.Fatalf("Stop = %v", stopErr)
			}
			<-s.Done() // although nobody waited for it
			if err := s.Stop(ended); err != nil {
				t.Fatalf("Stop of what has ended = %v", err)
			}
			if h := e.store.Holder("news"); h != "" || elector.Stats().Leading {
				t.Fatalf("round %d: %q has the lease; %+v", i, h, elector.Stats())
			}
		}
	})
}

func TestAStopThatDidNotWaitForTheStoreSaysSo(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		e.store.Delay(time.Second)
		elector := e.elector(t)
		s := leader.Loop(elector, (&obeys{}).run)
		up(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := s.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Stop = %v", err)
		}
		if err := down(t, s, time.Minute); err != nil {
			t.Errorf("a later Stop = %v", err)
		}
		if h := e.store.Holder("news"); h != "" {
			t.Errorf("%q has it", h)
		}
	})
}

// Packages dashboard and metrics know no more of this module than its methods.
func TestAnOutageIsOnTheDashboard(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		host := hosted.New(hosted.Config{Name: "shop"})
		host.Add("newsletter", leader.Loop(e.elector(t), (&obeys{}).run))
		if err := host.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = host.Stop(context.Background()) }()
		page := dashboard.New(host, dashboard.Config{})
		synctest.Wait()
		if got := page.State(); got.Headline != "All is well" {
			t.Errorf("%s: %+v", got.Headline, got.Problems)
		}
		e.store.Fail(errStore)
		time.Sleep(2 * ttl)
		got := page.State()
		if len(got.Problems) != 1 || !strings.Contains(got.Problems[0].What, `does not know who leads "news"`) || got.Problems[0].Why != errStore.Error() {
			t.Errorf("%s: %+v", got.Headline, got.Problems)
		}
		e.store.Fail(nil)
		time.Sleep(2 * time.Second)
		if got := page.State(); got.Headline != "All is well" {
			t.Errorf("%s: %+v", got.Headline, got.Problems)
		}
	})
}
