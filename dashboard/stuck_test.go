package dashboard_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
)

// line is a queue whose handler waits on hold when it is told to.
type line struct {
	queue   *channelq.Queue[bool]
	workers *channelq.Workers[bool]
	hold    chan struct{}
}

func newLine(t *testing.T, concurrency int) *line {
	t.Helper()
	l := &line{hold: make(chan struct{})}
	var err error
	if l.queue, err = channelq.New(channelq.Config[bool]{Name: "thumbs", Capacity: 10}); err != nil {
		t.Fatal(err)
	}
	l.workers, err = channelq.NewWorkers(l.queue, func(_ context.Context, wait bool) error {
		if wait {
			<-l.hold
		}
		return nil
	}, channelq.WorkerConfig[bool]{Concurrency: concurrency})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func about(s dashboard.State, name string) []string {
	var all []string
	for _, p := range s.Problems {
		if p.Name == name {
			all = append(all, string(p.Severity)+": "+p.What)
		}
	}
	return all
}

func TestHandlersThatDoNotReturnAreSaid(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		l := newLine(t, 3)
		s.host.Add("thumbs", l.workers)
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{SlowAfter: 20 * time.Second})
		for range 3 {
			_ = l.queue.TryEnqueue(false)
			synctest.Wait()
		}
		for range 2 {
			_ = l.queue.TryEnqueue(true)
		}
		synctest.Wait()
		d.State()
		time.Sleep(19 * time.Second)
		if got := about(d.State(), "thumbs"); len(got) != 0 {
			t.Errorf("after 19 s: %q", got)
		}
		time.Sleep(time.Second)
		got := d.State()
		if all := about(got, "thumbs"); len(all) != 1 || !strings.HasPrefix(all[0], "warning: has 2 handlers that have not returned for 20 s; 95 % take at most ") {
			t.Errorf("after 20 s: %q", all)
		}
		if p := problem(t, got, "thumbs"); time.Since(p.Since) != 20*time.Second {
			t.Errorf("since %v", p.Since)
		}
		_ = l.queue.TryEnqueue(false) // the third worker goes on: not everything stands still
		synctest.Wait()
		if got := about(d.State(), "thumbs"); len(got) != 0 {
			t.Errorf("one of them came back: %q", got)
		}
		close(l.hold)
	})
}

// A handler that takes long is none that is stuck, if that is what they take.
func TestSlowHandlersAreNoProblem(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		q, err := channelq.New(channelq.Config[int]{Name: "films", Capacity: 10})
		if err != nil {
			t.Fatal(err)
		}
		w, err := channelq.NewWorkers(q, func(context.Context, int) error { time.Sleep(40 * time.Second); return nil }, channelq.WorkerConfig[int]{Concurrency: 1})
		if err != nil {
			t.Fatal(err)
		}
		s.host.Add("films", w)
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{SlowAfter: 10 * time.Second})
		for range 3 {
			_ = q.TryEnqueue(1)
			for range 45 {
				time.Sleep(time.Second)
				if got := about(d.State(), "films"); len(got) != 0 {
					t.Fatalf("%q", got)
				}
			}
		}
	})
}

func TestAQueueWhoseWorkersWereNeverStartedIsSaid(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		l := newLine(t, 1)
		s.host.Go("web", func(ctx context.Context) error { <-ctx.Done(); return nil }, hosted.Watch(l.workers)) // and nobody added them
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		if got := d.State(); got.Verdict != dashboard.OK {
			t.Errorf("an empty queue is a problem: %+v", got.Problems)
		}
		for range 3 {
			_ = l.queue.TryEnqueue(false)
		}
		d.State()
		time.Sleep(2 * time.Second)
		wantProblem(t, problem(t, d.State(), "thumbs"), dashboard.Failed,
			"has 3 items waiting and nobody who takes them: the workers that web watches were never started", "")
		wantText(t, get(t, d, "/queues"), "no workers")
	})
}

// A queue that nobody is known to read: its workers may be in no host at all.
func TestAQueueThatNothingWasEverTakenFromIsSaid(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		l := newLine(t, 1)
		s.host.Go("web", func(ctx context.Context) error { <-ctx.Done(); return nil }, hosted.Watch(l.queue))
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{SlowAfter: 20 * time.Second})
		_ = l.queue.TryEnqueue(false)
		d.State()
		time.Sleep(20 * time.Second)
		wantProblem(t, problem(t, d.State(), "thumbs"), dashboard.Warning, "nothing was ever taken out", "")
		if _, err := l.queue.TryDequeue(); err != nil { // it is read by hand
			t.Fatal(err)
		}
		_ = l.queue.TryEnqueue(false)
		d.State()
		time.Sleep(20 * time.Second)
		if p := problem(t, d.State(), "thumbs"); strings.Contains(p.What, "ever") {
			t.Errorf("%q", p.What)
		}
	})
}

func TestHandlersThatAStopLeftBehindAreCalledThat(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		l := newLine(t, 2)
		s.host.Add("thumbnailer", l.workers)
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		for range 2 {
			_ = l.queue.TryEnqueue(true)
		}
		synctest.Wait()
		if err := s.host.Stop(t.Context()); err == nil {
			t.Error("the stop was clean")
		}
		got := d.State()
		wantProblem(t, problem(t, got, "thumbnailer"), dashboard.Failed, "left 2 handlers behind that do not return", "")
		wantText(t, get(t, d, "/stop"), "thumbnailer left 2 handlers behind that had not returned after", "stuck_test.go")
		close(l.hold)
	})
}
