package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/coordinator"
)

// with returns a Coordinator that has these members, none ready.
func with(t testing.TB, names ...string) *coordinator.Coordinator {
	t.Helper()
	c := coordinator.New()
	for _, name := range names {
		must(t, c.Register(name))
	}
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantIs(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got error %v, want one that is %v", err, target)
	}
}

func TestAnUnknownNameIsAnErrorEverywhere(t *testing.T) {
	c := with(t, "a", "broken")
	must(t, c.Fail("broken", io.EOF))
	wantIs(t, c.Wait(t.Context(), "a", "b"), coordinator.ErrUnknown)
	wantIs(t, c.As("a").Wait(t.Context(), "b"), coordinator.ErrUnknown)
	wantIs(t, c.Wait(t.Context(), "broken", "b"), coordinator.ErrUnknown)
	wantIs(t, c.Ready("b"), coordinator.ErrUnknown)
	wantIs(t, c.Fail("b", io.EOF), coordinator.ErrUnknown)
	if c.IsReady("b") {
		t.Error("an unknown name is ready")
	}
	if err := c.Wait(t.Context(), "b"); !strings.Contains(err.Error(), `"b"`) {
		t.Errorf("%q does not name what is unknown", err)
	}
	if n := c.Books(); n != 0 {
		t.Errorf("refused waits left %d entries behind", n)
	}
}

func TestRegisterRefusesEmptyAndRepeatedNames(t *testing.T) {
	c := with(t, "a")
	must(t, c.Ready("a"))
	if err := c.Register("a"); err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("second registration: %v", err)
	}
	if !c.IsReady("a") {
		t.Error("the refused registration changed the member")
	}
	if c.Register("") == nil {
		t.Error("an empty name was accepted")
	}
}

func TestTheZeroValueWorks(t *testing.T) {
	var c coordinator.Coordinator
	must(t, c.WaitAll(t.Context()))
	must(t, c.Wait(t.Context()))
	must(t, c.Register("a"))
	must(t, c.Ready("a"))
	must(t, c.Wait(t.Context(), "a"))
}

func TestReadyWakesEveryWaiterAndLaterOnesPassAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := with(t, "a", "b")
		ended := make(chan error, 100)
		for i := range cap(ended) {
			go func() {
				if i%2 == 0 {
					ended <- c.Wait(t.Context(), "a", "b", "a")
				} else {
					ended <- c.As(fmt.Sprint("guest", i)).Wait(t.Context(), "b", "a")
				}
			}()
		}
		must(t, c.Ready("a"))
		must(t, c.Ready("a")) // counts once
		synctest.Wait()
		if len(ended) != 0 {
			t.Fatal("a wait ended with b not ready")
		}
		must(t, c.Ready("b"))
		for range cap(ended) {
			must(t, <-ended)
		}
		done, cancel := context.WithCancel(t.Context())
		cancel()
		must(t, c.Wait(done, "a", "b"))
		must(t, c.WaitAll(done))
		if n := c.Books(); n != 0 {
			t.Errorf("%d entries left behind", n)
		}
	})
}

func TestFailWakesEveryWaiterWithItsErrorUntilReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := with(t, "a", "b", "c")
		ended := make(chan error, 4)
		go func() { ended <- c.Wait(t.Context(), "a") }()
		go func() { ended <- c.Wait(t.Context(), "b", "a") }()
		go func() { ended <- c.As("c").Wait(t.Context(), "a") }()
		go func() { ended <- c.WaitAll(t.Context()) }()
		synctest.Wait()
		must(t, c.Fail("a", io.ErrUnexpectedEOF))
		for range cap(ended) {
			err := <-ended
			wantIs(t, err, io.ErrUnexpectedEOF)
			if !strings.Contains(err.Error(), `"a"`) {
				t.Errorf("%q does not say who failed", err)
			}
		}
		wantIs(t, c.Wait(t.Context(), "b", "a"), io.ErrUnexpectedEOF)
		wantIs(t, c.WaitAll(t.Context()), io.ErrUnexpectedEOF)
		must(t, c.Fail("a", io.EOF))
		wantIs(t, c.Wait(t.Context(), "a"), io.EOF)
		if c.IsReady("a") {
			t.Error("a failed member is ready")
		}
		must(t, c.Ready("a"))
		must(t, c.Wait(t.Context(), "a"))
		if n := c.Books(); n != 0 {
			t.Errorf("%d entries left behind", n)
		}
	})
}

