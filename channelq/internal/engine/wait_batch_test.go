package engine_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/steadgo/stead/channelq/internal/engine"
)

func TestABlockedBatchFinishesInPieces(t *testing.T) {
	for _, capacity := range []int{0, 1, 3, 300} {
		synctest.Test(t, func(t *testing.T) {
			e := newEngine(capacity)
			size := 2*capacity + 5
			n, o := -1, engine.Empty
			go func() { n, o = e.PutN(t.Context(), nil, upTo(size)) }()
			synctest.Wait()
			want(t, "the length", e.Len(), capacity)
			for i := range size {
				v, _ := e.TryTake()
				want(t, "the item", v, i)
				synctest.Wait()
				want(t, "the length", e.Len(), min(capacity, size-i-1))
			}
			want(t, "what was put", n, size)
			want(t, "the outcome", o, engine.OK)
		})
	}
}

func TestACancelledBatchReportsThePrefixThatWentIn(t *testing.T) {
	for _, capacity := range []int{0, 1, 3} {
		for taken := range 4 {
			synctest.Test(t, func(t *testing.T) {
				e := newEngine(capacity)
				ctx, cancel := context.WithCancel(t.Context())
				n, o := -1, engine.OK
				go func() { n, o = e.PutN(ctx, nil, upTo(20)) }()
				synctest.Wait()
				got := make([]int, 0, 20)
				for range taken {
					v, _ := e.TryTake()
					got = append(got, v)
					synctest.Wait()
				}
				cancel()
				synctest.Wait()
				want(t, "what was put", n, capacity+taken)
				want(t, "the outcome", o, engine.Canceled)
				wantItems(t, append(got, rest(e)...), upTo(capacity+taken)...)
			})
		}
	}
}

func TestACancelledBatchLetsTheNextPutIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(2)
		fill(t, e)
		ctx, cancel := context.WithCancel(t.Context())
		go e.PutN(ctx, nil, []int{10, 11, 12})
		synctest.Wait()
		go e.Put(t.Context(), 20)
		synctest.Wait()
		e.TryTake() // calls the batch; it and the cancel race
		cancel()
		synctest.Wait()
		e.TryTake()
		synctest.Wait()
		if got := rest(e); !slices.Equal(got, []int{20}) && !slices.Equal(got, []int{10, 20}) {
			t.Errorf("left are %v, want 20, perhaps after 10", got)
		}
	})
}
