package channelq_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
)

// moments are those of a stop, after its beginning.
type moments struct{ cancel, handOver, left, end time.Duration }

// stopOfTheStubborn is what happens at a stop when neither the handler nor
// OnLeftover obeys.
func stopOfTheStubborn(t *testing.T, ctx func() context.Context, reserve time.Duration) (m moments) {
	q := newQueue(t, channelq.Config[int]{Capacity: 1})
	release := make(chan struct{})
	defer close(release)
	var start time.Time
	w := startWorkers(t, q, func(ctx context.Context, _ int) error {
		<-ctx.Done()
		m.cancel = time.Since(start)
		<-release
		return nil
	}, channelq.WorkerConfig[int]{
		LeftoverReserve: reserve,
		OnLeftover: func(ctx context.Context, _ []int) error {
			m.handOver = time.Since(start)
			if ctx.Err() != nil {
				t.Error("OnLeftover's context has ended already")
			}
			<-ctx.Done()
			m.left = time.Since(start)
			<-release
			return nil
		},
	})
	enqueue(t, q, 1)
	synctest.Wait()
	start = time.Now()
	if err := w.Stop(ctx()); err == nil {
		t.Error("nothing was left over")
	}
	m.end = time.Since(start)
	synctest.Wait() // the race detector knows of nothing else that orders what they wrote
	return m
}

func TestOnLeftoverHasAReserveOfItsOwn(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		budget, reserve time.Duration
		want            moments
	}{
		{25 * time.Second, 0, moments{23300 * ms, 23800 * ms, 24800 * ms, 24900 * ms}},
		{8 * time.Second, 0, moments{6640 * ms, 7040 * ms, 7840 * ms, 7920 * ms}},
		{2 * time.Second, 0, moments{1360 * ms, 1460 * ms, 1960 * ms, 1980 * ms}}, // at least half a second
		{400 * ms, 0, moments{172 * ms, 192 * ms, 392 * ms, 396 * ms}},            // at most half of it all
		{25 * time.Second, 5 * time.Second, moments{19300 * ms, 19800 * ms, 24800 * ms, 24900 * ms}},
		{4 * time.Second, 5 * time.Second, moments{1720 * ms, 1920 * ms, 3920 * ms, 3960 * ms}},
		{-time.Second, 5 * time.Second, moments{0, 100 * ms, 200 * ms, 250 * ms}}, // it was over before
	} {
		synctest.Test(t, func(t *testing.T) {
			got := stopOfTheStubborn(t, func() context.Context { return within(t, c.budget) }, c.reserve)
			if got != c.want {
				t.Errorf("budget %v, reserve %v: %v, want %v", c.budget, c.reserve, got, c.want)
			}
		})
	}
}

// lateContext has a deadline that has passed, and does not end.
type lateContext struct{ context.Context }

func (lateContext) Deadline() (time.Time, bool) { return time.Now().Add(-time.Hour), true }

func TestAStopKeepsToADeadlineThatItsContextForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := stopOfTheStubborn(t, func() context.Context { return lateContext{context.Background()} }, 0)
		if got.end > time.Second {
			t.Errorf("the stop took %v", got.end)
		}
	})
}

func TestAStopThatIsCancelledBeforeItBeginsWaitsForNoOnLeftover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, channelq.Config[int]{Capacity: 1})
		var had time.Duration
		w := newWorkers(t, q, nothing, channelq.WorkerConfig[int]{OnLeftover: func(ctx context.Context, _ []int) error {
			start := time.Now()
			<-ctx.Done()
			had = time.Since(start)
			return ctx.Err()
		}})
		enqueue(t, q, 1)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.Stop(ctx); err == nil || had != 200*time.Millisecond { // as there are no handlers
			t.Errorf("Stop = %v, OnLeftover had %v", err, had)
		}
	})
}

func TestAPlanThatIsLateStillLetsOnLeftoverWork(t *testing.T) {
	now := time.Now()
	for _, c := range []struct{ abandon, left, end, wantLeft, wantEnd time.Duration }{
		{0, 500, 510, 500, 510},      // in time
		{-300, 200, 210, 200, 210},   // late, and enough of it is left
		{-490, 10, 20, 100, 110},     // too little
		{-5000, -100, -90, 100, 110}, // over
		{-30, -10, -5, 20, 25},       // of a short stop: as much as there was to be
	} {
		at := func(ms time.Duration) time.Time { return now.Add(ms * time.Millisecond) }
		left, end := channelq.LatePlan(at(c.abandon), at(c.left), at(c.end), now)
		if !left.Equal(at(c.wantLeft)) || !end.Equal(at(c.wantEnd)) {
			t.Errorf("%+v: the context ends after %v, the wait after %v", c, left.Sub(now), end.Sub(now))
		}
	}
}

func TestALeftoverReserveThatMakesNoSenseIsRefused(t *testing.T) {
	q := newQueue(t, channelq.Config[int]{})
	take := func(context.Context, []int) error { return nil }
	for _, c := range []struct {
		reserve time.Duration
		take    func(context.Context, []int) error
		want    string
	}{
		{-1, take, "LeftoverReserve is negative"},
		{1, nil, "LeftoverReserve has no effect"},
	} {
		_, err := channelq.NewWorkers(q, nothing, channelq.WorkerConfig[int]{LeftoverReserve: c.reserve, OnLeftover: c.take})
		_, err2 := channelq.NewBatcher(q, func(context.Context, []int) error { return nil },
			channelq.BatchConfig[int]{LeftoverReserve: c.reserve, OnLeftover: c.take})
		for _, err := range []error{err, err2} {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		}
	}
}
