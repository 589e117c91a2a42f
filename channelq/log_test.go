package channelq_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

// records keeps what is logged.
type records struct {
	mu  sync.Mutex
	all []slog.Record
}

func (*records) Enabled(context.Context, slog.Level) bool { return true }
func (r *records) WithAttrs([]slog.Attr) slog.Handler     { return r }
func (r *records) WithGroup(string) slog.Handler          { return r }
func (r *records) Handle(_ context.Context, one slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, one)
	return nil
}

// count returns how many lines with a message there are, and for how many items.
func (r *records) count(message string) (lines, items int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range r.all {
		if one.Message != message {
			continue
		}
		n := 1
		one.Attrs(func(a slog.Attr) bool {
			if a.Key == "items" {
				n = int(a.Value.Int64())
			}
			return true
		})
		lines, items = lines+1, items+n
	}
	return lines, items
}

func TestABatchThatFailsIsOneLineOfTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &records{}
		q := newQueue(t, channelq.Config[int]{Capacity: 500})
		b, err := channelq.NewBatcher(q, func(context.Context, []int) error { return io.EOF }, channelq.BatchConfig[int]{
			MaxItems: 500, MaxWait: time.Minute, Logger: slog.New(log),
			Retry: channelq.Retry{Attempts: 3, Initial: 1, Max: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 500 {
			enqueue(t, q, i)
		}
		if err := errors.Join(b.Start(t.Context()), b.Stop(t.Context())); err != nil {
			t.Fatal(err)
		}
		if s := b.Stats(); s.GaveUp != 500 || s.Retried != 1000 {
			t.Errorf("%+v", s)
		}
		if lines, items := log.count("attempt failed, will retry"); lines > 6 || items != 1000 {
			t.Errorf("%d lines for %d retries", lines, items)
		}
		if lines, items := log.count("item given up"); lines > 6 || items != 500 {
			t.Errorf("%d lines for %d items given up", lines, items)
		}
	})
}

func TestTheLogOfFailuresDoesNotGrowWithTheLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &records{}
		q := newQueue(t, channelq.Config[int]{Capacity: 5000})
		w := startWorkers(t, q, func(context.Context, int) error { return io.EOF }, channelq.WorkerConfig[int]{
			Concurrency: 4, Logger: slog.New(log), Retry: channelq.Retry{Attempts: 2, Initial: 1, Max: 1},
		})
		wave := func(n int) {
			for i := range n {
				enqueue(t, q, i)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		wave(2000)
		wave(3000)
		for kind, more := range map[string]string{
			"attempt failed, will retry": "more attempts failed, will retry",
			"item given up":              "more items given up",
		} {
			lines, items := log.count(kind)
			moreLines, moreItems := log.count(more)
			if lines != 20 || moreLines != 2 || items+moreItems != 5000 {
				t.Errorf("%s: %d lines for %d items and %d for %d more", kind, lines, items, moreLines, moreItems)
			}
		}
		wave(1) // the window is over
		enqueue(t, q, 1)
		if err := w.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if lines, _ := log.count("item given up"); lines != 22 {
			t.Errorf("%d lines", lines)
		}
	})
}
