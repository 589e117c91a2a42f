package channelq_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/steadgo/stead/channelq"
)

// drops notes what OnDrop gets.
type drops struct {
	items   []int
	reasons []channelq.DropReason
}

func (d *drops) on(item int, reason channelq.DropReason) {
	d.items = append(d.items, item)
	d.reasons = append(d.reasons, reason)
}

func TestWhatAFullQueueDoesInEachMode(t *testing.T) {
	for _, c := range []struct {
		mode      channelq.FullMode
		delivered []int
		dropped   []int
		err       error // of the enqueues that find the queue full
		reason    channelq.DropReason
	}{
		{channelq.Reject, []int{1, 2, 3}, nil, channelq.ErrFull, 0},
		{channelq.DropOldest, []int{3, 4, 5}, []int{1, 2}, nil, channelq.DroppedOldest},
		{channelq.DropNewest, []int{1, 2, 5}, []int{3, 4}, nil, channelq.DroppedNewest},
		{channelq.DropWrite, []int{1, 2, 3}, []int{4, 5}, channelq.ErrDropped, channelq.DroppedWrite},
	} {
		for _, rotate := range []int{0, 2} { // also when the ring has wrapped
			var d drops
			q := newQueue(t, channelq.Config[int]{Capacity: 3, OnFull: c.mode, OnDrop: d.on})
			for i := range rotate {
				enqueue(t, q, i)
				if _, err := q.TryDequeue(); err != nil {
					t.Fatal(err)
				}
			}
			for i := 1; i <= 5; i++ {
				var want error
				if i > 3 {
					want = c.err
				}
				if err := q.Enqueue(t.Context(), i); !errors.Is(err, want) {
					t.Errorf("%v: enqueue %d = %v, want %v", c.mode, i, err, want)
				}
				if q.Len() != min(i, 3) {
					t.Errorf("%v: length %d after enqueue %d", c.mode, q.Len(), i)
				}
			}
			q.Close()
			if got := slices.Collect(q.All(t.Context())); !slices.Equal(got, c.delivered) {
				t.Errorf("%v: delivered %v, want %v", c.mode, got, c.delivered)
			}
			if !slices.Equal(d.items, c.dropped) || slices.ContainsFunc(d.reasons, func(r channelq.DropReason) bool { return r != c.reason }) {
				t.Errorf("%v: dropped %v because of %v", c.mode, d.items, d.reasons)
			}
			s := q.Stats()
			if n := s.Dropped.Total() + s.Refused.Write; n != uint64(len(c.dropped)) {
				t.Errorf("%v: %d counted, %d callbacks", c.mode, n, len(c.dropped))
			}
			if c.mode == channelq.Reject && s.Refused.Full != 2 {
				t.Errorf("%v: refused %+v", c.mode, s.Refused)
			}
			checkBooks(t, s)
		}
	}
}

func TestOnDropMayUseTheQueue(t *testing.T) {
	var q *channelq.Queue[int]
	var seen []int
	q = newQueue(t, channelq.Config[int]{Capacity: 1, OnFull: channelq.DropOldest, OnDrop: func(item int, _ channelq.DropReason) {
		seen = append(seen, item, q.Len())
		_ = q.Stats()
		if item == 1 {
			enqueue(t, q, 10) // causes the next loss
		} else {
			q.Close()
		}
	}})
	enqueue(t, q, 1, 2)
	if want := []int{1, 1, 2, 1}; !slices.Equal(seen, want) {
		t.Errorf("saw %v, want %v", seen, want)
	}
	if got := slices.Collect(q.All(t.Context())); !slices.Equal(got, []int{10}) {
		t.Errorf("delivered %v", got)
	}
	checkBooks(t, q.Stats())
}

func TestAPanicInOnDropLosesNothing(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 1, OnFull: channelq.DropOldest, OnDrop: func(int, channelq.DropReason) { panic("boom") }})
	enqueue(t, q, 1, 2)
	if got, err := q.TryDequeue(); got != 2 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
	if s := q.Stats(); s.Panics != 1 || s.Dropped.Oldest != 1 {
		t.Errorf("%+v", s)
	}
}

