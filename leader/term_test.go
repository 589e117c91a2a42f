package leader_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/leader"
	"github.com/steadgo/stead/leader/leadertest"
)

func TestThreeCandidatesAreNeverInsideAtOnceInAThousandTerms(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		var text strings.Builder
		inside := &section{w: &text}
		const terms = 1000
		var mu sync.Mutex
		begun := 0
		more := func() bool {
			mu.Lock()
			defer mu.Unlock()
			begun++
			return begun <= terms
		}
		var all sync.WaitGroup
		for _, who := range []string{"a", "b", "c"} {
			all.Go(func() {
				for more() {
					err := leader.Do(t.Context(), &e.store, "news", func(ctx context.Context, fence int64) error {
						inside.enter(who, fence)
						defer inside.leave(who, fence)
						select {
						case <-ctx.Done(): // lost: leave before anybody can enter
						case <-time.After(rand.N(3 * ttl)):
						}
						return nil
					}, leader.With(e.config()))
					if err != nil && !errors.Is(err, leader.ErrLost) {
						t.Error(err)
					}
				}
			})
		}
		// Meanwhile the store is slow or away from time to time, as stores are.
		trouble, stop := context.WithCancel(t.Context())
		var troubled sync.WaitGroup
		troubled.Go(func() {
			for trouble.Err() == nil {
				time.Sleep(rand.N(3 * ttl))
				e.store.Fail(errStore)
				time.Sleep(rand.N(ttl))
				e.store.Fail(nil)
				e.store.Delay(rand.N(ttl / 2))
				time.Sleep(rand.N(2 * ttl))
				e.store.Delay(0)
			}
		})
		all.Wait()
		stop()
		troubled.Wait()
		v := judge(t, strings.NewReader(text.String()))
		v.wantExclusive(t)
		if v.terms != terms || len(v.enteredBy) != 3 {
			t.Errorf("%d terms by %v", v.terms, v.enteredBy)
		}
	})
}

// The pattern of many a blog: set if absent with a time to live, work, delete. No
// renewal, and nobody looks whose key it is that is deleted.
func TestTheNaiveLockIsCaughtByTheSameChecker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var expires time.Time
		setIfAbsent := func() bool {
			mu.Lock()
			defer mu.Unlock()
			if time.Now().Before(expires) {
				return false
			}
			expires = time.Now().Add(300 * time.Millisecond)
			return true
		}
		del := func() {
			mu.Lock()
			defer mu.Unlock()
			expires = time.Time{}
		}
		var text strings.Builder
		inside := &section{w: &text}
		var all sync.WaitGroup
		for _, who := range []string{"a", "b", "c"} {
			all.Go(func() {
				for began := time.Now(); time.Since(began) < 20*time.Second; {
					if !setIfAbsent() {
						time.Sleep(20 * time.Millisecond)
						continue
					}
					inside.enter(who, 0)
					time.Sleep(100*time.Millisecond + rand.N(500*time.Millisecond))
					inside.leave(who, 0)
					del()
				}
			})
		}
		all.Wait()
		v := judge(t, strings.NewReader(text.String()))
		t.Logf("%d terms, at most %d inside, overlap %v of 20s", v.terms, v.most, v.overlap)
		if v.most < 2 || v.overlap < time.Second {
			t.Errorf("the checker sees nothing wrong: %d inside at once, overlap %v", v.most, v.overlap)
		}
	})
}

func TestWorkLongerThanTheTTLKeepsTheLead(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		err := leader.Do(t.Context(), &e.store, "news", func(ctx context.Context, fence int64) error {
			for range 100 {
				time.Sleep(ttl / 2)
				if err := leader.TryDo(t.Context(), &e.store, "news", func(context.Context, int64) error { return nil }, leader.With(e.config())); !errors.Is(err, leader.ErrHeld) {
					t.Fatalf("another got it: %v", err)
				}
			}
			if leader.Fence(ctx) != fence || fence == 0 {
				t.Errorf("fence %d, by the context %d", fence, leader.Fence(ctx))
			}
			return ctx.Err()
		}, leader.With(e.config()))
		if err != nil {
			t.Error(err)
		}
	})
}

