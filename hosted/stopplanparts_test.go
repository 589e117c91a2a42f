package hosted_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

// What the services of this module say is what a stop would wait for.
func TestAPlanCountsRequestsItemsAndRuns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		hold := func(ctx context.Context) error {
			select {
			case <-release:
			case <-ctx.Done():
			}
			return nil
		}
		q, err := channelq.New(channelq.Config[int]{Name: "emails", Capacity: 10})
		wantNil(t, err)
		workers, err := channelq.NewWorkers(q, func(ctx context.Context, _ int) error { return hold(ctx) }, channelq.WorkerConfig[int]{Concurrency: 2})
		wantNil(t, err)
		job, err := periodic.New(periodic.Config{Name: "sweep", Schedule: periodic.Every(time.Hour), RunAtStart: true}, hold)
		wantNil(t, err)
		l := newPipes()
		h := hosted.New(hosted.Config{})
		h.Add("", workers)
		h.Add("", job)
		h.Add("web", hosted.Serve(handler(func(_ http.ResponseWriter, r *http.Request) { _ = hold(r.Context()) }), l))
		starts(t, h)
		for i := range 3 {
			wantNil(t, q.TryEnqueue(i))
		}
		var asked sync.WaitGroup
		asked.Go(func() {
			if resp, err := l.client(t).Get("http://web"); err == nil {
				_ = resp.Body.Close()
			}
		})
		pass(time.Second)
		var got []string
		for _, s := range h.StopPlan().Steps {
			got = append(got, fmt.Sprintf("%s %d %s", s.Service, s.InHand, s.What))
		}
		if want := []string{"web 1 request", "sweep 1 run", "emails 3 item"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		close(release)
		asked.Wait()
		stops(t, h)
	})
}
