package hosted_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
)

// With N stuck services the first to stop has all that is not kept for others, the
// second the quarter that is kept for whoever comes next, and each its share.
func TestThirtyStuckServicesAllHaveTheirShare(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const n, budget = 30, 12 * time.Second
		const quarter, share = budget / 4, budget / 4 / n
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
			want := share
			switch i {
			case n - 1:
				want = budget - quarter - (n-1)*share
			case n - 2:
				want = quarter + share
			}
			if d != want {
				t.Errorf("service %d had %v, want %v", i, d, want)
			}
		}
	})
}

// Whatever stands before and behind it, who comes after one stuck service has a
// quarter of the budget at least, less what quick ones use.
func TestWhoComesAfterOneStuckServiceHasAQuarterOfTheBudget(t *testing.T) {
	const budget = 24 * time.Second
	for n := 2; n < 40; n += 3 {
		for at := range n - 1 { // of the one that matters; the stuck one stops before it
			for _, side := range []int{0, 2, 8} {
				bubble(t, func(t *testing.T) {
					h := hosted.New(hosted.Config{ShutdownTimeout: budget, StartConcurrency: side})
					var had time.Duration
					for i := range n {
						f := &fake{}
						switch i {
						case at:
							f.stop = func(ctx context.Context) error {
								deadline, _ := ctx.Deadline()
								had = time.Until(deadline)
								return nil
							}
						case at + 1 + (n-at-1)/2:
							f.stop = stuck(t)
						}
						var opts []hosted.Option
						if i > 0 {
							opts = append(opts, hosted.After(fmt.Sprint(i-1)))
						}
						h.Add(fmt.Sprint(i), f, opts...)
					}
					starts(t, h)
					_ = h.Stop(context.Background())
					if had < budget/4 {
						t.Errorf("%d of %d had %v of %v", at, n, had, budget)
					}
				})
			}
		}
	}
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
