package hosted_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
)

// drainer has items in hand, and says how many have ended. Its stop takes as long as it
// is told.
type drainer struct {
	takes time.Duration

	mu    sync.Mutex
	items int
	ended uint64
	asked func() // called by Backlog
}

func (d *drainer) Start(context.Context) error { return nil }

func (d *drainer) Stop(ctx context.Context) error {
	select {
	case <-time.After(d.takes):
	case <-ctx.Done():
	}
	return nil
}

func (d *drainer) Backlog() int {
	if d.asked != nil {
		d.asked()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.items
}

func (d *drainer) Counts() map[string]uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return map[string]uint64{"accepted": d.ended + uint64(d.items), "handled": d.ended, "still_there": uint64(d.items)}
}

func (d *drainer) set(items int, ended uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.items, d.ended = items, ended
}

func TestAPlanSaysWhatAStopWouldWaitForAndWhoWouldBeCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: 20 * time.Second})
		slow, quick := &drainer{items: 100}, &drainer{items: 10}
		h.Add("slow", slow)
		h.Task("migrate", func(context.Context) error { return nil })
		h.Add("quick", quick)
		h.Go("loop", func(ctx context.Context) error { <-ctx.Done(); return nil })
		if p := h.StopPlan(); len(p.Steps) != 0 || p.Budget != 20*time.Second {
			t.Errorf("before the start: %+v", p)
		}
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := h.StopPlan()
		time.Sleep(2 * time.Second)
		slow.set(100, 2) // one a second: a hundred seconds more
		quick.set(10, 20)
		plan := h.StopPlan().Forecast(before)
		var got []string
		for _, s := range plan.Steps {
			got = append(got, fmt.Sprintf("%s %d %s unknown=%t begins=%v share=%v needs=%v cut=%t", s.Service, s.InHand, s.What, s.Unknown, s.Begins, s.Share, s.Needs, s.Cut))
		}
		// A quarter is divided by three; the next one has another.
		want := []string{
			"loop 0  unknown=true begins=0s share=11.666666668s needs=-1ns cut=false",
			"quick 10 item unknown=false begins=0s share=13.333333334s needs=1s cut=false",
			"slow 100 item unknown=false begins=1s share=19s needs=1m40s cut=true",
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got\n%q\nwant\n%q", got, want)
		}
		if plan.Needs != 20*time.Second || plan.Budget != 20*time.Second || plan.Stopping {
			t.Errorf("the whole: %+v", plan)
		}
		if err := h.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if p := h.StopPlan(); !p.Stopped || !p.Steps[0].Over || !p.Steps[2].Over || p.Needs != 0 {
			t.Errorf("after the stop: %+v", p)
		}
	})
}

func TestAPlanIsLiveDuringTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: 20 * time.Second, DrainDelay: 5 * time.Second})
		h.Add("last", &drainer{items: 3})
		h.Add("now", &drainer{items: 7, takes: 4 * time.Second})
		h.Add("first", &drainer{})
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p := h.StopPlan(); p.Drain != 5*time.Second || p.Needs != 5*time.Second || p.Steps[0].Begins != 5*time.Second {
			t.Errorf("before: %+v", p)
		}
		h.Lifetime().Stop(nil)
		time.Sleep(2 * time.Second)
		if p := h.StopPlan(); !p.Stopping || p.Drain != 3*time.Second || p.Budget != 18*time.Second || p.Steps[0].Begins != 3*time.Second {
			t.Errorf("draining: %+v", p)
		}
		time.Sleep(4 * time.Second)
		p := h.StopPlan()
		// 15 s remain when the turns begin: a twelfth of them is the share of each.
		if s := p.Steps[1]; s.State.String() != "stopping" || s.Took != time.Second || s.InHand != 7 || s.Share != 9*time.Second {
			t.Errorf("in its turn: %+v", s)
		}
		if !p.Steps[0].Over || p.Steps[2].Over || p.Steps[2].InHand != 3 || p.Drain != 0 || p.Budget != 14*time.Second {
			t.Errorf("while the second stops: %+v", p)
		}
		<-h.Done()
	})
}

func TestAPlanDoesNotWaitForAServiceThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		hang := make(chan struct{})
		var calls atomic.Int32
		h.Add("after", &drainer{items: 5})
		h.Add("hangs", &drainer{asked: func() { calls.Add(1); <-hang }})
		h.Add("panics", &drainer{asked: func() { panic("boom") }})
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			began := time.Now()
			p := h.StopPlan()
			if took := time.Since(began); took > 110*time.Millisecond {
				t.Errorf("it took %v", took)
			}
			if !p.Steps[0].Unknown || !p.Steps[1].Unknown || p.Steps[2].InHand != 5 {
				t.Errorf("got %+v", p.Steps)
			}
		}
		if calls.Load() != 1 {
			t.Errorf("it was asked %d times although it had not answered", calls.Load())
		}
		close(hang)
		synctest.Wait()
		if p := h.StopPlan(); p.Steps[1].Unknown {
			t.Error("it was not asked again when it had answered")
		}
		if err := h.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestWhoAsksWhileAServiceIsBeingAskedGetsTheAnswerToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{})
		slow := &drainer{items: 5, asked: func() { time.Sleep(50 * time.Millisecond) }}
		h.Add("slow", slow)
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		var viewers sync.WaitGroup
		for i := range 3 {
			viewers.Go(func() {
				time.Sleep(time.Duration(i) * 20 * time.Millisecond)
				if p := h.StopPlan(); p.Steps[0].Unknown || p.Steps[0].InHand != 5 {
					t.Errorf("viewer %d: %+v", i, p.Steps[0])
				}
			})
		}
		viewers.Wait()

		// The report of the stop is made while somebody asks.
		slow.set(0, 5)
		viewers.Go(func() { h.StopPlan() })
		time.Sleep(time.Millisecond)
		if err := h.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if items := h.Report().Services[0].Items; items["handled"] != 5 {
			t.Errorf("the report has %v", items)
		}
		viewers.Wait()
	})
}

func TestWhoIsKnownNotToAnswerHoldsNoStopUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, logger := newLog()
		h := hosted.New(hosted.Config{Logger: logger})
		hang := make(chan struct{})
		defer close(hang)
		h.Add("hangs", &drainer{asked: func() { <-hang }})
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.StopPlan()
		time.Sleep(time.Second)
		began := time.Now()
		if err := h.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		wantLines(t, log, "WARN service does not say what it has left host=host service=hangs", 1)
	})
}

func TestAPlanHasTheServicesOfANestedHostBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := hosted.New(hosted.Config{Name: "inner", ShutdownTimeout: 6 * time.Second})
		queue := &drainer{items: 8}
		inner.Add("queue", queue)
		outer := hosted.New(hosted.Config{ShutdownTimeout: 20 * time.Second, StopConcurrency: 2})
		outer.Add("inner", inner)
		outer.Add("beside", &drainer{items: 4})
		if err := outer.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := outer.StopPlan()
		time.Sleep(time.Second)
		queue.set(8, 1)
		p := outer.StopPlan().Forecast(before)
		var got []string
		for _, s := range p.Steps {
			got = append(got, fmt.Sprintf("%s %d needs=%v share=%v begins=%v cut=%t", s.Service, s.InHand, s.Needs, s.Share, s.Begins, s.Cut))
		}
		want := []string{
			"beside 4 needs=-1ns share=12.5s begins=0s cut=false",
			"inner 0 needs=6s share=20s begins=0s cut=false",
			"inner/queue 8 needs=8s share=6s begins=0s cut=true",
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got\n%q\nwant\n%q", got, want)
		}
		if err := outer.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// runner is a job with a run that is running.
type runner struct{ drainer }

func (*runner) Counts() map[string]uint64 {
	return map[string]uint64{"runs": 3, "running": 1, "succeeded": 2, "skipped": 4}
}

func TestARunThatIsRunningHasNotEnded(t *testing.T) {
	h := hosted.New(hosted.Config{})
	h.Add("job", &runner{drainer{items: 1}})
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := h.StopPlan().Steps[0]; s.Ended != 2 || s.InHand != 1 || s.What != "run" {
		t.Errorf("got %+v", s)
	}
	if err := h.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
