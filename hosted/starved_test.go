package hosted_test

import (
	"context"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

const starvedBudget = 6 * time.Second

// crew is workers with a backlog that they cannot finish in time, and that say what
// OnLeftover gets and whether it has time for it.
func crew(t *testing.T, r *record, name string, handle func(context.Context) error) *channelq.Workers[int] {
	t.Helper()
	const items = 340
	q, err := channelq.New(channelq.Config[int]{Name: name, Capacity: items})
	if err != nil {
		t.Fatal(err)
	}
	w, err := channelq.NewWorkers(q, func(ctx context.Context, _ int) error { return handle(ctx) }, channelq.WorkerConfig[int]{
		Concurrency: 1,
		OnLeftover: func(ctx context.Context, left []int) error {
			deadline, _ := ctx.Deadline()
			r.addf("%s: %d left, alive %v, has time %v", name, len(left), ctx.Err() == nil, time.Until(deadline) > 20*time.Millisecond)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range items {
		if err := q.TryEnqueue(i); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// turn is a service that says how much of the budget it gets.
func turn(r *record) *fake {
	return &fake{stop: func(ctx context.Context) error {
		deadline, _ := ctx.Deadline()
		r.addf("has a quarter: %v", time.Until(deadline) >= starvedBudget/4)
		return nil
	}}
}

// The workers behind one service that hangs have a quarter of the budget, whatever else
// there is, and so OnLeftover has time for what is left.
func TestWhatComesAfterOneHungServiceHasTimeForItsWork(t *testing.T) {
	for name, c := range map[string]struct {
		add  func(t *testing.T, h *hosted.Host, r *record)
		says []string
	}{
		"hung before a crew": {func(t *testing.T, h *hosted.Host, r *record) {
			h.Add("mails", crew(t, r, "mails", idle))
			h.Add("hung", &fake{stop: stuck(t)})
		}, []string{"mails: 340 left, alive true, has time true"}},
		"metrics before workers": {func(t *testing.T, h *hosted.Host, r *record) {
			h.Add("db", &fake{})
			h.Add("workers", turn(r))
			h.Add("cache", &fake{})
			h.Add("web", &fake{})
			job, err := periodic.New(periodic.Config{Name: "metrics", Schedule: periodic.Every(time.Hour), RunAtStart: true}, stuck(t))
			if err != nil {
				t.Fatal(err)
			}
			h.Add("metrics", job)
		}, []string{"has a quarter: true"}},
		"two stuck crews": {func(t *testing.T, h *hosted.Host, r *record) {
			h.Add("turn", turn(r))
			h.Add("stuck", crew(t, r, "first", stuck(t)))
		}, []string{"first: 340 left, alive true, has time true", "has a quarter: true"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var r record
				h := hosted.New(hosted.Config{ShutdownTimeout: starvedBudget})
				c.add(t, h, &r)
				starts(t, h)
				pass(time.Second)
				began := time.Now()
				err := h.Stop(context.Background())
				within(t, began, starvedBudget)
				if len(stragglers(err)) != 1 {
					t.Errorf("got error %v, want one straggler", err)
				}
				r.want(t, c.says...)
			})
		})
	}
}
