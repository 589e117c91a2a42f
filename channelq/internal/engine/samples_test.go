package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq/internal/engine"
)

// sampled is an engine and the waits that it reported.
func sampled(capacity int) (engine.ByValue[int], *[]time.Duration) {
	var waits []time.Duration
	return engine.NewByValue[int](engine.Config{
		Capacity: capacity,
		Sampled:  func(wait time.Duration) { waits = append(waits, wait) },
	}), &waits
}

func TestOneWaitInSixtyFourIsReported(t *testing.T) {
	for _, size := range []int{1, 7, 64, 500} {
		synctest.Test(t, func(t *testing.T) {
			e, waits := sampled(1000)
			for range 10 {
				e.TryPutN(make([]int, 640))
				time.Sleep(time.Second)
				for buf := make([]int, size); ; {
					if _, o := e.TryTakeN(buf); o != engine.OK {
						break
					}
				}
			}
			want(t, "the number of samples", len(*waits), 100)
			for _, wait := range *waits {
				want(t, "a wait", wait, time.Second)
			}
		})
	}
}

func TestSingleTakesReportToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, waits := sampled(100)
		for range 640 {
			e.TryPut(1)
			time.Sleep(time.Millisecond)
			e.TryTake()
		}
		want(t, "the number of samples", len(*waits), 10)
		want(t, "a wait", (*waits)[9], time.Millisecond)
	})
}

func TestARendezvousReportsHowLongThePutWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, waits := sampled(0)
		go e.Put(t.Context(), 1)
		synctest.Wait()
		time.Sleep(time.Second)
		e.TryTake()
		synctest.Wait()
		want(t, "the number of samples", len(*waits), 1)
		want(t, "the wait", (*waits)[0], time.Second)
	})
}

func TestOldestIsNeverTooOldAndAtMostSixtyFourItemsTooYoung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := sampled(500)
		want(t, "the oldest of nothing", e.Oldest().IsZero(), true)
		var put []time.Time
		for range 20 {
			for range 100 {
				put = append(put, time.Now())
				e.TryPut(1)
				time.Sleep(time.Second)
			}
			for e.Len() > 70 {
				_, taken := e.Totals()
				oldest := e.Oldest()
				if oldest.Before(put[taken]) {
					t.Fatalf("item %d: %v too old", taken, put[taken].Sub(oldest))
				}
				if oldest.After(put[taken+64]) {
					t.Fatalf("item %d: %v too young", taken, oldest.Sub(put[taken+64]))
				}
				e.TryTake()
			}
		}
	})
}

func TestOldestOfAFewItemsIsTheTimeItWasFirstAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := sampled(10)
		e.TryPut(1)
		e.TryTake()
		time.Sleep(time.Hour)
		e.TryPut(2)
		want(t, "the age", time.Since(e.Oldest()), 0)
		time.Sleep(time.Minute)
		e.TryPut(3)
		want(t, "the age", time.Since(e.Oldest()), time.Minute)
		e.TryTake()
		want(t, "the age of the next", time.Since(e.Oldest()), 0)
	})
}

func TestWithoutSamplingThereIsNoOldest(t *testing.T) {
	e := newEngine(3)
	fill(t, e)
	want(t, "the oldest", e.Oldest().IsZero(), true)
}
