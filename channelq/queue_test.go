package channelq_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

var allModes = []channelq.FullMode{
	channelq.Wait, channelq.Reject, channelq.DropNewest, channelq.DropOldest, channelq.DropWrite,
}

func TestNewNamesTheFieldThatMakesNoSense(t *testing.T) {
	if _, err := channelq.New(channelq.Config[int]{Capacity: -1}); err == nil {
		t.Error("a negative capacity was accepted")
	}
	if _, err := channelq.New(channelq.Config[int]{OnFull: 99}); err == nil {
		t.Error("an unknown mode was accepted")
	}
	q := newQueue(t, channelq.Config[int]{})
	if q.Name() != "queue" || q.Cap() != 0 {
		t.Errorf("the zero Config gives %q with capacity %d", q.Name(), q.Cap())
	}
}

func TestABlockedEnqueueGetsInWhenAnItemIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 2})
		enqueue(t, q, 1, 2)
		var order []int
		for i := 3; i <= 5; i++ {
			go func() {
				_ = q.Enqueue(t.Context(), i)
				order = append(order, i)
			}()
			synctest.Wait() // so that they wait in this order
		}
		for want := 1; want <= 5; want++ {
			got, err := q.Dequeue(t.Context())
			if err != nil || got != want {
				t.Errorf("got %d, %v, want %d", got, err, want)
			}
			synctest.Wait()
		}
		if !slices.Equal(order, []int{3, 4, 5}) {
			t.Errorf("enqueues returned in the order %v", order)
		}
		checkBooks(t, q.Stats())
	})
}

func TestACancelledEnqueueLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Name: "emails", Capacity: 1})
		enqueue(t, q, 1)
		ctx, cancel := context.WithCancelCause(t.Context())
		failed := make(chan error, 1)
		go func() { failed <- q.Enqueue(ctx, 2) }()
		synctest.Wait()
		go func() { _ = q.Enqueue(t.Context(), 3) }()
		synctest.Wait()
		cancel(io.ErrNoProgress)
		err := <-failed
		if !errors.Is(err, context.Canceled) || !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("Enqueue = %v, want both Canceled and its cause", err)
		}
		if want := `stead/channelq: enqueue "emails": context canceled: ` + io.ErrNoProgress.Error(); err.Error() != want {
			t.Errorf("message %q, want %q", err, want)
		}
		for _, want := range []int{1, 3} {
			if got, err := q.Dequeue(t.Context()); got != want || err != nil {
				t.Errorf("got %d, %v, want %d", got, err, want)
			}
		}
		if s := q.Stats(); s.Refused.Cancelled != 1 {
			t.Errorf("refused %+v", s.Refused)
		}
		checkBooks(t, q.Stats())
	})
}

func TestADeadlineEndsABlockedCallWhenItPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 1})
		start := time.Now()
		if _, err := q.Dequeue(within(t, time.Second)); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("Dequeue = %v after %v", err, time.Since(start))
		}
		enqueue(t, q, 1)
		start = time.Now()
		if err := q.Enqueue(within(t, time.Second), 2); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("Enqueue = %v after %v", err, time.Since(start))
		}
	})
}

func TestAContextThatIsDoneFailsAtOnceAlsoWhenThereIsRoomOrAnItem(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, mode := range allModes {
		q := newQueue(t, channelq.Config[int]{Capacity: 8, OnFull: mode})
		enqueue(t, q, 1)
		for range 100 {
			if err := q.Enqueue(ctx, 2); !errors.Is(err, context.Canceled) {
				t.Fatalf("%v: Enqueue = %v", mode, err)
			}
			if n, err := q.EnqueueAll(ctx, []int{2, 3}); n != 0 || !errors.Is(err, context.Canceled) {
				t.Fatalf("%v: EnqueueAll = %d, %v", mode, n, err)
			}
			if _, err := q.Dequeue(ctx); !errors.Is(err, context.Canceled) {
				t.Fatalf("%v: Dequeue = %v", mode, err)
			}
			if n, err := q.DequeueBatch(ctx, make([]int, 2)); n != 0 || !errors.Is(err, context.Canceled) {
				t.Fatalf("%v: DequeueBatch = %d, %v", mode, n, err)
			}
			for range q.All(ctx) {
				t.Fatalf("%v: All goes on after its context ended", mode)
			}
		}
		if s := q.Stats(); s.Depth != 1 || s.Refused.Cancelled != 300 {
			t.Errorf("%v: %+v", mode, s)
		}
	}
}

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

