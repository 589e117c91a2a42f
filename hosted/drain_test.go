package hosted_test

import (
	"context"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
)

func TestTheDrainDelayIsPartOfTheBudget(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: 10 * time.Second, DrainDelay: 4 * time.Second})
		var had time.Duration
		h.Add("s", &fake{stop: func(ctx context.Context) error {
			deadline, _ := ctx.Deadline()
			had = time.Until(deadline)
			return nil
		}})
		starts(t, h)
		began := time.Now()
		stops(t, h)
		if took := time.Since(began); took != 4*time.Second || had != 6*time.Second {
			t.Errorf("took %v with %v left for the service, want 4s and 6s", took, had)
		}
	})
}

func TestADrainDelayLeavesTheServicesTimeWhenTheCallerHasLittle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{DrainDelay: 10 * time.Second})
		h.Add("s", &fake{stop: after(400*time.Millisecond, nil)})
		starts(t, h)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantNil(t, h.Stop(ctx))
	})
}

func TestServicesWorkOnDuringTheDrainDelay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{DrainDelay: 5 * time.Second})
		ticks := 0
		h.Go("loop", func(ctx context.Context) error {
			for ctx.Err() == nil {
				select {
				case <-ctx.Done():
				case <-time.After(time.Second):
					ticks++
				}
			}
			return ctx.Err()
		})
		starts(t, h)
		time.Sleep(500 * time.Millisecond)
		stops(t, h)
		if ticks != 5 {
			t.Errorf("%d ticks, want 5", ticks)
		}
	})
}

func TestALoopThatFailsDuringTheDrainDelayIsInTheError(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{DrainDelay: 5 * time.Second})
		h.Go("loop", after(7*time.Second, errBoom))
		starts(t, h)
		time.Sleep(3 * time.Second)
		h.Lifetime().Stop(errWhy)
		wantIs(t, h.Stop(t.Context()), errBoom)
		wantIs(t, h.Lifetime().Cause(), errWhy)
	})
}
