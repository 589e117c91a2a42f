package leadertest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/steadgo/stead/leader"
	"github.com/steadgo/stead/leader/leadertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheStoreInMemoryConforms(t *testing.T) {
	leadertest.Conform(t, &leadertest.Store{}, nil)
}

func TestFaultsDoWhatTheySay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s leadertest.Store
		if _, ok, err := s.Acquire(t.Context(), "k", "a", time.Hour); !ok || err != nil || s.Holder("k") != "a" {
			t.Fatalf("Acquire = %v, %v; held by %q", ok, err, s.Holder("k"))
		}
		s.Fail(errors.New("away"))
		if _, err := s.Renew(t.Context(), "k", "a", time.Hour); err == nil || err.Error() != "away" {
			t.Errorf("Renew = %v", err)
		}
		s.Fail(nil)
		s.Delay(time.Minute)
		began := time.Now()
		if ok, err := s.Renew(t.Context(), "k", "a", time.Hour); !ok || err != nil || time.Since(began) != time.Minute {
			t.Errorf("Renew = %v, %v after %v", ok, err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Renew(ctx, "k", "a", time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Renew = %v", err)
		}
		s.Delay(0)
		s.SetClock(2 * time.Hour)
		if s.Holder("k") != "" {
			t.Error("the clock does not count")
		}
		s.SetClock(0)
		s.Forget()
		if ok, _ := s.Renew(t.Context(), "k", "a", time.Hour); ok || s.Holder("k") != "" {
			t.Error("it remembers")
		}
		s.Lie()
		for _, token := range []string{"a", "b", "c"} {
			if _, ok, _ := s.Acquire(t.Context(), "k", token, time.Hour); !ok {
				t.Error("it tells the truth")
			}
		}
	})
}

// What work sees when the store has lost its lease. In a bubble of testing/synctest
// this takes no time.
func ExampleStore() {
	store := &leadertest.Store{}
	err := leader.Do(context.Background(), store, "newsletter", func(ctx context.Context, _ int64) error {
		store.Forget()
		<-ctx.Done()
		fmt.Println("lost:", errors.Is(context.Cause(ctx), leader.ErrLost))
		return nil
	}, leader.With(leader.Config{TTL: 90 * time.Millisecond}))
	fmt.Println("told:", errors.Is(err, leader.ErrLost))
	// Output:
	// lost: true
	// told: true
}
