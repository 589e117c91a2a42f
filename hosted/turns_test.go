package hosted_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
)

// With N stuck services each has its slice and the first to stop has the rest.
func TestThirtyStuckServicesAllHaveTheirSlice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const n, budget = 30, 10 * time.Second
		slice := budget / (2 * n)
		h := hosted.New(hosted.Config{ShutdownTimeout: budget})
		var had [n]time.Duration // each written by its own service, read after it was waited for
		var names []string
		for i := range n {
			name := fmt.Sprint(i)
			names = append([]string{"stop " + name}, names...)
			h.Add(name, &fake{stop: func(ctx context.Context) error {
				deadline, _ := ctx.Deadline()
				had[i] = time.Until(deadline)
				<-t.Context().Done()
				return nil
			}})
		}
		starts(t, h)
		began := time.Now()
		err := h.Stop(context.Background())
		within(t, began, budget)
		wantList(t, "stragglers", stragglers(err), names...)
		synctest.Wait()
		for i, d := range had {
			want := slice
			if i == n-1 {
				want = budget - (n-1)*slice
			}
			if d != want {
				t.Errorf("service %d had %v, want %v", i, d, want)
			}
		}
	})
}

func TestASliceIsHalfASecondAtMost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: time.Minute})
		var had time.Duration
		h.Add("first", &fake{stop: func(ctx context.Context) error {
			deadline, _ := ctx.Deadline()
			had = time.Until(deadline)
			return nil
		}})
		h.Add("stuck", &fake{stop: stuck(t)})
		starts(t, h)
		err := h.Stop(context.Background())
		wantList(t, "stragglers", stragglers(err), "stop stuck")
		if had != 500*time.Millisecond {
			t.Errorf("had %v, want 500ms", had)
		}
	})
}

func TestTimeThatOneServiceDoesNotUseGoesToTheNext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: 10 * time.Second})
		h.Add("last", &fake{stop: after(8*time.Second, nil)})
		h.Add("quick", &fake{stop: after(time.Second, nil)})
		starts(t, h)
		stops(t, h)
	})
}

func TestAStopTimeoutShortensItsOwnTurnOnly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: 20 * time.Second})
		h.Add("a", &fake{stop: after(15*time.Second, nil)})
		h.Add("b", &fake{stop: stuck(t)}, hosted.StopTimeout(2*time.Second))
		h.Go("c", stuck(t), hosted.StopTimeout(time.Second))
		starts(t, h)
		began := time.Now()
		err := h.Stop(context.Background())
		wantList(t, "stragglers", stragglers(err), "stop c", "stop b")
		if took := time.Since(began); took < 18*time.Second || took > 18*time.Second+50*time.Millisecond {
			t.Errorf("took %v, want 1s + 2s + 15s", took)
		}
	})
}
