package leader_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/hosted/hostedtest"
	"github.com/steadgo/stead/leader"
	"github.com/steadgo/stead/leader/leadertest"
	"github.com/steadgo/stead/lifecycle"
)

func TestALeaderServiceConforms(t *testing.T) {
	hostedtest.Conform(t, func() hosted.Service {
		e, err := leader.New(&leadertest.Store{}, leader.Config{Group: "news", TTL: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		return leader.Loop(e, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	})
}

func TestAFollowerIsReadyAndTakesOverWhenTheLeaderStops(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		var works [2]obeys
		var electors [2]*leader.Elector
		var hosts [2]*hosted.Host
		for i := range hosts {
			electors[i] = e.elector(t)
			hosts[i] = hosted.New(hosted.Config{})
			hosts[i].Add("news", leader.Loop(electors[i], works[i].run))
			up(t, hosts[i])
		}
		if !electors[0].Stats().Leading || electors[1].Stats().Leading {
			t.Fatalf("leading: %+v, %+v", electors[0].Stats(), electors[1].Stats())
		}
		time.Sleep(time.Minute)
		if s := hosts[1].Services()[0]; s.State != lifecycle.Running || !s.Ready {
			t.Errorf("the follower is %v, ready %v", s.State, s.Ready)
		}
		if err := down(t, hosts[0], time.Minute); err != nil {
			t.Error(err)
		}
		if took := until(t, "hand-over", leading(electors[1])); took >= time.Second {
			t.Errorf("hand-over took %v", took)
		}
		synctest.Wait()
		a, b := electors[0].Stats(), electors[1].Stats()
		if a.Leading || a.Terms != 1 || a.Lost != 0 || a.Transitions != 2 || b.Fence <= a.Fence {
			t.Errorf("first %+v, second %+v", a, b)
		}
		if _, _, cause := works[0].get(); !errors.Is(cause, hosted.ErrStopping) {
			t.Errorf("the work ended with %v", cause)
		}
		if works[1].fence != b.Fence {
			t.Errorf("the work has fence %d of %d", works[1].fence, b.Fence)
		}
	})
}

func TestTheDefaultsHandOverWithinASecond(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		for range 50 {
			first, err1 := leader.New(&e.store, leader.Config{Group: "news"})
			second, err2 := leader.New(&e.store, leader.Config{Group: "news"})
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			a, b := leader.Loop(first, (&obeys{}).run), leader.Loop(second, (&obeys{}).run)
			up(t, a)
			up(t, b)
			if err := down(t, a, time.Minute); err != nil {
				t.Fatal(err)
			}
			if took := until(t, "hand-over", leading(second)); took > 750*time.Millisecond {
				t.Fatalf("hand-over took %v", took)
			}
			if err := down(t, b, time.Minute); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestALossEndsTheWorkWithItsCauseAndTheServiceStandsAgainWhenItHasReturned(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		work := obeys{takes: ttl / 2}
		elector := e.elector(t)
		up(t, leader.Loop(elector, work.run))
		e.store.Fail(errStore)
		until(t, "loss", func() bool { return !elector.Stats().Leading })
		synctest.Wait()
		if _, _, cause := work.get(); !errors.Is(cause, leader.ErrLost) || !errors.Is(cause, errStore) {
			t.Errorf("cause %v", cause)
		}
		e.store.Fail(nil)
		e.store.Forget()
		time.Sleep(ttl/2 - time.Second)
		if h := e.store.Holder("news"); h != "" {
			t.Error("it stands again while its work goes on")
		}
		until(t, "second term", leading(elector))
		synctest.Wait()
		s := elector.Stats()
		if runs, _, _ := work.get(); runs != 2 || s.Terms != 2 || s.Lost != 1 || s.Transitions != 3 || s.Err != nil {
			t.Errorf("%d runs, %+v", runs, s)
		}
		for _, line := range []string{"leadership gained", "leadership lost", "work goes on without the lease"} {
			if e.log.lines(t, line) == 0 {
				t.Errorf("the log lacks %q", line)
			}
		}
	})
}

func TestEveryTransitionIsLoggedAndCounted(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		elector := e.elector(t)
		s := leader.Loop(elector, (&obeys{}).run)
		up(t, s)
		for n := range uint64(20) {
			until(t, "term", leading(elector))
			e.store.Forget()
			until(t, "loss", func() bool { return elector.Stats().Lost > n })
		}
		until(t, "term", leading(elector))
		if err := down(t, s, time.Minute); err != nil {
			t.Error(err)
		}
		got := elector.Stats()
		gained, lost, given := e.log.lines(t, "leadership gained"), e.log.lines(t, "leadership lost"), e.log.lines(t, "leadership released")
		if got.Terms != 21 || got.Lost != 20 || got.Transitions != 42 || gained != 21 || lost != 20 || given != 1 {
			t.Errorf("%+v; logged %d gained, %d lost, %d given up", got, gained, lost, given)
		}
	})
}

func TestTheLeadIsGivenBackOnlyAfterTheWorkReturned(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		work := obeys{takes: 5 * ttl}
		s := leader.Loop(e.elector(t), work.run)
		up(t, s)
		err := down(t, s, ttl)
		if err == nil || s.Stuck() != 1 {
			t.Errorf("Stop = %v, %d stuck", err, s.Stuck())
		}
		time.Sleep(3 * ttl)
		if e.store.Holder("news") == "" {
			t.Error("the lead was given back, or not renewed, while the work goes on")
		}
		time.Sleep(2 * ttl)
		if h := e.store.Holder("news"); h != "" || s.Stuck() != 0 {
			t.Errorf("the work has returned: %q has the lead, %d stuck", h, s.Stuck())
		}
	})
}

