package channelq_test

import (
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/steadgo/stead/channelq"
)

func TestAnySequenceOfCallsActsAsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mode := rapid.SampledFrom(allModes).Draw(t, "mode")
		capacity := rapid.IntRange(0, 5).Draw(t, "capacity")
		var dropped []int
		q, err := channelq.New(channelq.Config[int]{Capacity: capacity, OnFull: mode,
			OnDrop: func(item int, _ channelq.DropReason) { dropped = append(dropped, item) }})
		if err != nil {
			t.Fatal(err)
		}
		state := modelState{}
		step := func(in call, item int, err error) {
			if err != nil {
				item = 0
			}
			next := state.step(mode, capacity, in, result{item, sentinel(err)})
			if next == nil {
				t.Fatalf("%v on %v gave %d, %v", in, state, item, err)
			}
			state = *next
		}
		last := 0
		t.Repeat(map[string]func(*rapid.T){
			"TryEnqueue": func(*rapid.T) {
				last++
				step(call{"enqueue", last}, 0, q.TryEnqueue(last))
			},
			"EnqueueAll": func(t *rapid.T) {
				if mode == channelq.Wait {
					return // would wait
				}
				items := make([]int, rapid.IntRange(0, 8).Draw(t, "n"))
				before := len(dropped)
				for i := range items {
					last++
					items[i] = last
				}
				n, err := q.EnqueueAll(context.Background(), items)
				accepted := 0
				refused := dropped[before:]
				for _, item := range items {
					var failed error
					switch {
					case state.closed:
						failed = channelq.ErrClosed
					case mode == channelq.Reject && accepted == n:
						failed = channelq.ErrFull
					case (mode == channelq.DropWrite || capacity == 0) && slices.Contains(refused, item):
						failed = channelq.ErrDropped
					}
					if failed == nil {
						accepted++
					}
					step(call{"enqueue", item}, 0, failed)
				}
				if accepted != n || (n == len(items)) != (err == nil) {
					t.Fatalf("EnqueueAll = %d, %v, but %d were accepted", n, err, accepted)
				}
			},
			"TryDequeue": func(*rapid.T) {
				item, err := q.TryDequeue()
				step(call{op: "dequeue"}, item, err)
			},
			"DequeueBatch": func(t *rapid.T) {
				if len(state.items) == 0 {
					return // would wait
				}
				buf := make([]int, rapid.IntRange(1, 4).Draw(t, "n"))
				n, err := q.DequeueBatch(context.Background(), buf)
				if want := min(len(buf), len(state.items)); n != want || err != nil {
					t.Fatalf("DequeueBatch = %d, %v, want %d", n, err, want)
				}
				for _, item := range buf[:n] {
					step(call{op: "dequeue"}, item, nil)
				}
			},
			"Close": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "really") == 0 {
					q.Close()
					step(call{op: "close"}, 0, nil)
				}
			},
			"": func(t *rapid.T) {
				s := q.Stats()
				if q.Len() != len(state.items) || s.Depth != q.Len() || q.Len() > capacity {
					t.Fatalf("length %d, want %d", q.Len(), len(state.items))
				}
				if n := s.Dropped.Total() + s.Refused.Write; n != uint64(len(dropped)) {
					t.Fatalf("%d drops counted, %d callbacks", n, len(dropped))
				}
				if s.Accepted != s.TakenByHand+s.Dropped.Total()+uint64(s.Depth) || s.InProgress != 0 {
					t.Fatalf("the books do not add up: %+v", s)
				}
			},
		})
	})
}
