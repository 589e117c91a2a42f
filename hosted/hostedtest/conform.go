package hostedtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
)

// Conform checks a service against the contract of [hosted.Service], one
// sub-test a promise:
//
//   - StartGivesUpWhenItsContextEnds
//   - StartReturnsWhenReady, and leaves the work to a goroutine
//   - AFailedStartLeavesNothingRunning
//   - TheEndOfStartsContextEndsNothing of what Start began
//   - StopReturnsWithinItsDeadline, even when there is no time at all
//   - StopSucceeds, without an error or a panic
//   - StopLeavesNothingRunning
//   - StopBeforeStartDoesNothing
//   - StopTwiceIsHarmless
//   - StopFromManyGoroutinesIsHarmless
//   - StartAfterStopWorksOrIsRefused, never half
//   - StuckIsZeroUntilAStopGivesUp, of a service that has the method: Stuck counts what a
//     stop abandoned, and not work in progress
//
// make returns a new service that has not been started. Conform calls it about twenty
// times. The services must be able to start and stop for real, one after the other: let
// them listen on port 0, or connect to a server of the test. make may call t.Cleanup to
// release what belongs to the test only.
func Conform(t *testing.T, make func() hosted.Service) {
	t.Helper()
	k := &kit{make: make, allowance: 10 * time.Second, grace: 20 * time.Second, watch: 100 * time.Millisecond}
	k.conform(func(name string, check func(t testing.TB)) {
		t.Run(name, func(t *testing.T) { check(t) })
	})
}

// conform runs every check through run, which may leave some out.
func (k *kit) conform(run func(name string, check func(t testing.TB))) {
	broken := map[string]bool{}
	for _, p := range promises {
		run(p.name, func(t testing.TB) {
			t.Helper()
			for _, first := range p.needs {
				if broken[first] {
					broken[p.name] = true // nor can anything be said of the ones that need this one
					t.Skipf("hostedtest: nothing can be said of this before %s holds", first)
				}
			}
			t.Cleanup(func() { broken[p.name] = t.Failed() })
			p.check(t, k)
		})
	}
}

// promise is one part of the contract. needs are those without which its check
// would fail for their reason.
type promise struct {
	name  string
	needs []string
	check func(t testing.TB, k *kit)
}

var promises = []promise{
	{"StartGivesUpWhenItsContextEnds", nil, startGivesUp},
	{"StartReturnsWhenReady", []string{"StartGivesUpWhenItsContextEnds"}, startReturns},
	{"AFailedStartLeavesNothingRunning", []string{"StartGivesUpWhenItsContextEnds"}, failedStartLeavesNothing},
	{"TheEndOfStartsContextEndsNothing", []string{"StartReturnsWhenReady"}, outlivesStart},
	{"StopReturnsWithinItsDeadline", []string{"StartReturnsWhenReady"}, stopReturns},
	{"StopSucceeds", []string{"StopReturnsWithinItsDeadline"}, stopSucceeds},
	{"StopLeavesNothingRunning", []string{"StopSucceeds"}, stopLeavesNothing},
	{"StopBeforeStartDoesNothing", nil, stopBeforeStart},
	{"StopTwiceIsHarmless", []string{"StopSucceeds"}, stopTwice},
	{"StopFromManyGoroutinesIsHarmless", []string{"StopTwiceIsHarmless"}, stopFromMany},
	{"StartAfterStopWorksOrIsRefused", []string{"TheEndOfStartsContextEndsNothing", "StopLeavesNothingRunning"}, startAfterStop},
	{"StuckIsZeroUntilAStopGivesUp", []string{"StopLeavesNothingRunning"}, stuckIsZero},
}

func startGivesUp(t testing.TB, k *kit) {
	for _, after := range []time.Duration{0, k.watch / 10} {
		s := k.subject(t)
		ctx, cancel := context.WithTimeout(context.Background(), after)
		defer cancel()
		if o := await(s.begin(ctx, s.service.Start, nil), after+k.grace); !o.back {
			t.Errorf("hostedtest: Start did not return within %v of the end of its context", k.grace)
			return
		}
		_ = s.stop() // it may have come up before that
	}
}

func startReturns(t testing.TB, k *kit) {
	s := k.subject(t)
	o := s.start()
	switch {
	case o.took >= k.allowance:
		t.Errorf("hostedtest: Start blocked for %v; it must return when the service is ready and leave the work to a goroutine", k.allowance)
	case o.err != nil:
		t.Errorf("hostedtest: Start %s", o)
	}
	_ = s.stop()
}

