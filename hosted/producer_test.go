//go:build unix

package hosted_test

import (
	"context"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
)

// producers are programs whose queue is full, whose workers, registered first, take
// their time, and whose producer waits for room when SIGTERM comes.
var producers = map[string]func(h *hosted.Host, q *channelq.Queue[int]){
	"producer: loop": func(h *hosted.Host, q *channelq.Queue[int]) {
		h.Go("producer", func(ctx context.Context) error {
			<-h.Lifetime().Started() // a stop of a start has no drain delay
			return produce(ctx, q)
		})
	},
	"producer: request": func(h *hosted.Host, q *channelq.Queue[int]) {
		web := hosted.HTTP(&http.Server{Addr: anyPort, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_ = produce(r.Context(), q)
		})})
		h.Add("web", web)
		go func() {
			<-h.Lifetime().Started()
			if resp, err := http.Get("http://" + web.Addr().String()); err == nil {
				_ = resp.Body.Close()
			}
		}()
	},
	"producer: goroutine": func(h *hosted.Host, q *channelq.Queue[int]) {
		go func() {
			<-h.Lifetime().Started()
			_ = produce(h.Lifetime().Context(), q)
		}()
	},
}

func produce(ctx context.Context, q *channelq.Queue[int]) error {
	for i := 0; ; i++ {
		if i == 2 { // one is in hand, one in the queue
			say("full")
		}
		if err := q.Enqueue(ctx, i); err != nil {
			say("told: %v", err)
			return err
		}
	}
}

func init() { //nolint:gochecknoinits // of this test
	for name, add := range producers {
		programs[name] = func() {
			q, err := channelq.New(channelq.Config[int]{Name: "items", Capacity: 1})
			if err != nil {
				panic(err)
			}
			workers, err := channelq.NewWorkers(q, func(context.Context, int) error {
				time.Sleep(300 * time.Millisecond)
				return nil
			}, channelq.WorkerConfig[int]{Concurrency: 1})
			if err != nil {
				panic(err)
			}
			h := hosted.New(hosted.Config{DrainDelay: time.Hour, ShutdownTimeout: 2 * time.Hour})
			h.Add("items", workers)
			add(h, q)
			h.Go("look", func(ctx context.Context) error {
				<-ctx.Done() // the drain delay is over, and this has the first turn
				say("turns begin")
				return nil
			})
			code := hosted.Exec(h)
			say("handled %d", q.Stats().Handled)
			os.Exit(code)
		}
	}
}

func TestAProducerThatWaitsForRoomIsToldOfTheStopAtOnce(t *testing.T) {
	for name := range producers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := program(t, name)
			p.expect("full")
			p.signal(syscall.SIGTERM)
			wantText(t, p.expect("told: "), "terminated signal received")
			p.signal(syscall.SIGTERM) // cuts the drain delay
			p.expect("turns begin")
			p.expect("handled ")
			p.ends(0)
		})
	}
}
