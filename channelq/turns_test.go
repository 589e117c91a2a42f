package channelq_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/lifecycle"
)

func TestOneKeyCannotStarveTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[string]{Capacity: 500})
		var other time.Time
		w := startWorkers(t, q, func(_ context.Context, tenant string) error {
			if tenant == "other" {
				other = time.Now()
			}
			time.Sleep(100 * time.Millisecond)
			return nil
		}, channelq.WorkerConfig[string]{Concurrency: 4, Key: func(tenant string) string { return tenant }})
		flood := make(chan error)
		go func() {
			_, err := q.EnqueueAll(context.Background(), slices.Repeat([]string{"flood"}, 3000))
			flood <- err
		}()
		time.Sleep(10 * time.Second)
		if s := w.Stats(); s.Depth+s.Parked > 1010 { // some calls may have been past the look at the bound
			t.Errorf("there is no bound: %+v", s)
		}
		begin := time.Now()
		enqueue(t, q, "other")
		synctest.Wait()
		if took := other.Sub(begin); took < 0 || took > time.Second {
			t.Errorf("another tenant's item started after %v", took)
		}
		if err := <-flood; err != nil {
			t.Error(err)
		}
		_ = w.Stop(t.Context())
		checkBooks(t, w.Stats())
	})
}

func TestKeysTakeTurnsAlsoWithOneWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[string]{Capacity: 100})
		var order []string
		w := newWorkers(t, q, func(_ context.Context, s string) error { order = append(order, s); return nil },
			channelq.WorkerConfig[string]{Concurrency: 1, Key: func(s string) string { return s[:1] }})
		enqueue(t, q, "a1", "a2", "a3", "a4", "b1", "c1", "b2")
		if err := errors.Join(w.Start(t.Context()), w.Stop(t.Context())); err != nil {
			t.Error(err)
		}
		if i, j := slices.Index(order, "b1"), slices.Index(order, "c1"); max(i, j) > 4 || len(order) != 7 {
			t.Errorf("handled %v", order)
		}
	})
}

func TestAKeyMayHaveMoreThanOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 100})
		w := startWorkers(t, q, func(context.Context, int) error { time.Sleep(time.Second); return nil },
			channelq.WorkerConfig[int]{Concurrency: 10, Key: func(i int) string { return strconv.Itoa(i % 2) }, KeyLimit: 3})
		for i := range 20 {
			enqueue(t, q, i)
		}
		synctest.Wait()
		if s := w.Stats(); s.InProgress != 6 {
			t.Errorf("%+v", s)
		}
		_ = w.Stop(t.Context())
	})
}

func TestDescribeNamesAnItemAndLoggedIsNotLoggedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		w := startWorkers(t, q, func(ctx context.Context, i int) error {
			if i == 2 {
				return lifecycle.Logged(io.ErrClosedPipe)
			}
			return io.EOF
		}, channelq.WorkerConfig[int]{
			Concurrency: 1, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Describe: func(i int) string { return "order " + strconv.Itoa(i) },
			Retry:    channelq.Retry{Attempts: 2, Initial: time.Hour, Max: time.Hour},
		})
		enqueue(t, q, 1, 2)
		synctest.Wait()
		if r := w.Retrying(); len(r) != 2 || !strings.HasPrefix(r[0].Description, "order ") {
			t.Errorf("%+v", r)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		for _, f := range w.Failures() {
			if f.Description != "order "+strconv.Itoa(f.Item.(int)) {
				t.Errorf("%+v", f)
			}
		}
		if text := log.String(); w.Stats().GaveUp != 2 || strings.Count(text, `item="order 1"`) != 2 || strings.Contains(text, "closed pipe") {
			t.Errorf("%+v\n%s", w.Stats(), text)
		}
	})
}

func TestAStopThatDropsHandsOverAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 10})
		var left []int
		w := startWorkers(t, q, func(context.Context, int) error { time.Sleep(time.Second); return nil }, channelq.WorkerConfig[int]{
			Concurrency: 1, Drain: channelq.DropOnStop,
			OnLeftover: func(_ context.Context, items []int) error { left = items; return nil },
		})
		enqueue(t, q, 1, 2, 3)
		synctest.Wait()
		start := time.Now()
		if err := w.Stop(within(t, time.Hour)); err != nil || time.Since(start) > time.Second {
			t.Errorf("Stop = %v after %v", err, time.Since(start))
		}
		if s := w.Stats(); s.Handled != 1 || !slices.Equal(left, []int{2, 3}) {
			t.Errorf("left over %v: %+v", left, s)
		}
	})
}
