package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/lifecycle"
	"github.com/steadgo/stead/periodic"
)

// counting is a service whose optional methods need a lock that its Stop holds.
type counting struct {
	fake
	held chan struct{}
}

func (c *counting) Leftover() int { <-c.held; return 1 }
func (c *counting) Backlog() int  { <-c.held; return 1 }

func TestWhatAStuckServiceLeftOverIsNotWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: 5 * time.Second})
		c := &counting{held: make(chan struct{})}
		t.Cleanup(func() { close(c.held) })
		c.stop = func(context.Context) error { <-c.held; return nil }
		h.Add("s", c)
		starts(t, h)
		began := time.Now()
		err := h.Stop(context.Background())
		within(t, began, 5*time.Second)
		wantList(t, "stragglers", stragglers(err), "stop s")
	})
}

func TestALeftOverThatBlocksDoesNotHoldTheStop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: 5 * time.Second})
		c := &counting{held: make(chan struct{})}
		t.Cleanup(func() { close(c.held) })
		h.Add("s", c)
		starts(t, h)
		began := time.Now()
		_ = h.Stop(context.Background())
		within(t, began, 5*time.Second)
	})
}

func TestManyStuckLoopsEndWithTheBudgetAndEachIsNamed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := hosted.New(hosted.Config{ShutdownTimeout: 2 * time.Second})
		for i := range 1000 {
			h.Go(fmt.Sprint(i), stuck(t))
		}
		starts(t, h)
		began := time.Now()
		err := h.Stop(context.Background())
		within(t, began, 2*time.Second)
		if n := len(stragglers(err)); n != 1000 {
			t.Errorf("%d stragglers, want 1000", n)
		}
	})
}

// stuckService stops in time only because it leaves a goroutine behind.
type stuckService struct {
	release chan struct{}
	left    int
}

func (s *stuckService) Start(context.Context) error {
	go func() { <-s.release }()
	return nil
}

func (s *stuckService) Stop(context.Context) error { return nil }

func (s *stuckService) Stuck() int { return s.left }

func TestAServiceThatLeftCallsBehindIsAStragglerWithTheirStacks(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	h := hosted.New(hosted.Config{})
	h.Add("good", &stuckService{release: release})
	h.Add("bad", &stuckService{release: release, left: 2})
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := h.Stop(t.Context())
	var timeout *hosted.TimeoutError
	if !errors.As(err, &timeout) || len(timeout.Stragglers) != 1 || timeout.Stragglers[0].Service != "bad" {
		t.Fatalf("error %v, want one straggler, bad", err)
	}
	if !strings.Contains(timeout.Stragglers[0].Stacks, "stuckService") {
		t.Errorf("the stacks do not show what was left behind: %q", timeout.Stragglers[0].Stacks)
	}
}

func TestAHandlerThatIgnoresItsContextIsAStragglerAlsoWhenItsItemIsTakenCareOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, err := channelq.New(channelq.Config[int]{Name: "mails", Capacity: 1})
		if err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		w, err := channelq.NewWorkers(q, func(context.Context, int) error { <-release; return nil }, channelq.WorkerConfig[int]{
			Concurrency: 1,
			OnLeftover:  func(context.Context, []int) error { return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		h := hosted.New(hosted.Config{})
		h.Add("mails", w)
		if err := errors.Join(h.Start(t.Context()), q.Enqueue(t.Context(), 1)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		err = h.Stop(t.Context())
		var timeout *hosted.TimeoutError
		if !errors.As(err, &timeout) || timeout.Stragglers[0].Service != "mails" || timeout.Stragglers[0].Waited < 20*time.Second {
			t.Fatalf("error %v, want the straggler mails", err)
		}
		if r := h.Report(); r.Services[0].Leftover != 1 || r.Services[0].State != lifecycle.Failed {
			t.Errorf("report %+v", r)
		}
		close(release)
		synctest.Wait()
	})
}

func TestARunOfAJobThatIgnoresItsContextIsAStraggler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		job, err := periodic.New(periodic.Config{Name: "report", Schedule: periodic.Every(time.Hour), RunAtStart: true},
			func(context.Context) error { <-release; return nil })
		if err != nil {
			t.Fatal(err)
		}
		h := hosted.New(hosted.Config{})
		h.Add("report", job)
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		err = h.Stop(t.Context())
		var timeout *hosted.TimeoutError
		if !errors.As(err, &timeout) || len(timeout.Stragglers) != 1 || timeout.Stragglers[0].Service != "report" {
			t.Fatalf("error %v, want the straggler report", err)
		}
		close(release)
		synctest.Wait()
	})
}
