package dashboard_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

// problem is the one about a thing, which fails the test if there is none.
func problem(t *testing.T, s dashboard.State, name string) dashboard.Problem {
	t.Helper()
	i := slices.IndexFunc(s.Problems, func(p dashboard.Problem) bool { return p.Name == name })
	if i < 0 {
		t.Errorf("no problem with %s among %+v", name, s.Problems)
		return dashboard.Problem{}
	}
	return s.Problems[i]
}

func wantProblem(t *testing.T, p dashboard.Problem, severity dashboard.Severity, what, why string) {
	t.Helper()
	if p.Severity != severity || !strings.Contains(p.What, what) || !strings.Contains(p.Why, why) {
		t.Errorf("it is a %s: %s %q because of %q; want a %s with %q and %q", p.Severity, p.Name, p.What, p.Why, severity, what, why)
	}
}

func TestAHealthyHostIsWell(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		d := dashboard.New(s.host, dashboard.Config{})
		if got := d.State(); got.Phase != dashboard.Starting || got.Headline != "Starting" {
			t.Errorf("before the start: %s, %s", got.Phase, got.Headline)
		}
		s.start(t)
		got := d.State()
		if got.Phase != dashboard.Running || got.Verdict != dashboard.OK || got.Headline != "All is well" || len(got.Problems) != 0 {
			t.Errorf("%s, %s: %s %v", got.Phase, got.Verdict, got.Headline, got.Problems)
		}
	})
}

func TestWhatFailedSaysWhyAndWhenItIsTriedNext(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.runFail = errors.New("no paper")
		s.host.Go("flaky", failOnce(), restart(time.Hour))
		s.host.Go("dead", func(context.Context) error { return errors.New("permission denied") }, hosted.OnFailure(hosted.Ignore()))
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		s.failForGood(t, 2, "no such mailbox")
		s.fail(channelq.RetryAfter(errors.New("try later"), 40*time.Second))
		_ = s.queue.Enqueue(t.Context(), secret{})
		_ = s.job.Trigger()
		synctest.Wait()
		got := d.State()
		now := time.Now()
		if got.Verdict != dashboard.Failed || got.Headline != "2 things need somebody, 2 to keep an eye on" {
			t.Errorf("%s: %s", got.Verdict, got.Headline)
		}
		wantProblem(t, problem(t, got, "dead"), dashboard.Failed, "not started again", "permission denied")
		p := problem(t, got, "flaky")
		wantProblem(t, p, dashboard.Warning, "failed once", "connection reset")
		if p.Next != "started again" || p.NextAt.Sub(now) < 10*time.Second {
			t.Errorf("it is %s in %v", p.Next, p.NextAt.Sub(now))
		}
		p = problem(t, got, "report")
		wantProblem(t, p, dashboard.Warning, "failed in its last run", "no paper")
		if p.Next != "runs again" || p.NextAt.Sub(now) != time.Hour {
			t.Errorf("it %s in %v, want an hour", p.Next, p.NextAt.Sub(now))
		}
		wantProblem(t, problem(t, got, "emails"), dashboard.Failed, "gave up on 2 items, the last one after 1 attempt", "no such mailbox")
		p = got.Problems[slices.IndexFunc(got.Problems, func(p dashboard.Problem) bool { return p.Next == "tried again" })]
		wantProblem(t, p, dashboard.Warning, "is retrying 1 item", "try later")
		if p.NextAt.Sub(now) != 40*time.Second {
			t.Errorf("it is tried again in %v, want 40 s", p.NextAt.Sub(now))
		}
		if !slices.IsSortedFunc(got.Problems, func(a, b dashboard.Problem) int {
			order := []dashboard.Severity{dashboard.Failed, dashboard.Warning, dashboard.Notice}
			return slices.Index(order, a.Severity) - slices.Index(order, b.Severity)
		}) {
			t.Errorf("the worst is not first: %+v", got.Problems)
		}
		for _, page := range []string{"/", "/failures"} {
			wantText(t, get(t, d, page), "permission denied", "connection reset", "no paper", "no such mailbox", "try later", "in 40 s", "in 1 h")
		}
	})
}