func TestARendezvousHandsOverOnlyToAWaitingConsumer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, mode := range allModes {
			var d drops
			q := newQueue(t, channelq.Config[int]{OnFull: mode, OnDrop: d.on})
			want, dropped := channelq.ErrFull, 0
			if mode != channelq.Wait && mode != channelq.Reject {
				want, dropped = channelq.ErrDropped, 1
			}
			if err := q.TryEnqueue(1); !errors.Is(err, want) || len(d.items) != dropped {
				t.Errorf("%v: TryEnqueue = %v, dropped %v", mode, err, d.items)
			}
			got := make(chan int)
			go func() {
				v, _ := q.Dequeue(t.Context())
				got <- v
			}()
			synctest.Wait()
			if err := q.TryEnqueue(2); err != nil || <-got != 2 {
				t.Errorf("%v: TryEnqueue with a waiting consumer = %v", mode, err)
			}
			if q.Len() != 0 || q.Cap() != 0 {
				t.Errorf("%v: length %d of %d", mode, q.Len(), q.Cap())
			}
			checkBooks(t, q.Stats())
		}
	})
}

func TestARendezvousMovesBatchesOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{})
		accepted := make(chan int, 1)
		go func() {
			n, _ := q.EnqueueAll(t.Context(), []int{1, 2, 3, 4})
			accepted <- n
		}()
		synctest.Wait()
		buf := make([]int, 3)
		if n, err := q.DequeueBatch(t.Context(), buf); n != 3 || err != nil || !slices.Equal(buf, []int{1, 2, 3}) {
			t.Errorf("DequeueBatch = %d, %v: %v", n, err, buf)
		}
		if v, err := q.TryDequeue(); v != 4 || err != nil || <-accepted != 4 {
			t.Errorf("TryDequeue = %d, %v", v, err)
		}
		checkBooks(t, q.Stats())
	})
}

func TestEnqueueAllInEachMode(t *testing.T) {
	items := []int{1, 2, 3, 4, 5}
	for _, c := range []struct {
		mode      channelq.FullMode
		n         int
		err       error
		delivered []int
	}{
		{channelq.Reject, 3, channelq.ErrFull, []int{1, 2, 3}},
		{channelq.DropOldest, 5, nil, []int{3, 4, 5}},
		{channelq.DropNewest, 5, nil, []int{1, 2, 5}},
		{channelq.DropWrite, 3, channelq.ErrDropped, []int{1, 2, 3}},
	} {
		q := newQueue(t, channelq.Config[int]{Capacity: 3, OnFull: c.mode})
		if n, err := q.EnqueueAll(t.Context(), items); n != c.n || !errors.Is(err, c.err) {
			t.Errorf("%v: EnqueueAll = %d, %v", c.mode, n, err)
		}
		q.Close()
		if n, err := q.EnqueueAll(t.Context(), items); n != 0 || !errors.Is(err, channelq.ErrClosed) {
			t.Errorf("%v: EnqueueAll after Close = %d, %v", c.mode, n, err)
		}
		if got := slices.Collect(q.All(t.Context())); !slices.Equal(got, c.delivered) {
			t.Errorf("%v: delivered %v", c.mode, got)
		}
		if s := q.Stats(); s.Refused.Closed != 5 {
			t.Errorf("%v: refused %+v", c.mode, s.Refused)
		}
		checkBooks(t, q.Stats())
	}
}

func TestEnqueueAllCancelledHalfwayHasPutInAPrefix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 2})
		ctx, cancel := context.WithCancel(t.Context())
		type result struct {
			n   int
			err error
		}
		done := make(chan result)
		go func() {
			n, err := q.EnqueueAll(ctx, []int{1, 2, 3, 4, 5})
			done <- result{n, err}
		}()
		synctest.Wait()
		if v, err := q.Dequeue(t.Context()); v != 1 || err != nil {
			t.Fatal(v, err)
		}
		cancel()
		if r := <-done; r.n != 3 || !errors.Is(r.err, context.Canceled) {
			t.Errorf("EnqueueAll = %d, %v", r.n, r.err)
		}
		q.Close()
		if got := slices.Collect(q.All(t.Context())); !slices.Equal(got, []int{2, 3}) {
			t.Errorf("delivered %v", got)
		}
		if s := q.Stats(); s.Refused.Cancelled != 2 {
			t.Errorf("refused %+v", s.Refused)
		}
	})
}