func TestFailNeedsAReason(t *testing.T) {
	c := with(t, "a")
	if c.Fail("a", nil) == nil {
		t.Error("a failure without a reason was accepted")
	}
	must(t, c.Ready("a"))
	must(t, c.Wait(t.Context(), "a"))
}

func TestWaitAllEndsAfterTheLastIncludingLateRegistrations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := with(t, "a", "b", "me")
		all, others := make(chan error, 1), make(chan error, 1)
		go func() { all <- c.WaitAll(t.Context()) }()
		go func() { others <- c.As("me").WaitAll(t.Context()) }()
		must(t, c.Ready("a"))
		synctest.Wait()
		must(t, c.Register("late"))
		must(t, c.Ready("b"))
		synctest.Wait()
		if len(all)+len(others) != 0 {
			t.Fatal("ended before the member registered meanwhile was ready")
		}
		must(t, c.Ready("late"))
		must(t, <-others)
		synctest.Wait()
		if len(all) != 0 {
			t.Fatal("WaitAll of nobody in particular did not wait for the last member")
		}
		if c.As("other").IsReady("me") {
			t.Error("it is ready too early")
		}
		must(t, c.As("me").Ready())
		if !c.As("other").IsReady("me") || c.As("me").IsReady("unknown") {
			t.Error("a Waiter sees another readiness than the Coordinator")
		}
		must(t, <-all)
	})
}

func TestAWaitThatEndsWithItsContextNamesWhoIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := with(t, "c", "b", "a")
		must(t, c.Ready("b"))
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, io.ErrNoProgress)
		defer cancel()
		err := c.As("x").Wait(ctx, "c", "b", "a")
		wantIs(t, err, context.DeadlineExceeded)
		wantIs(t, err, io.ErrNoProgress)
		if want := "not ready: a, c:"; !strings.Contains(err.Error(), want) {
			t.Errorf("%q, want %q in it", err, want)
		}
		err = c.WaitAll(ctx)
		wantIs(t, err, context.DeadlineExceeded)
		if n := c.Books(); n != 0 {
			t.Errorf("%d entries left behind", n)
		}
	})
}

func TestACancelledWaitSaysCancelledOnceWhenThereIsNoOtherCause(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := with(t, "a").Wait(ctx, "a")
	if want := "stead/coordinator: wait: not ready: a: context canceled"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestStatusShowsWhoWaitsForWhom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := with(t, "c", "b", "a")
		must(t, c.Ready("b"))
		must(t, c.Fail("c", io.EOF))
		must(t, c.Register("d"))
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = c.As("a").Wait(ctx, "d", "b") }()
		go func() { _ = c.As("a").Wait(ctx, "d") }()
		synctest.Wait()
		want := []coordinator.Status{
			{Name: "a", WaitsFor: []string{"d"}},
			{Name: "b", Ready: true},
			{Name: "c", Err: io.EOF},
			{Name: "d"},
		}
		if got := c.Status(); !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		cancel()
	})
}

func TestTenThousandMembersCostOneMapEntryEach(t *testing.T) {
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprint("service-", i)
	}
	perMember := testing.AllocsPerRun(5, func() {
		c := coordinator.New()
		for _, name := range names {
			_ = c.Register(name)
		}
		for _, name := range names {
			_ = c.Ready(name)
		}
	}) / float64(len(names))
	if perMember > 0.05 { // what is left is the growth of the map
		t.Errorf("%.3f allocations for each member, want none of its own", perMember)
	}
}

func BenchmarkRegisterAndReady(b *testing.B) {
	b.ReportAllocs()
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprint("service-", i)
	}
	for b.Loop() {
		c := coordinator.New()
		for _, name := range names {
			_ = c.Register(name)
			_ = c.Ready(name)
		}
	}
}

func BenchmarkWaitForTheReady(b *testing.B) {
	c := with(b, "a", "b")
	must(b, c.Ready("a"))
	must(b, c.Ready("b"))
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		_ = c.Wait(ctx, "a", "b")
	}
}
