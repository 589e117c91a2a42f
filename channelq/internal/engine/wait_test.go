package engine_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq/internal/engine"
)

// In these tests synctest.Wait says that every call has parked where the bubble
// sees it as blocked: a call that spins or holds a lock would never get there.

// putLater starts puts of the given items, one goroutine each, that wait in this
// order. Their outcomes appear in the map, which is to be read after Wait.
func putLater(ctx context.Context, e engine.ByValue[int], items ...int) map[int]engine.Outcome {
	outcomes := map[int]engine.Outcome{}
	for _, v := range items {
		go func() {
			o := e.Put(ctx, v)
			outcomes[v] = o
		}()
		synctest.Wait()
	}
	return outcomes
}

func TestBlockedPutsAreServedInOrder(t *testing.T) {
	for _, capacity := range []int{1, 3, 64} {
		synctest.Test(t, func(t *testing.T) {
			e := newEngine(capacity)
			fill(t, e)
			for i := range 10 {
				go e.Put(t.Context(), capacity+i)
				synctest.Wait()
			}
			// No pause between the takes: those that wait must not overtake each
			// other even when many are woken at once.
			var got []int
			for range capacity + 10 {
				v, o := e.Take(t.Context())
				if o != engine.OK {
					t.Fatal(o)
				}
				got = append(got, v)
			}
			wantItems(t, got, upTo(capacity+10)...)
		})
	}
}

func TestATakeLetsOneBlockedPutIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(3)
		fill(t, e)
		done := make(chan engine.Outcome, 1)
		go func() { done <- e.Put(t.Context(), 3) }()
		synctest.Wait()
		v, _ := e.TryTake()
		want(t, "the item", v, 0)
		synctest.Wait()
		want(t, "the outcome", <-done, engine.OK)
		wantItems(t, rest(e), 1, 2, 3)
	})
}

func TestEveryTakeAdmitsTheNextBlockedPutAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(1)
		fill(t, e)
		for i := 1; i <= 5; i++ {
			go e.Put(t.Context(), i)
			synctest.Wait()
		}
		for i := range 6 { // TryTake never waits for the woken goroutines
			v, o := e.TryTake()
			if v != i || o != engine.OK {
				t.Fatalf("take %d gave %d, %v", i, v, o)
			}
		}
		synctest.Wait()
	})
}

func TestBlockedTakesAreServedInOrder(t *testing.T) {
	for _, capacity := range []int{0, 1, 64} {
		synctest.Test(t, func(t *testing.T) {
			e := newEngine(capacity)
			got := make([]int, 5)
			for i := range got {
				go func() { got[i], _ = e.Take(t.Context()) }()
				synctest.Wait()
			}
			for i := range got {
				e.Put(t.Context(), i)
			}
			synctest.Wait()
			wantItems(t, got, upTo(5)...)
		})
	}
}

func TestACancelledPutIsNotDelivered(t *testing.T) {
	for _, capacity := range []int{0, 1, 5} {
		synctest.Test(t, func(t *testing.T) {
			e := newEngine(capacity)
			fill(t, e)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			outcomes := putLater(ctx, e, 100)
			go e.Put(t.Context(), capacity)
			synctest.Wait()
			time.Sleep(time.Second)
			synctest.Wait()
			want(t, "the outcome", outcomes[100], engine.Canceled)
			for i := range capacity + 1 {
				v, _ := e.TryTake()
				want(t, "the item", v, i)
				synctest.Wait()
			}
			_, o := e.TryTake()
			want(t, "what is left", o, engine.Empty)
		})
	}
}

func TestACancelledTakeLeavesTheItemToTheNext(t *testing.T) {
	for _, capacity := range []int{0, 1, 5} {
		synctest.Test(t, func(t *testing.T) {
			e := newEngine(capacity)
			ctx, cancel := context.WithCancel(t.Context())
			var cancelled [5]engine.Outcome
			for i := range cancelled {
				go func() { _, cancelled[i] = e.Take(ctx) }()
			}
			synctest.Wait()
			got := make([]int, 7)
			for i := range got {
				go func() { got[i], _ = e.Take(t.Context()) }()
				synctest.Wait()
			}
			cancel()
			synctest.Wait()
			for i, o := range cancelled {
				want(t, fmt.Sprint("cancelled take ", i), o, engine.Canceled)
			}
			for i := range got {
				e.Put(t.Context(), i)
			}
			synctest.Wait()
			wantItems(t, got, upTo(7)...)
		})
	}
}

func TestCancelAndWakeUpTogetherLoseNothing(t *testing.T) {
	for _, capacity := range []int{0, 1, 2} {
		synctest.Test(t, func(t *testing.T) {
			for range 300 {
				e := newEngine(capacity)
				ctx, cancel := context.WithCancel(t.Context())
				var a, b int
				var ao, bo engine.Outcome
				go func() { a, ao = e.Take(ctx) }()
				synctest.Wait()
				go func() { b, bo = e.Take(t.Context()) }()
				synctest.Wait()
				// The first one is on its way out when the item calls it, unless
				// it was quick and left the line already.
				cancel()
				e.Put(t.Context(), 7)
				synctest.Wait()
				if ao == engine.OK {
					want(t, "the item of the first", a, 7)
					e.Put(t.Context(), 8)
					synctest.Wait()
					want(t, "the item of the second", b, 8)
				} else {
					want(t, "the item of the second", b, 7)
				}
				want(t, "the outcome of the second", bo, engine.OK)
			}
		})
	}
}

func TestCloseEndsAllWaits(t *testing.T) {
	for _, capacity := range []int{0, 1, 3} {
		synctest.Test(t, func(t *testing.T) {
			full, empty := newEngine(capacity), newEngine(capacity)
			fill(t, full)
			outcomes := make([]engine.Outcome, 8)
			for i := range 2 {
				go func() { outcomes[i] = full.Put(t.Context(), 100) }()
				go func() { _, outcomes[2+i] = full.PutN(t.Context(), nil, []int{100, 101}) }()
				go func() { _, outcomes[4+i] = empty.Take(t.Context()) }()
				go func() { _, outcomes[6+i] = empty.TakeN(t.Context(), make([]int, 3)) }()
			}
			synctest.Wait()
			full.Close()
			empty.Close()
			synctest.Wait()
			for i, o := range outcomes {
				want(t, fmt.Sprint("outcome ", i), o, engine.Closed)
			}
			wantItems(t, rest(full), upTo(capacity)...)
		})
	}
}

func TestOneItemWakesOneOfManyParkedTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(8)
		fill(t, e) // so that puts take their shortest way from here on
		rest(e)
		taken := make(chan int, 10_000)
		for range 16 {
			go func() {
				for {
					v, o := e.Take(t.Context())
					if o != engine.OK {
						return
					}
					taken <- v
				}
			}()
		}
		for i := range 10_000 {
			synctest.Wait() // all are parked
			e.TryPut(i)
			want(t, "the item", <-taken, i)
		}
		e.Close()
	})
}

func TestARunningPutCannotOvertakeABlockedOne(t *testing.T) {
	for _, capacity := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			e := newEngine(capacity)
			fill(t, e)
			go e.Put(t.Context(), capacity)
			synctest.Wait()
			e.TryTake()
			want(t, "a put right after the take", e.TryPut(-1), engine.Full)
			synctest.Wait()
			wantItems(t, rest(e), upTo(capacity + 1)[1:]...)
		})
	}
}
