package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/steadgo/stead/coordinator"
)

func wantCycle(t testing.TB, err error, path string) {
	t.Helper()
	wantIs(t, err, coordinator.ErrCycle)
	if want := "stead/coordinator: wait: cycle: " + path; err.Error() != want {
		t.Errorf("got  %q\nwant %q", err, want)
	}
}

func TestAWaitThatClosesACycleIsRefusedWithThePath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := with(t, "a", "b", "c", "d")
		ended := make(chan error, 2)
		go func() { ended <- c.As("a").Wait(t.Context(), "d", "b") }()
		go func() { ended <- c.As("b").Wait(t.Context(), "c") }()
		synctest.Wait()
		wantCycle(t, c.As("c").Wait(t.Context(), "d", "a"), "c -> a -> b -> c")
		wantCycle(t, c.As("d").WaitAll(t.Context()), "d -> a -> d")
		wantCycle(t, c.As("d").Wait(t.Context(), "d"), "d -> d")
		if len(ended) != 0 {
			t.Fatal("a wait that was there before ended too")
		}
		for _, name := range []string{"c", "b", "d"} {
			must(t, c.Ready(name)) // the refused waits left nothing that holds these up
		}
		must(t, <-ended)
		must(t, <-ended)
		if n := c.Books(); n != 0 {
			t.Errorf("%d entries left behind", n)
		}
	})
}

func TestAReadyMemberMayWaitForItsDependents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := with(t, "a", "b")
		must(t, c.Ready("a"))
		ended := make(chan error, 1)
		go func() { ended <- c.As("a").Wait(t.Context(), "b") }()
		synctest.Wait()
		must(t, c.As("b").Wait(t.Context(), "a"))
		must(t, c.Ready("b"))
		must(t, <-ended)
	})
}

func TestAWaitOfNobodyInParticularIsInNoCycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := with(t, "a", "b")
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() { _ = c.Wait(ctx, "a", "b") }()
		go func() { _ = c.As("guest").Wait(ctx, "a", "b") }()
		go func() { _ = c.As("a").Wait(ctx, "b") }()
		synctest.Wait()
		cancel(io.EOF)
		synctest.Wait()
		must(t, c.Ready("a"))
		must(t, c.As("b").Wait(t.Context(), "a"))
	})
}

func TestOfTwoWaitsThatFormACycleAtTheSameTimeOneIsRefused(t *testing.T) {
	for range 300 {
		c := coordinator.NewFunc(func(string) []string {
			runtime.Gosched() // mixes the two searches
			return nil
		})
		must(t, c.Register("a"))
		must(t, c.Register("b"))
		var refused [2]error
		var wg sync.WaitGroup
		for i, pair := range [2][2]string{{"a", "b"}, {"b", "a"}} {
			wg.Go(func() {
				me := c.As(pair[0])
				if refused[i] = me.Wait(t.Context(), pair[1]); refused[i] != nil {
					_ = me.Fail(refused[i]) // lets the other one go
				}
			})
		}
		wg.Wait() // a hang is the failure
		for _, err := range refused {
			wantIs(t, err, coordinator.ErrCycle)
		}
	}
}

func TestMembersStartedInSequenceCannotWaitForThoseAfterThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		order := []string{"a", "b", "c", "d"}
		now := 0 // the one being started
		var c *coordinator.Coordinator
		c = coordinator.NewFunc(func(name string) []string {
			_, _ = c.Status(), c.IsReady(name) // both are allowed here
			if slices.Index(order, name) > now {
				return []string{order[now], "unknown"}
			}
			return nil
		})
		for _, name := range order {
			must(t, c.Register(name))
		}
		must(t, c.Ready("a"))
		background := make(chan error, 1)
		go func() { background <- c.As("a").Wait(t.Context(), "d") }()
		synctest.Wait() // a is ready and holds nobody up

		now = 1
		wantCycle(t, c.As("b").Wait(t.Context(), "a", "d"), "b -> d -> b")
		wantCycle(t, c.As("b").WaitAll(t.Context()), "b -> c -> b")
		for now = 1; now < len(order); now++ {
			must(t, c.As(order[now]).Wait(t.Context(), order[:now]...))
			must(t, c.Ready(order[now]))
		}
		must(t, <-background)
	})
}

