package hosted_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
)

func TestWhatIsLeftInAWatchedQueueIsLeftOverAndTheBucketsAreInTheReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, err := channelq.New(channelq.Config[int]{Name: "clicks", Capacity: 10})
		if err != nil {
			t.Fatal(err)
		}
		h := hosted.New(hosted.Config{})
		h.Go("reader", func(ctx context.Context) error {
			for range q.All(ctx) {
				time.Sleep(time.Second)
			}
			return nil
		}, hosted.Watch(q))
		h.Go("writer", func(ctx context.Context) error { <-ctx.Done(); return nil }, hosted.Watch(q))
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			if err := q.TryEnqueue(i); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(1500 * time.Millisecond)
		err = h.Stop(t.Context())
		wantServiceError(t, err, "reader", "stop")
		wantText(t, err.Error(), `stead/hosted: stop "reader": queue "clicks": 3 items left over`)
		if n := strings.Count(err.Error(), "left over"); n != 1 {
			t.Errorf("the queue is in the error %d times: %v", n, err)
		}
		wantState(t, h, "reader", lifecycle.Failed)
		r := h.Report()
		if r.Clean() || r.Services[1].Leftover+r.Services[0].Leftover != 3 {
			t.Errorf("the report does not count the three that are left once: %v", r)
		}
		if !strings.Contains(r.String(), "accepted 5") || !strings.Contains(r.String(), "taken_by_hand 2") {
			t.Errorf("the buckets are not in the table: %v", r)
		}
		if text, err := json.Marshal(r); err != nil || !strings.Contains(string(text), `"still_there":3`) {
			t.Errorf("the buckets are not in the JSON: %s, %v", text, err)
		}
	})
}

func TestItemsThatNobodyConsumedAreAnErrorOfTheStop(t *testing.T) {
	q, err := channelq.New(channelq.Config[int]{Name: "products", Capacity: 50})
	if err != nil {
		t.Fatal(err)
	}
	h := hosted.New(hosted.Config{})
	h.Add("producer", &fake{}, hosted.Watch(q))
	starts(t, h)
	for i := range 50 {
		wantNil(t, q.TryEnqueue(i))
	}
	err = h.Stop(t.Context())
	wantText(t, err.Error(), `stop "producer": queue "products": 50 items left over`)
	wantIs(t, h.Err(), err)
}

func TestALoopThatReadsOnAfterItsContextEndedCanEmptyItsQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, err := channelq.New(channelq.Config[int]{Name: "clicks", Capacity: 10})
		if err != nil {
			t.Fatal(err)
		}
		h := hosted.New(hosted.Config{})
		h.Go("reader", func(ctx context.Context) error {
			stop := context.AfterFunc(ctx, func() { q.Close() })
			defer stop()
			for range q.All(context.WithoutCancel(ctx)) {
				time.Sleep(time.Second)
			}
			return nil
		}, hosted.Watch(q))
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			if err := q.TryEnqueue(i); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if r := h.Report(); !r.Clean() {
			t.Errorf("not clean: %v", r)
		}
	})
}

func TestAHostThatHasRunSaysThatItRunsOnce(t *testing.T) {
	h := hosted.New(hosted.Config{})
	if err := errors.Join(h.Start(t.Context()), h.Stop(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := h.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "runs once") {
		t.Errorf("second run: %v", err)
	}
}

func TestAProducerThatOutlivesItsQueueIsNamedInTheErrorTheLogAndTheReport(t *testing.T) {
	log, logger := newLog()
	q, err := channelq.New(channelq.Config[int]{Name: "audit", Capacity: 1})
	if err != nil {
		t.Fatal(err)
	}
	w, err := channelq.NewWorkers(q, func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{})
	if err != nil {
		t.Fatal(err)
	}
	h := hosted.New(hosted.Config{Logger: logger})
	h.Add("http", &fake{stop: func(ctx context.Context) error {
		for i := range 7 {
			err := q.Enqueue(ctx, i)
			wantIs(t, err, channelq.ErrClosed)
			wantText(t, err.Error(), `stead/channelq: enqueue "audit": queue closed (`, "register consumers before producers")
		}
		return nil
	}})
	h.Add("audit", w) // the wrong way round
	starts(t, h)
	stops(t, h)
	wantLines(t, log, "WARN service stopped", 1)
	wantLines(t, log, "refused_closed=7", 1)
	wantLines(t, log, "register consumers before producers", 1)
	wantText(t, h.Report().String(), "refused_closed 7", "audit: a producer outlived its queue")
}

func TestAQueueThatItsOwnerClosedGivesNoHint(t *testing.T) {
	q, err := channelq.New(channelq.Config[int]{Name: "audit", Capacity: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, has := q.Counts()["refused_closed"]; has {
		t.Error("the bucket is there although it is empty")
	}
	q.Close()
	if got, want := q.TryEnqueue(1).Error(), `stead/channelq: enqueue "audit": queue closed`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
