package coordinator_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/steadgo/stead/coordinator"
)

func TestAWaitEndsWhenAllAreReadyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := with(t, "a", "b")
		must(t, c.Ready("a"))
		ended := make(chan error, 3)
		wait := func() {
			go func() { ended <- c.Wait(t.Context(), "a", "b") }()
			go func() { ended <- c.As("me").Wait(t.Context(), "b", "a") }()
			go func() { ended <- c.WaitAll(t.Context()) }()
			synctest.Wait()
		}
		wait()
		must(t, c.Fail("a", io.ErrUnexpectedEOF)) // while b is awaited
		for range cap(ended) {
			wantIs(t, <-ended, io.ErrUnexpectedEOF)
		}
		must(t, c.As("a").Ready())
		wait()
		must(t, c.As("a").Reset())
		must(t, c.Ready("b"))
		synctest.Wait()
		if len(ended) > 0 {
			t.Fatalf("ended with %v while a was not ready", <-ended)
		}
		must(t, c.Ready("a"))
		must(t, c.Ready("a"))
		for range cap(ended) {
			must(t, <-ended)
		}
		wantIs(t, c.Reset("nobody"), coordinator.ErrUnknown)
		if n := c.Books(); n != 0 {
			t.Errorf("%d entries left behind", n)
		}
	})
}

// TestWaitsAgreeWithTheConditionTheyWaitFor compares waits with what they are to be:
// over at the first moment at which all names are ready, or one has failed.
func TestWaitsAgreeWithTheConditionTheyWaitFor(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for round := range 200 {
		synctest.Test(t, func(t *testing.T) {
			names := []string{"a", "b", "c", "d"}
			c := with(t, names...)
			state := map[string]string{} // "" or ready or failed
			type wait struct {
				names []string
				ended chan error
				want  string
			}
			var waits []*wait
			look := func() {
				synctest.Wait()
				for _, w := range waits {
					if w.want == "" {
						w.want = condition(w.names, state)
					}
					got := ""
					select {
					case err := <-w.ended:
						w.ended <- err
						got = map[bool]string{true: "ready", false: "failed"}[err == nil]
					default:
					}
					if got != w.want {
						t.Fatalf("seed %d, round %d: a wait for %v is %q, want %q, in %v", seed, round, w.names, got, w.want, state)
					}
				}
			}
			for range 30 {
				name := names[r.IntN(len(names))]
				switch r.IntN(4) {
				case 0:
					must(t, c.Ready(name))
					state[name] = "ready"
				case 1:
					must(t, c.Reset(name))
					state[name] = ""
				case 2:
					if r.IntN(3) == 0 {
						must(t, c.Fail(name, errors.New("broken")))
						state[name] = "failed"
					}
				default:
					w := &wait{ended: make(chan error, 1)}
					for range 1 + r.IntN(3) {
						w.names = append(w.names, names[r.IntN(len(names))])
					}
					if waits = append(waits, w); r.IntN(3) == 0 {
						w.names = names
						go func() { w.ended <- c.WaitAll(t.Context()) }()
					} else {
						go func() { w.ended <- c.Wait(t.Context(), w.names...) }()
					}
				}
				look()
			}
			for _, name := range names {
				must(t, c.Ready(name))
				state[name] = "ready"
				look()
			}
			if n := c.Books(); n != 0 {
				t.Errorf("%d entries left behind", n)
			}
		})
	}
}

func condition(names []string, state map[string]string) string {
	is := func(s string) func(string) bool { return func(name string) bool { return state[name] == s } }
	switch {
	case slices.ContainsFunc(names, is("failed")):
		return "failed"
	case slices.ContainsFunc(names, is("")):
		return ""
	default:
		return "ready"
	}
}
