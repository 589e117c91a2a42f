package hosted_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
)

func TestOneThatIsRestartedIsAwaitedAndHasNotFailed(t *testing.T) {
	for name, fails := range map[string]int{"it comes back": 3, "it gives up": 100} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				broken := errors.New("connection refused")
				runs, failed := 0, make(chan struct{})
				h := hosted.New(hosted.Config{})
				h.Go("peer", func(ctx context.Context) error {
					if runs++; runs <= fails {
						if runs == 1 {
							hosted.Ready(ctx)
							<-failed
						}
						return broken
					}
					hosted.Ready(ctx)
					<-ctx.Done()
					return nil
				}, hosted.WaitReady(), hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: time.Second, Limit: 5})))
				outcome := make(chan error, 1)
				h.Go("waits", func(ctx context.Context) error {
					close(failed)
					time.Sleep(100 * time.Millisecond) // the backoff is on
					outcome <- hosted.Coordinator(ctx).Wait(ctx, "peer")
					<-ctx.Done()
					return nil
				})
				if err := h.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := <-outcome; fails > 5 {
					wantIs(t, err, broken)
				} else if err != nil || runs != 4 {
					t.Errorf("the wait ended with %v after %d runs", err, runs)
				}
				_ = h.Stop(t.Context())
			})
		})
	}
}
