//go:build unix

package hosted_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

const starvedBudget = 6 * time.Second

// crew is workers with a backlog that they cannot finish in time, and that say what
// OnLeftover gets and whether it has time for it.
func crew(name string, handle func(context.Context, int) error) *channelq.Workers[int] {
	const items = 340
	q, err := channelq.New(channelq.Config[int]{Name: name, Capacity: items})
	if err != nil {
		panic(err)
	}
	w, err := channelq.NewWorkers(q, handle, channelq.WorkerConfig[int]{
		Concurrency: 1,
		OnLeftover: func(ctx context.Context, left []int) error {
			deadline, _ := ctx.Deadline()
			say("%s: %d left, alive %v, has time %v", name, len(left), ctx.Err() == nil, time.Until(deadline) > 20*time.Millisecond)
			return nil
		},
	})
	if err != nil {
		panic(err)
	}
	for i := range items {
		if err := q.TryEnqueue(i); err != nil {
			panic(err)
		}
	}
	return w
}

func obeys(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }

// turn is a service that says how much of the budget it gets.
func turn() *fake {
	return &fake{stop: func(ctx context.Context) error {
		deadline, _ := ctx.Deadline()
		say("has a quarter: %v", time.Until(deadline) >= starvedBudget/4)
		return nil
	}}
}

var _ = func() bool { // among the programs
	programs["hung before a crew"] = func() {
		h := hosted.New(hosted.Config{ShutdownTimeout: starvedBudget})
		h.Add("mails", crew("mails", obeys))
		h.Add("hung", &fake{stop: func(context.Context) error { select {} }})
		announce(h)
		hosted.Main(h)
	}
	programs["metrics before workers"] = func() {
		h := hosted.New(hosted.Config{ShutdownTimeout: starvedBudget})
		h.Add("db", &fake{})
		h.Add("workers", turn())
		h.Add("cache", &fake{})
		h.Add("web", &fake{})
		ran := make(chan struct{})
		job, err := periodic.New(periodic.Config{Name: "metrics", Schedule: periodic.Every(time.Hour), RunAtStart: true},
			func(context.Context) error { close(ran); select {} })
		if err != nil {
			panic(err)
		}
		h.Add("metrics", job)
		go func() { <-h.Lifetime().Started(); <-ran; say("started") }()
		hosted.Main(h)
	}
	programs["two stuck crews"] = func() {
		h := hosted.New(hosted.Config{ShutdownTimeout: starvedBudget})
		h.Add("turn", turn())
		h.Add("stuck", crew("first", func(context.Context, int) error { select {} }))
		announce(h)
		hosted.Main(h)
	}
	return true
}()

// The workers behind one service that hangs have a quarter of the budget, whatever else
// there is, and so OnLeftover has time for what is left.
func TestWhatComesAfterOneHungServiceHasTimeForItsWork(t *testing.T) {
	for name, says := range map[string][]string{
		"hung before a crew":     {fmt.Sprintf("mails: %d left, alive true, has time true", 340)},
		"metrics before workers": {"has a quarter: true"},
		"two stuck crews":        {"first: 340 left, alive true, has time true", "has a quarter: true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := program(t, name)
			p.expect("started")
			p.signal(syscall.SIGTERM)
			for _, line := range says {
				p.expect(line)
			}
			p.ends(1)
		})
	}
}