func TestCloseLetsConsumersTakeWhatWasAccepted(t *testing.T) {
	for _, cause := range []error{nil, io.ErrUnexpectedEOF} {
		q := newQueue(t, channelq.Config[int]{Capacity: 4})
		enqueue(t, q, 1, 2)
		if !q.CloseWithError(cause) || q.Close() || q.CloseWithError(io.EOF) {
			t.Error("not exactly the first close closed the queue")
		}
		err := q.Enqueue(t.Context(), 3)
		if !errors.Is(err, channelq.ErrClosed) || !errors.Is(q.TryEnqueue(3), channelq.ErrClosed) || cause != nil && !errors.Is(err, cause) {
			t.Errorf("Enqueue after Close = %v", err)
		}
		for want := 1; want <= 2; want++ {
			select {
			case <-q.Done():
				t.Error("done before the last item was taken")
			default:
			}
			if got, err := q.Dequeue(t.Context()); got != want || err != nil {
				t.Errorf("Dequeue = %d, %v", got, err)
			}
		}
		<-q.Done()
		_, err = q.Dequeue(t.Context())
		if !errors.Is(err, channelq.ErrClosed) || cause != nil && !errors.Is(err, cause) {
			t.Errorf("Dequeue of the drained queue = %v", err)
		}
		if _, err := q.TryDequeue(); !errors.Is(err, channelq.ErrClosed) {
			t.Errorf("TryDequeue of the drained queue = %v", err)
		}
		if q.Err() != cause { //nolint:errorlint // identity is the point
			t.Errorf("Err = %v, want %v", q.Err(), cause)
		}
	}
}

func TestCloseEndsTheWaitOfProducersAndConsumers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := newQueue(t, channelq.Config[int]{Capacity: 1})
		empty := newQueue(t, channelq.Config[int]{Capacity: 1})
		enqueue(t, full, 1)
		ended := make(chan error, 8)
		for range 4 {
			go func() { ended <- full.Enqueue(t.Context(), 2) }()
			go func() { _, err := empty.Dequeue(t.Context()); ended <- err }()
		}
		synctest.Wait()
		full.Close()
		empty.Close()
		for range 8 {
			if err := <-ended; !errors.Is(err, channelq.ErrClosed) {
				t.Errorf("ended with %v", err)
			}
		}
		if got := slices.Collect(full.All(t.Context())); !slices.Equal(got, []int{1}) {
			t.Errorf("delivered %v", got)
		}
		if s := full.Stats(); s.Refused.Closed != 4 {
			t.Errorf("refused %+v", s.Refused)
		}
	})
}

func TestCloseFromTwoGoroutinesIsOneClose(t *testing.T) {
	for range 200 {
		q := newQueue(t, channelq.Config[int]{Capacity: 1})
		var wg sync.WaitGroup
		results := make([]bool, 2)
		for i := range results {
			wg.Go(func() { results[i] = q.Close() })
		}
		wg.Wait()
		if results[0] == results[1] {
			t.Fatalf("both returned %v", results[0])
		}
	}
}

func TestLeavingTheLoopOverAllLosesNothing(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 8})
	enqueue(t, q, 1, 2, 3)
	for item := range q.All(t.Context()) {
		if item == 2 {
			break
		}
	}
	if got, err := q.TryDequeue(); got != 3 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
	if _, err := q.TryDequeue(); !errors.Is(err, channelq.ErrEmpty) {
		t.Errorf("TryDequeue of an empty queue = %v", err)
	}
	checkBooks(t, q.Stats())
}

func TestElementsMayBeNilOrHaveNoSize(t *testing.T) {
	pointers := newQueue(t, channelq.Config[*int]{Capacity: 2})
	enqueue(t, pointers, nil, new(int))
	if v, err := pointers.TryDequeue(); v != nil || err != nil {
		t.Errorf("got %v, %v", v, err)
	}
	empty := newQueue(t, channelq.Config[struct{}]{Capacity: 7})
	for empty.TryEnqueue(struct{}{}) == nil {
	}
	if empty.Len() != 7 {
		t.Errorf("%d elements without size fit into 7", empty.Len())
	}
}

func TestAQueueNobodyRefersToIsCollected(t *testing.T) {
	collected := make(chan struct{})
	func() {
		q := newQueue(t, channelq.Config[[]byte]{Capacity: 8})
		enqueue(t, q, make([]byte, 1<<10))
		runtime.AddCleanup(q, func(c chan struct{}) { close(c) }, collected)
	}()
	collect(t, collected)
}

