package hosted_test

import (
	"context"
	"maps"
	"testing"
	"testing/synctest"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
)

func TestACauseThatPanicsWhenItIsAskedStopsTheHostAllTheSame(t *testing.T) {
	for name, inStart := range map[string]bool{"in the start": true, "later": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := hosted.New(hosted.Config{})
				ask := func() { h.Lifetime().Stop((*nilPointerError)(nil)) }
				h.Task("task", func(ctx context.Context) error {
					if !inStart {
						return nil
					}
					ask()
					<-ctx.Done()
					return context.Cause(ctx)
				})
				err := h.Start(t.Context())
				if (err != nil) != inStart {
					t.Errorf("start: %v", err)
				}
				ask()
				<-h.Lifetime().Stopped()
				if h.Lifetime().Cause() == nil || h.Report().String() == "" {
					t.Error("no cause")
				}
			})
		})
	}
}

func TestTheItemsOfAllQueuesThatAServiceWatchesAreInTheReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		var opts []hosted.Option
		for _, name := range []string{"a", "b"} {
			q, err := channelq.New(channelq.Config[string]{Name: name, Capacity: 3})
			if err != nil {
				t.Fatal(err)
			}
			for range len(opts) + 1 {
				if err := q.TryEnqueue(name); err != nil {
					t.Fatal(err)
				}
			}
			opts = append(opts, hosted.Watch(q))
		}
		h.Go("reader", func(ctx context.Context) error { <-ctx.Done(); return nil }, opts...)
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := h.Stop(t.Context())
		wantText(t, err.Error(), `queue "a": 1 item left over`, `queue "b": 2 items left over`)
		got := h.Report().Services[0]
		if want := map[string]uint64{"accepted": 3, "still_there": 3}; got.Leftover != 3 || !maps.Equal(got.Items, want) {
			t.Errorf("%d left over of %v, want %v", got.Leftover, got.Items, want)
		}
	})
}