func TestWorkThatDoesNotReturnAfterALossFailsTheHostAndIsNamed(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		release := make(chan struct{})
		elector := e.elector(t)
		host := hosted.New(hosted.Config{})
		host.Add("newsletter", leader.Loop(elector, func(context.Context) error { <-release; return nil }))
		up(t, host)
		e.store.Forget()
		lost := time.Now()
		<-host.Done()
		// Noticed within a third, then the margin and the grace, and the stop.
		if took := time.Since(lost); took < ttl || took > 2*ttl {
			t.Errorf("the host ended %v after the loss", took)
		}
		var timeout *hosted.TimeoutError
		if err := host.Err(); !errors.As(err, &timeout) || timeout.Stragglers[0].Service != "newsletter" || !strings.Contains(timeout.Stragglers[0].Stacks, "TestWorkThatDoesNotReturn") {
			t.Errorf("the host ended with %v", err)
		} else if !errors.Is(err, leader.ErrLost) {
			t.Errorf("the loss is not in %v", err)
		}
		if s := elector.Stats(); !s.Stuck || s.Leading || s.Terms != 1 {
			t.Errorf("%+v", s)
		}
		again := leader.Loop(elector, (&obeys{}).run)
		if err := again.Start(t.Context()); err == nil {
			t.Error("a second service began beside the work of the first")
		}
		close(release)
		synctest.Wait()
		time.Sleep(ttl)
		up(t, again)
	})
}

func TestASlowStartIsEndedByALossAndByAStop(t *testing.T) {
	for _, by := range []string{"loss", "stop"} {
		t.Run(by, func(t *testing.T) {
			bubble(t, func(t *testing.T, e *env) {
				var cause error
				s := leader.Only(e.elector(t), func() (hosted.Service, error) {
					return hosted.Once(func(ctx context.Context) error {
						<-ctx.Done()
						if cause == nil {
							cause = context.Cause(ctx)
						}
						return cause
					}), nil
				})
				up(t, s)
				want := hosted.ErrStopping
				if by == "loss" {
					want = leader.ErrLost
					e.store.Forget()
					time.Sleep(ttl / 2)
				}
				if err := down(t, s, time.Minute); err != nil {
					t.Error(err)
				}
				if !errors.Is(cause, want) {
					t.Errorf("the start ended with %v", cause)
				}
				if h := e.store.Holder("news"); h != "" {
					t.Errorf("%q has it", h)
				}
			})
		})
	}
}

func TestAnElectorServesOneServiceAtATime(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		elector := e.elector(t)
		first := leader.Loop(elector, (&obeys{}).run)
		up(t, first)
		if err := leader.Loop(elector, (&obeys{}).run).Start(t.Context()); err == nil {
			t.Error("a second service started")
		}
		if err := first.Start(t.Context()); err == nil {
			t.Error("it started twice")
		}
		if err := down(t, first, time.Minute); err != nil {
			t.Error(err)
		}
		up(t, leader.Loop(elector, (&obeys{}).run))
	})
}

func TestAStoreThatIsAwayAtTheStartMakesAFollower(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		e.store.Fail(errStore)
		elector := e.elector(t)
		up(t, leader.Loop(elector, (&obeys{}).run))
		time.Sleep(time.Hour)
		if s := elector.Stats(); s.Leading || !errors.Is(s.Err, errStore) {
			t.Errorf("%+v", s)
		}
		if n := e.log.lines(t, "lease cannot be requested"); n != 1 {
			t.Errorf("an hour of outage is %d lines", n)
		}
		e.store.Fail(nil)
		until(t, "it leads", leading(elector))
		if s := elector.Stats(); s.Err != nil || e.log.lines(t, "answers again") != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAStopOfAFollowerIsPromptAlsoWhenTheStoreHangs(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		store := &deaf{Store: &e.store}
		speak := store.silence()
		elector, err := leader.New(store, e.config())
		if err != nil {
			t.Fatal(err)
		}
		s := leader.Loop(elector, (&obeys{}).run)
		up(t, s)
		began := time.Now()
		if err := down(t, s, time.Minute); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("Stop took %v", took)
		}
		speak()
		synctest.Wait()
		if h := e.store.Holder("news"); h != "" {
			t.Errorf("%q has it", h)
		}
	})
}

// stalls is a log that holds up who writes a certain line, as a process is held up
// that the system stops there.
type stalls struct {
	slog.Handler

	at   string
	then func()
}

func (s stalls) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == s.at {
		s.then()
	}
	return s.Handler.Handle(ctx, r)
}

func TestATermLostBeforeItBeganIsNotTakenForTheLead(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		cfg := e.config()
		cfg.Logger = slog.New(stalls{cfg.Logger.Handler(), "store of the lease answers again", func() {
			e.store.Forget()
			time.Sleep(ttl)
		}})
		elector, err := leader.New(&e.store, cfg)
		if err != nil {
			t.Fatal(err)
		}
		e.store.Fail(errStore)
		up(t, leader.Loop(elector, (&obeys{takes: 5 * time.Second}).run))
		e.store.Fail(nil)
		until(t, "a lost term", func() bool { return elector.Stats().Lost == 1 })
		if s := elector.Stats(); s.Leading || s.Terms != 1 || s.Transitions != 2 {
			t.Errorf("leads with a lost term: %+v", s)
		}
	})
}