func TestAnUnreachableStoreEndsTheWorkBeforeTheLease(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		var work obeys
		var failed time.Time
		time.AfterFunc(25*time.Second, func() { failed = time.Now(); e.store.Fail(errStore) })
		err := leader.Do(t.Context(), &e.store, "news", work.do, leader.With(e.config()))
		_, ended, cause := work.get()
		for name, err := range map[string]error{"cause": cause, "Do": err} {
			if !errors.Is(err, leader.ErrLost) || !errors.Is(err, errStore) {
				t.Errorf("%s: %v", name, err)
			}
		}
		// The last renewal was at 23 1/3 s or so; the lease lasts a TTL from then.
		if ran := ended.Sub(failed); ran >= ttl || ran < ttl/3 {
			t.Errorf("the work ended %v after the store", ran)
		}
		if e.store.Holder("news") == "" {
			t.Error("the lease was over before the work was told")
		}
	})
}

func TestFailedRenewalsWithinTheWindowAreNoLoss(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		err := leader.Do(t.Context(), &e.store, "news", func(ctx context.Context, _ int64) error {
			time.Sleep(ttl / 6)
			for range 20 {
				e.store.Fail(errStore)
				time.Sleep(2 * ttl / 5)
				e.store.Fail(nil)
				time.Sleep(3 * ttl / 5)
			}
			return ctx.Err()
		}, leader.With(e.config()))
		if err != nil {
			t.Error(err)
		}
		if n := e.log.lines(t, "lease not renewed"); n < 40 { // two in each outage
			t.Errorf("only %d renewals failed", n)
		}
	})
}

func TestAForgottenLeaseIsNoticedByTheNextRenewalAndTheFenceRises(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		var fences []int64
		for range 3 {
			var forgot time.Time
			time.AfterFunc(ttl/2, func() { forgot = time.Now(); e.store.Forget() })
			err := leader.Do(t.Context(), &e.store, "news", func(ctx context.Context, fence int64) error {
				fences = append(fences, fence)
				<-ctx.Done()
				if took := time.Since(forgot); took > ttl/3 {
					t.Errorf("noticed after %v", took)
				}
				return nil
			}, leader.With(e.config()))
			if !errors.Is(err, leader.ErrLost) {
				t.Errorf("Do = %v", err)
			}
		}
		for i := range fences[1:] {
			if fences[i+1] <= fences[i] {
				t.Errorf("fences %v", fences)
			}
		}
	})
}

// ledger is a resource that refuses writes with a fence below one it has seen:
// UPDATE ... SET fence = $1 WHERE fence <= $1.
type ledger struct {
	mu      sync.Mutex
	fence   int64
	refused int
}

func (l *ledger) write(fence int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if fence < l.fence {
		l.refused++
		return false
	}
	l.fence = fence
	return true
}

func TestALyingStoreMakesTwoLeadersAndTheResourceRefusesTheOlder(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		e.store.Lie()
		var book ledger
		older := make(chan struct{})
		newer := make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() {
			_ = leader.Do(t.Context(), &e.store, "news", func(_ context.Context, fence int64) error {
				if !book.write(fence) {
					t.Error("the first was refused while alone")
				}
				close(older)
				<-newer
				if book.write(fence) {
					t.Error("the older wrote after the newer")
				}
				return nil
			}, leader.With(e.config()))
		})
		<-older
		err := leader.Do(t.Context(), &e.store, "news", func(_ context.Context, fence int64) error {
			if !book.write(fence) {
				t.Error("the newer was refused")
			}
			close(newer)
			all.Wait()
			if !book.write(fence) {
				t.Error("the newer was refused later")
			}
			return nil
		}, leader.With(e.config()))
		if err != nil || book.refused != 1 {
			t.Errorf("Do = %v, %d refused", err, book.refused)
		}
	})
}

func TestAPanicOfTheWorkReachesTheCallerAndGivesTheLeaseBack(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		func() {
			defer func() {
				if got := recover(); got != "oops" {
					t.Errorf("recovered %v", got)
				}
			}()
			_ = leader.TryDo(t.Context(), &e.store, "news", func(context.Context, int64) error { panic("oops") })
		}()
		if h := e.store.Holder("news"); h != "" {
			t.Errorf("%q still has it", h)
		}
	})
}