func failedStartLeavesNothing(t testing.TB, k *kit) {
	s := k.subject(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	o := await(s.begin(ctx, s.service.Start, nil), k.grace)
	if o.err == nil {
		_ = s.stop() // it came up nevertheless, and has to be stopped as any other
		return
	}
	if left := s.left(); left != "" {
		t.Errorf("hostedtest: Start failed (%v) and left goroutines, which no Stop will end:\n%s", o.err, left)
	}
}

// outlivesStart compares an instance whose start's context is done with one whose
// start's context does not: goroutines may end by themselves, but not for that.
func outlivesStart(t testing.TB, k *kit) {
	k.insist(t, func(watch time.Duration) (fault string) {
		alive, ended := k.subject(t).whileUp(t, watch, false)
		aliveThen, endedThen := k.subject(t).whileUp(t, watch, true)
		switch {
		case endedThen && !ended:
			return "hostedtest: the service ended with Start's context; take only values from it (context.WithoutCancel)"
		case aliveThen < alive:
			return fmt.Sprintf("hostedtest: %d of %d goroutines ended with Start's context; take only values from it (context.WithoutCancel)",
				alive-aliveThen, alive)
		}
		return ""
	})
}

// insist looks at goroutines until there is no fault. On a slow machine some are there that
// come and go, and others are not there yet: a fault is one if it is still there after a
// long while, or each time after a short one, as that of goroutines that end by themselves.
func (k *kit) insist(t testing.TB, look func(watch time.Duration) (fault string)) {
	t.Helper()
	fault := look(k.watch)
	if fault == "" {
		return
	}
	for watch := 2 * k.watch; look(watch) != ""; watch *= 2 {
		if watch >= 8*k.watch {
			t.Error(fault)
			return
		}
	}
	for range 3 {
		if look(k.watch) == "" {
			return
		}
	}
	t.Error(fault)
}

// whileUp starts the service, counts the goroutines that are there a while later,
// says whether the service had ended, and stops it.
func (s *subject) whileUp(t testing.TB, watch time.Duration, cancelled bool) (goroutines int, ended bool) {
	t.Helper()
	hold := make(chan struct{})
	defer close(hold)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if o := await(s.begin(ctx, s.service.Start, hold), s.kit.allowance); !o.back || o.err != nil {
		t.Fatalf("hostedtest: Start %s", o)
	}
	if cancelled {
		cancel()
	}
	time.Sleep(watch)
	goroutines, ended = s.goroutines(), s.ended()
	_ = s.stop()
	return goroutines - 1, ended // the one that is held is ours
}

func stopReturns(t testing.TB, k *kit) {
	for _, d := range []time.Duration{k.allowance / 10, 0} {
		s := k.subject(t)
		s.up(t)
		if o := s.stopWithin(d); !o.back {
			t.Errorf("hostedtest: Stop with a deadline of %v did not return within %v", d, o.took)
			return
		}
		_ = s.stop()
	}
}

func stopSucceeds(t testing.TB, k *kit) {
	s := k.subject(t)
	s.up(t)
	if o := s.stop(); o.err != nil {
		t.Errorf("hostedtest: Stop %s", o)
	}
}

func stopLeavesNothing(t testing.TB, k *kit) {
	s := k.subject(t)
	s.up(t)
	s.down(t)
	if left := s.left(); left != "" {
		t.Errorf("hostedtest: goroutines are left after Stop:\n%s", left)
	}
}

func stopBeforeStart(t testing.TB, k *kit) {
	if o := k.subject(t).stop(); !o.back || o.err != nil {
		t.Errorf("hostedtest: Stop before Start %s", o)
	}
}

func stopTwice(t testing.TB, k *kit) {
	s := k.subject(t)
	s.up(t)
	s.down(t)
	if o := s.stop(); !o.back || o.err != nil {
		t.Errorf("hostedtest: a second Stop %s", o)
	}
}

func stopFromMany(t testing.TB, k *kit) {
	s := k.subject(t)
	s.up(t)
	ctx, cancel := context.WithTimeout(context.Background(), k.allowance)
	defer cancel()
	together := make(chan struct{})
	var results []<-chan outcome
	for range 20 {
		results = append(results, s.begin(ctx, func(ctx context.Context) error {
			<-together
			return s.service.Stop(ctx)
		}, nil))
	}
	close(together)
	for _, result := range results {
		if o := await(result, k.allowance+k.grace); !o.back || o.err != nil {
			t.Errorf("hostedtest: one of 20 Stops at once %s", o)
			return
		}
	}
}

func startAfterStop(t testing.TB, k *kit) {
	k.insist(t, func(watch time.Duration) string { return startAgain(t, k, watch) })
}

// startAgain returns how much less the second start was than the first, "" if it was not.
func startAgain(t testing.TB, k *kit, watch time.Duration) (half string) {
	s := k.subject(t)
	before, ended := s.whileUp(t, watch, false)
	if o := s.start(); !o.back {
		t.Errorf("hostedtest: Start after Stop %s", o)
		return ""
	} else if o.blew() != "" {
		t.Errorf("hostedtest: Start after Stop %s", o)
		return ""
	} else if o.err != nil {
		if left := s.left(); left != "" {
			t.Errorf("hostedtest: Start after Stop was refused (%v) and left goroutines:\n%s", o.err, left)
		}
		return ""
	}
	time.Sleep(watch)
	if now := s.goroutines(); now < before || s.ended() && !ended {
		half = fmt.Sprintf("hostedtest: Start after Stop succeeded by half: %d goroutines run, %d did the first time; refuse it with an error", now, before)
	}
	if o := s.stop(); !o.back || o.err != nil {
		t.Errorf("hostedtest: Stop after a second Start %s", o)
	} else if left := s.left(); left != "" {
		t.Errorf("hostedtest: goroutines are left after a second Start and Stop:\n%s", left)
	}
	return half
}

func stuckIsZero(t testing.TB, k *kit) {
	s := k.subject(t)
	service, ok := hosted.As[interface{ Stuck() int }](s.service)
	if !ok {
		return
	}
	zero := func(when string) {
		if n := service.Stuck(); n != 0 {
			t.Errorf("hostedtest: Stuck is %d %s; it counts only what a Stop abandoned", n, when)
		}
	}
	zero("before the start")
	s.up(t)
	time.Sleep(k.watch)
	zero("while the service is up")
	s.down(t)
	zero("after a Stop that left nothing")
}
