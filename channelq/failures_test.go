package channelq_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

func TestFailuresAreListedInOrderByTheIDThatOnGiveUpGot(t *testing.T) {
	for keep, want := range map[int]int{0: 20, 3: 3, -1: 0} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			told := map[int]int64{}
			q := newQueue(t, channelq.Config[int]{Capacity: 20})
			for i := range 20 {
				enqueue(t, q, i)
			}
			w := startWorkers(t, q, func(context.Context, int) error { return io.EOF }, channelq.WorkerConfig[int]{
				Concurrency: 20, KeepFailures: keep,
				OnGiveUp: func(_ context.Context, item int, err error) {
					var why *channelq.GiveUpError
					if !errors.As(err, &why) {
						t.Errorf("it got %v", err)
						return
					}
					mu.Lock()
					told[item] = why.ID
					mu.Unlock()
					time.Sleep(time.Duration(item*7%20) * time.Second) // so that they are listed in another order
				},
			})
			if err := w.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			list := w.Failures()
			if len(list) != want || len(told) != 20 {
				t.Fatalf("%d are listed of %d, want %d", len(list), len(told), want)
			}
			for i, f := range list {
				if item, _ := f.Item.(int); told[item] != f.ID || i > 0 && f.ID <= list[i-1].ID {
					t.Errorf("OnGiveUp got %v, the list is %+v", told, list)
				}
			}
			if keep < 0 && told[0] != 0 {
				t.Errorf("an id is told that nothing is listed under: %v", told)
			}
		})
	}
}

func TestAnItemThatEndsItsWorkerWhileItIsJudgedIsListedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 1})
		w := startWorkers(t, q, func(context.Context, int) error { return io.EOF }, channelq.WorkerConfig[int]{
			Concurrency: 1, Retry: channelq.Retry{Attempts: 2, If: func(error) bool { runtime.Goexit(); return true }},
		})
		enqueue(t, q, 7)
		synctest.Wait()
		if list := w.Failures(); len(list) != 1 || list[0].ID != 1 {
			t.Errorf("listed: %+v", list)
		}
	})
}

// panicking is a log handler that panics on every record.
type panicking struct{ slog.Handler }

func (panicking) Handle(context.Context, slog.Record) error { panic("the disk is full") }
func (p panicking) WithAttrs([]slog.Attr) slog.Handler      { return p }
func (panicking) Enabled(context.Context, slog.Level) bool  { return true }

func TestALogHandlerThatPanicsChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 4, Logger: slog.New(panicking{})})
		w := startWorkers(t, q, func(context.Context, int) error { return io.EOF }, channelq.WorkerConfig[int]{
			Retry: channelq.Retry{Attempts: 2}, Logger: slog.New(panicking{}),
		})
		enqueue(t, q, 1, 2, 3)
		if err := w.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if s := q.Stats(); s.GaveUp != 3 || s.Panics != 0 {
			t.Errorf("the books are %+v", s)
		}
	})
}