func TestATakenItemIsNotKeptAlive(t *testing.T) {
	type big struct{ _ [1 << 12]byte }
	q := newQueue(t, channelq.Config[*big]{Capacity: 4})
	handedOver := make(chan struct{}, 1)
	w := startWorkers(t, q, func(context.Context, *big) error { handedOver <- struct{}{}; return nil },
		channelq.WorkerConfig[*big]{Concurrency: 1})
	collected := make(chan struct{})
	func() {
		item := new(big)
		runtime.AddCleanup(item, func(c chan struct{}) { close(c) }, collected)
		enqueue(t, q, item)
	}()
	<-handedOver
	collect(t, collected)
	runtime.KeepAlive(q)
	runtime.KeepAlive(w)
}

// collect runs the garbage collector until the cleanup has run; should it never
// run, the test runs into its timeout.
func collect(t *testing.T, cleaned <-chan struct{}) {
	t.Helper()
	for {
		runtime.GC()
		select {
		case <-cleaned:
			return
		default:
			runtime.Gosched()
		}
	}
}

func TestStatsKeepThePeakAndTheOldestItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 200})
		if !q.Stats().OldestDue.IsZero() {
			t.Error("an empty queue has an oldest item")
		}
		start := time.Now()
		for i := range 100 {
			enqueue(t, q, i)
			time.Sleep(time.Second)
		}
		if got := q.Stats().OldestDue; !got.Equal(start) {
			t.Errorf("oldest since %v, want %v", got, start)
		}
		for range 10 {
			if _, err := q.TryDequeue(); err != nil {
				t.Fatal(err)
			}
		}
		// The oldest is item 10 now; the first sampled one after it is item 64.
		if got := q.Stats().OldestDue.Sub(start); got < 10*time.Second || got > 64*time.Second {
			t.Errorf("oldest %v after the start", got)
		}
		if s := q.Stats(); s.HighWater != 100 || s.Depth != 90 {
			t.Errorf("high water %d, depth %d", s.HighWater, s.Depth)
		}
		if s := q.Stats(); s.Wait.Count != 1 || s.Wait.Sum != 100*time.Second {
			t.Errorf("wait histogram %+v", s.Wait)
		}
	})
}

func TestAnOldItemIsSeenAlsoWhenItIsNoSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 200})
		enqueue(t, q, 0)
		if _, err := q.TryDequeue(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		enqueue(t, q, 1)
		first := time.Now()
		if got := q.Stats().OldestDue; got.Before(first) {
			t.Errorf("the queue was idle until %v, but its oldest item is of %v", first, got)
		}
		time.Sleep(time.Hour)
		if got := q.Stats().OldestDue; !got.Equal(first) {
			t.Errorf("oldest %v, want the time of the first snapshot %v", got, first)
		}
	})
}

func TestNothingIsAllocatedPerItem(t *testing.T) {
	for _, mode := range allModes {
		q := newQueue(t, channelq.Config[[2]int]{Capacity: 4, OnFull: mode})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		buf := make([][2]int, 4)
		if n := testing.AllocsPerRun(1000, func() {
			for range 6 {
				if mode == channelq.Wait {
					_ = q.TryEnqueue([2]int{})
				} else {
					_ = q.Enqueue(ctx, [2]int{})
				}
			}
			_, _ = q.Dequeue(ctx)
			_, _ = q.TryDequeue()
			_, _ = q.DequeueBatch(ctx, buf)
			_, _ = q.TryDequeue()
			_, _ = q.EnqueueAll(ctx, buf)
			_, _ = q.DequeueBatch(ctx, buf)
			_ = q.Stats()
		}); n != 0 {
			t.Errorf("%v: %v allocations", mode, n)
		}
	}
}

func TestAHandledItemAllocatesNothing(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 4})
	handled := make(chan struct{})
	startWorkers(t, q, func(context.Context, int) error { handled <- struct{}{}; return nil }, channelq.WorkerConfig[int]{Concurrency: 2})
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		_ = q.Enqueue(ctx, 1)
		<-handled
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestABlockedEnqueueAllocatesNothing(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{Capacity: 1})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	enqueue(t, q, 0)
	go func() {
		for range q.All(ctx) {
			runtime.Gosched()
		}
	}()
	if n := testing.AllocsPerRun(1000, func() { _ = q.Enqueue(ctx, 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	q.Close()
	<-q.Done()
}
