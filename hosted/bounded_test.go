package hosted_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/steadgo/stead/hosted"
)

// sealed is a wrapper whose Unwrap does not return until the test is over.
type sealed struct {
	fake
	t testing.TB
}

func (s *sealed) Unwrap() hosted.Service { <-s.t.Context().Done(); return nil }

func TestAnUnwrapThatDoesNotReturnHoldsNoStartAndNoStopUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{StartTimeout: 2 * time.Second, ShutdownTimeout: 2 * time.Second})
		h.Add("sealed", &sealed{t: t})
		h.Add("web", &fake{})
		began := time.Now()
		starts(t, h)
		within(t, began, time.Second)
		began = time.Now()
		stops(t, h)
		within(t, began, 2*time.Second)
	})
}

// One that begins to hang in the stop costs that a moment, once.
func TestAnUnwrapThatBeginsToHangInAStopHoldsItUpOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var hangs atomic.Bool
		release := make(chan struct{})
		h := hosted.New(hosted.Config{ShutdownTimeout: 2 * time.Second})
		h.Add("outer", &wrapping{unwrap: func() hosted.Service {
			if hangs.Load() {
				<-release
			}
			return &fake{}
		}})
		starts(t, h)
		hangs.Store(true)
		began := time.Now()
		stops(t, h)
		within(t, began, 2*time.Second)
		close(release)
	})
}

// A stall of the machine costs the answer that was waited for, and not all after it.
func TestWhatIsInsideAServiceIsFoundAgainAfterAStall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var r record
		inner := tracedReload(&r, "inner", nil)
		var calls atomic.Int32
		h := hosted.New(hosted.Config{})
		h.Add("outer", &wrapping{unwrap: func() hosted.Service {
			if calls.Add(1) == 1 {
				time.Sleep(time.Second)
			}
			return inner
		}})
		starts(t, h)
		pass(time.Second)
		wantNil(t, h.Reload(t.Context()))
		r.want(t, "reload inner")
	})
}

// mute is a consumer of a queue that answers nothing until the test is over.
type mute struct {
	fake
	t testing.TB
}

func (m *mute) Observed() any             { <-m.t.Context().Done(); return nil }
func (m *mute) Counts() map[string]uint64 { <-m.t.Context().Done(); return nil }

type onlyNamed string

func (n onlyNamed) Name() string { return string(n) }

func TestConsumersThatDoNotSayOfWhatAreAskedAllAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const budget = time.Second
		h := hosted.New(hosted.Config{ShutdownTimeout: budget})
		for i := range 100 {
			h.Add(fmt.Sprint(i), &mute{t: t}, hosted.Watch(onlyNamed("emails")))
		}
		starts(t, h)
		began := time.Now()
		_ = h.Stop(context.Background())
		if took := time.Since(began); took > budget+budget/4 {
			t.Errorf("took %v of %v", took, budget)
		}
	})
}

// deaf does not say what its Stop left behind.
type deaf struct {
	fake
	t testing.TB
}

func (d *deaf) Stuck() int { <-d.t.Context().Done(); return 0 }

func TestFailedStopsThatDoNotSayWhatTheyLeftEachHaveLessThanAMoment(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const budget = time.Second
		h := hosted.New(hosted.Config{ShutdownTimeout: budget})
		for i := range 100 {
			h.Add(fmt.Sprint(i), &deaf{fake{stop: failing(errBoom)}, t})
		}
		starts(t, h)
		began := time.Now()
		_ = h.Stop(context.Background())
		if took := time.Since(began); took > budget+budget/10 {
			t.Errorf("took %v of %v", took, budget)
		}
	})
}
