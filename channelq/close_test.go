package channelq_test

import (
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/steadgo/stead/channelq"
)

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