func TestAQueueThatIsBehindOrFullIsSaid(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{SlowAfter: 20 * time.Second})
		s.workers.Pause()
		synctest.Wait()
		for range 3 {
			_ = s.queue.TryEnqueue(secret{})
		}
		time.Sleep(19 * time.Second)
		wantProblem(t, problem(t, d.State(), "emails"), dashboard.Notice, "is paused with 3 items waiting", "")
		if got := d.State(); got.Verdict != dashboard.Notice || got.Headline != "All is well" {
			t.Errorf("a pause that somebody wanted makes it %s: %s", got.Verdict, got.Headline)
		}
		_ = s.queue.TryEnqueue(secret{})
		if got := d.State().Problems; len(got) != 2 || got[0].Severity != dashboard.Warning || got[0].What != "is full with 4 items: producers wait" {
			t.Errorf("a full queue: %+v", got)
		}
	})
	inBubble(t, func(t *testing.T, s *shop) {
		hold := make(chan struct{})
		q, err := channelq.New(channelq.Config[int]{Name: "slow", Capacity: 10, OnFull: channelq.DropWrite})
		if err != nil {
			t.Fatal(err)
		}
		w, err := channelq.NewWorkers(q, func(context.Context, int) error { <-hold; return nil }, channelq.WorkerConfig[int]{Concurrency: 1})
		if err != nil {
			t.Fatal(err)
		}
		s.host.Add("slow", w)
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{SlowAfter: 20 * time.Second})
		for range 3 {
			_ = q.TryEnqueue(1)
		}
		synctest.Wait()
		d.State() // an age is known from the first time somebody looked
		time.Sleep(19 * time.Second)
		if got := d.State(); got.Verdict != dashboard.OK {
			t.Errorf("after 19 s: %+v", got.Problems)
		}
		time.Sleep(time.Second)
		wantProblem(t, problem(t, d.State(), "slow"), dashboard.Warning, "is behind: its oldest item has waited for 20 s, and its one worker is busy", "")
		if got := d.State().Slowest; len(got) == 0 || got[0].Name != "slow" || got[0].Seconds != 20 {
			t.Errorf("the slowest are %+v", got)
		}
		for range 18 {
			_ = q.TryEnqueue(1)
		}
		time.Sleep(time.Second)
		wantProblem(t, problem(t, d.State(), "slow"), dashboard.Warning, "turns away or drops", "")
		close(hold)
	})
}

func TestAScheduleThatGaveUpHangsOrIsPausedIsSaid(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		fail, hold := true, make(chan struct{})
		job, err := periodic.New(periodic.Config{Name: "import", Schedule: periodic.Every(time.Hour), Phase: -1, GiveUpAfter: 2, Timeout: 50 * time.Second}, func(context.Context) error {
			if fail {
				return errors.New("bad file")
			}
			<-hold
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		s.host.Add("importer", job, hosted.OnFailure(hosted.Ignore()))
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{})
		s.job.Pause()
		wantProblem(t, problem(t, d.State(), "report"), dashboard.Notice, "is paused", "")
		s.job.Resume()
		_ = job.Trigger()
		synctest.Wait()
		fail = false
		_ = job.Trigger()
		time.Sleep(40 * time.Second)
		got := d.State()
		i := slices.IndexFunc(got.Problems, func(p dashboard.Problem) bool { return strings.Contains(p.What, "running for") })
		if i < 0 || !strings.Contains(got.Problems[i].What, "40 s") {
			t.Errorf("a run of 40 s, where 0 s are usual: %+v", got.Problems)
		}
		time.Sleep(20 * time.Second)
		got = d.State()
		i = slices.IndexFunc(got.Problems, func(p dashboard.Problem) bool { return strings.Contains(p.What, "timeout has expired") })
		if i < 0 {
			t.Errorf("a run past its timeout: %+v", got.Problems)
		}
		close(hold)
		synctest.Wait()
		fail = true
		_ = job.Trigger()
		synctest.Wait()
		_ = job.Trigger()
		synctest.Wait()
		wantProblem(t, problem(t, d.State(), "import"), dashboard.Failed, "gave up after 2 failed runs in a row", "bad file")
	})
}

func TestAStopThatLeavesSomethingBehindIsSaid(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.host.Add("stubborn", stopOnly(stuck))
		s.start(t)
		s.workers.Pause()
		synctest.Wait()
		for range 3 {
			_ = s.queue.TryEnqueue(secret{})
		}
		d := dashboard.New(s.host, dashboard.Config{})
		if err := s.host.Stop(t.Context()); err == nil {
			t.Error("the stop was clean")
		}
		got := d.State()
		if got.Phase != dashboard.Stopped || got.Verdict != dashboard.Failed || got.Headline != "Stopped, but not everything ended" {
			t.Errorf("%s, %s: %s", got.Phase, got.Verdict, got.Headline)
		}
		wantProblem(t, problem(t, got, "stubborn"), dashboard.Failed, "did not stop cleanly", "did not return")
		wantProblem(t, problem(t, got, "mailer"), dashboard.Failed, "did not stop cleanly", "3 items left over")
		w := get(t, d, "/stop")
		wantText(t, w, "stubborn did not stop within", "helpers_test.go", "3 items left over", "<pre")
		time.Sleep(2 * time.Hour) // lets the straggler go
	})
}

func TestTheLastStopOfTheRunBeforeIsShown(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		before := hosted.New(hosted.Config{Name: "shop"})
		before.Go("poll", func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(3 * time.Second)
			return errors.New("half done")
		})
		if err := before.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		before.Lifetime().Stop(errors.New("deploy 41"))
		<-before.Done()
		kept, err := before.Report().MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		d := dashboard.New(s.host, dashboard.Config{LastStop: kept})
		wantText(t, get(t, d, "/stop"), "The stop before this run", "It was not clean", "took 3\u00a0s", "deploy 41", "poll", "half done", "Nobody has asked")
		wantText(t, get(t, dashboard.New(s.host, dashboard.Config{LastStop: []byte("{")}), "/stop"), "Nobody has asked")
	})
}