func TestTheErrorOfTheWorkIsReturnedAsItIs(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		own := errors.New("no paper")
		if err := leader.Do(t.Context(), &e.store, "news", func(context.Context, int64) error { return own }); err != own { //nolint:errorlint // itself
			t.Errorf("Do = %v", err)
		}
		err := leader.Do(t.Context(), &e.store, "news", func(ctx context.Context, _ int64) error {
			e.store.Forget()
			<-ctx.Done()
			return own
		})
		if !errors.Is(err, own) || !errors.Is(err, leader.ErrLost) {
			t.Errorf("Do = %v", err)
		}
	})
}

func TestAStoreThatPanicsIsAStoreThatFails(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		err := leader.TryDo(t.Context(), &deaf{}, "news", func(context.Context, int64) error { return nil })
		if err == nil || !strings.Contains(err.Error(), "nil pointer") {
			t.Errorf("TryDo = %v", err)
		}
	})
}

func TestAConfigThatMakesNoSenseIsRefusedByName(t *testing.T) {
	var e env
	for field, cfg := range map[string]leader.Config{
		"Group":  {},
		"TTL":    {Group: "g", TTL: time.Millisecond},
		"Margin": {Group: "g", TTL: time.Second, Margin: 500 * time.Millisecond},
		"Retry":  {Group: "g", Retry: -1},
		"Name":   {Group: "g", Name: "a\x00b"},
		"Grace":  {Group: "g", Grace: -1},
	} {
		if _, err := leader.New(&e.store, cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := leader.New(nil, leader.Config{Group: "g"}); err == nil {
		t.Error("a nil store is accepted")
	}
	if err := leader.Do(t.Context(), &e.store, "", nil); err == nil {
		t.Error("an empty key is accepted")
	}
}

// What one of the stores could not keep, or keep together, is refused for all.
func TestAGroupThatAStoreCannotKeepIsRefused(t *testing.T) {
	var e env
	for what, group := range map[string]string{
		"empty": "", "255": strings.Repeat("x", 256), "UTF-8": "a\xff", "NUL": "a\x00b",
		"brace": "}", "a brace": "{tenant}",
	} {
		_, err := leader.New(&e.store, leader.Config{Group: group})
		if err == nil || !strings.Contains(err.Error(), "Group ") || !strings.Contains(err.Error(), what) || len(err.Error()) > 200 {
			t.Errorf("%s: New = %v", what, err)
		}
		err = leader.Do(t.Context(), &e.store, group, func(context.Context, int64) error { t.Error("the work ran"); return nil })
		if err == nil || !strings.Contains(err.Error(), "the key ") || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: Do = %v", what, err)
		}
	}
	for _, group := range []string{"x", "a b/c:d'\"\\%", "ГРУППА", strings.Repeat("x", 255)} {
		if _, err := leader.New(&e.store, leader.Config{Group: group}); err != nil {
			t.Errorf("%q: %v", group, err)
		}
	}
}

func TestANilOptionIsAnError(t *testing.T) {
	var e env
	for _, do := range []func(context.Context, leader.Store, string, func(context.Context, int64) error, ...leader.Option) error{leader.Do, leader.TryDo} {
		err := do(t.Context(), &e.store, "news", func(context.Context, int64) error { t.Error("the work ran"); return nil },
			leader.With(e.config()), nil)
		if err == nil || !strings.Contains(err.Error(), "option 2 of 2 is nil") {
			t.Errorf("%v", err)
		}
	}
}

func TestAFunctionThatIsNilTakesNoLease(t *testing.T) {
	bubble(t, func(t *testing.T, e *env) {
		for what, do := range map[string]func(context.Context, leader.Store, string, func(context.Context, int64) error, ...leader.Option) error{
			"Do": leader.Do, "TryDo": leader.TryDo,
		} {
			if err := do(t.Context(), &e.store, "news", nil); err == nil {
				t.Errorf("%s of nothing is no error", what)
			}
		}
	})
}

func TestDurationsWhoseSumsOverflowAreRefused(t *testing.T) {
	for what, cfg := range map[string]leader.Config{
		"Margin": {Margin: 1 << 62}, "Grace": {Grace: math.MaxInt64}, "TTL": {TTL: math.MaxInt64},
	} {
		cfg.Group = "news"
		if _, err := leader.New(&leadertest.Store{}, cfg); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
