package suite_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	under "github.com/steadgo/stead/channelq/internal/engine"
)

func TestCloseEndsWaitsAndKeepsWhatWasAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine[int](2, nil)
		drained := e.Drained()
		e.TryPut(1)
		var batch int
		var outcomes [3]under.Outcome
		go func() { batch, outcomes[0] = e.PutN(background, nil, []int{2, 3}) }()
		synctest.Wait()
		go func() { outcomes[1] = e.Put(background, 4) }()
		synctest.Wait()
		if !e.Close() || e.Close() {
			t.Error("not exactly the first Close closed")
		}
		synctest.Wait()
		if batch != 1 || outcomes[0] != under.Closed || outcomes[1] != under.Closed || e.TryPut(5) != under.Closed || e.Put(background, 5) != under.Closed {
			t.Errorf("puts ended with %v, %d of the batch", outcomes, batch)
		}
		select {
		case <-drained:
			t.Error("drained with items in it")
		default:
		}
		if got := rest(e); !slices.Equal(got, []int{1, 2}) {
			t.Errorf("kept %v", got)
		}
		<-drained
		<-e.Drained()
		if _, o := e.Take(background); o != under.Closed {
			t.Errorf("take after the drain = %v", o)
		}
		if _, o := e.TakeN(background, make([]int, 1)); o != under.Closed {
			t.Errorf("batch take after the drain = %v", o)
		}

		empty := newEngine[int](2, nil)
		go func() { _, outcomes[2] = empty.Take(background) }()
		synctest.Wait()
		empty.Close()
		synctest.Wait()
		if outcomes[2] != under.Closed {
			t.Errorf("the waiting take = %v", outcomes[2])
		}
		<-empty.Drained()
	})
}

func TestARendezvousHandsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine[int](0, nil)
		if o := e.TryPut(1); o != under.Full {
			t.Errorf("put without a take = %v", o)
		}
		for name, put := range map[string]func(int) (int, bool, under.Outcome){"oldest": e.PutOldest, "newest": e.PutNewest} {
			if v, was, o := put(7); v != 7 || !was || o != under.OK {
				t.Errorf("%s without a take = %d, %v, %v", name, v, was, o)
			}
		}
		if _, o := e.TryTake(); o != under.Empty {
			t.Errorf("take without a put = %v", o)
		}
		var got int
		go func() { got, _ = e.Take(background) }()
		synctest.Wait()
		if o := e.TryPut(2); o != under.OK {
			t.Errorf("put to a waiting take = %v", o)
		}
		synctest.Wait()
		if got != 2 || e.Len() != 0 || e.HighWater() != 0 {
			t.Errorf("got %d, length %d", got, e.Len())
		}
		var n int
		go func() { n, _ = e.PutN(background, nil, []int{3, 4, 5}) }()
		synctest.Wait()
		for want := 3; want <= 5; want++ {
			if v, o := e.Take(background); v != want || o != under.OK {
				t.Errorf("take = %d, %v", v, o)
			}
			synctest.Wait()
		}
		if n != 3 {
			t.Errorf("%d of the batch were put", n)
		}
		e.Close()
		<-e.Drained()
	})
}

func TestOneSlotIn64IsSampledAndTheOldestItemIsDated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		e := newEngine[int](300, func(d time.Duration) { waits = append(waits, d) })
		for range 5 {
			waits = nil
			start := time.Now()
			for i := range 256 {
				e.TryPut(i)
				time.Sleep(time.Second)
			}
			for i := range 256 {
				at := e.Oldest().Sub(start)
				if age := time.Duration(i) * time.Second; at < age || at > age+64*time.Second {
					t.Errorf("item %d was put at %v, dated %v", i, age, at)
				}
				e.TryTake()
			}
			if !e.Oldest().IsZero() {
				t.Error("the empty engine has an oldest item")
			}
			if want := []time.Duration{256 * time.Second, 192 * time.Second, 128 * time.Second, 64 * time.Second}; !slices.Equal(waits, want) {
				t.Errorf("waits %v, want %v", waits, want)
			}
		}
		if unsampled := newEngine[int](1, nil); unsampled.TryPut(1) != under.OK || !unsampled.Oldest().IsZero() {
			t.Error("an engine without samples dates its items")
		}
	})
}