func TestALongChainIsWalkedOnceAndItsPathIsAbbreviated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1000
		c := coordinator.New()
		name := func(i int) string { return fmt.Sprintf("s%03d", i) }
		for i := range n {
			must(t, c.Register(name(i)))
		}
		ctx, cancel := context.WithCancel(t.Context())
		for i := n - 2; i >= 0; i-- { // the costly direction: each new wait leads to all before
			go func() { _ = c.As(name(i)).Wait(ctx, name(i+1)) }()
			synctest.Wait()
		}
		wantCycle(t, c.As(name(n-1)).Wait(t.Context(), name(0)),
			"s999 -> s000 -> s001 -> s002 -> s003 -> s004 -> (989 more) -> s994 -> s995 -> s996 -> s997 -> s998 -> s999")
		cancel()
	})
}

func TestALayeredGraphWithManyWaysIsNotACycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const layers, width = 12, 3 // 3^12 ways from top to bottom
		name := func(layer, i int) string { return fmt.Sprint(layer, "/", i) }
		layer := func(l int) (names []string) {
			for i := range width {
				names = append(names, name(l, i))
			}
			return names
		}
		c := coordinator.New()
		for l := range layers {
			for _, n := range layer(l) {
				must(t, c.Register(n))
			}
		}
		ended := make(chan error, layers*width)
		for l := range layers - 1 {
			for _, n := range layer(l) {
				go func() {
					err := c.As(n).Wait(t.Context(), layer(l+1)...)
					_ = c.Ready(n)
					ended <- err
				}()
			}
		}
		synctest.Wait()
		wantCycle(t, c.As(name(layers-1, 0)).Wait(t.Context(), name(layers-2, 2)), "11/0 -> 10/2 -> 11/0")
		for _, n := range layer(layers - 1) {
			must(t, c.Ready(n))
		}
		for range (layers - 1) * width {
			must(t, <-ended)
		}
		must(t, c.WaitAll(t.Context()))
	})
}

// The waits that are on never form a cycle, and a wait is refused only if it
// would have closed one: compared with a transitive closure over random graphs.
func TestRefusalsAgreeWithTheTransitiveClosure(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			const n = 7
			random := rand.New(rand.NewPCG(seed, 1))
			c := coordinator.New()
			var reach [n][n]bool
			for i := range n {
				must(t, c.Register(fmt.Sprint(i)))
			}
			ctx, cancel := context.WithCancel(t.Context())
			for range 15 {
				from, to := random.IntN(n), random.IntN(n)
				ended := make(chan error, 1)
				go func() { ended <- c.As(fmt.Sprint(from)).Wait(ctx, fmt.Sprint(to)) }()
				synctest.Wait()
				refused := len(ended) == 1
				if want := from == to || reach[to][from]; refused != want {
					t.Fatalf("seed %d: %d -> %d refused: %v, want %v", seed, from, to, refused, want)
				}
				if refused {
					wantIs(t, <-ended, coordinator.ErrCycle)
					continue
				}
				for i := range n {
					for j := range n {
						up := i == from || reach[i][from]
						down := j == to || reach[to][j]
						reach[i][j] = reach[i][j] || up && down
					}
				}
			}
			cancel()
			synctest.Wait()
			if left := c.Books(); left != 0 {
				t.Errorf("seed %d: %d entries left behind", seed, left)
			}
		})
	}
}

// Members become ready for good, so every round has a Coordinator of its own:
// its first moments, with waits that really wait, are what is attacked.
func TestWaitsMarksAndCancelsFromManyGoroutines(t *testing.T) {
	const members, rounds = 8, 200
	name := func(i int) string { return fmt.Sprint("m", i%members) }
	for round := range rounds {
		c := coordinator.New()
		for i := range members {
			must(t, c.Register(name(i)))
		}
		var wg sync.WaitGroup
		for g := range 16 {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(uint64(round), uint64(g)))
				ctx, cancel := context.WithCancelCause(t.Context())
				wg.Go(func() { cancel(io.ErrNoProgress) })
				err := c.As(name(g)).Wait(ctx, name(random.IntN(members)), name(g+1))
				if err != nil && !errors.Is(err, coordinator.ErrCycle) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrNoProgress) {
					t.Errorf("unexpected: %v", err)
				}
				switch random.IntN(3) {
				case 0:
					_ = c.Fail(name(g), io.EOF)
				case 1:
					_ = c.Ready(name(g))
				default:
					_ = c.Status()
				}
			})
		}
		wg.Wait()
		if n := c.Books(); n != 0 {
			t.Fatalf("%d entries left behind", n)
		}
	}
}
