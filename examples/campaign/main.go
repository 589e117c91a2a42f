// Command campaign sends newsletters, and single mails in between, at one rate for both.
//
//	go run ./examples/campaign
//	curl -X POST 'localhost:8080/campaigns/spring?n=500'
//	curl -X POST 'localhost:8080/mails?to=ada'
//	curl -X DELETE localhost:8080/campaigns/spring      # the rest is skipped at once
//
// Press Ctrl-C in the middle of a campaign and start the program again: it goes on, and
// says when the campaign is finished.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/channelq/spool"
	"github.com/steadgo/stead/hosted"
)

type mail struct{ Campaign, To string }

func main() {
	addr := flag.String("addr", "localhost:8080", "address to listen on")
	perSecond := flag.Float64("rate", 10, "mails per second, which the provider allows")
	path := flag.String("spool", "campaigns.jsonl", "file for what is not sent when the program stops")
	flag.Parse()
	// Both queues share the limiter, which serves in order: a single mail waits for the
	// two newsletters whose workers came first, and not for all that are queued.
	limiter := rate.NewLimiter(rate.Limit(*perSecond), 1)
	singles := must(channelq.New(channelq.Config[mail]{Name: "singles", Capacity: 1000}))
	queue := must(channelq.New(channelq.Config[mail]{Name: "news", Capacity: 100_000}))
	news := &news{queue: queue, campaigns: map[string]*campaign{}}
	file := spool.New[mail](*path)
	host := hosted.New(hosted.Config{Logger: slog.Default()})
	host.Add("singles", must(channelq.NewWorkers(singles, send, channelq.WorkerConfig[mail]{Limiter: limiter})))
	host.Add("news", must(channelq.NewWorkers(queue, send, channelq.WorkerConfig[mail]{
		Concurrency: 2, Limiter: limiter, Retry: channelq.Retry{Attempts: 5}, Skip: news.canceled, OnSettled: news.settled,
		Drain: channelq.DropOnStop, OnLeftover: func(ctx context.Context, rest []mail) error { // at once, without sending it
			return file.Save(ctx, slices.DeleteFunc(slices.Clone(rest), news.canceled))
		},
	})))
	host.Task("spooled news", func(ctx context.Context) error {
		return news.fill(func() error { _, err := file.Load(ctx, news); return err })
	})
	host.Add("site", hosted.HTTP(&http.Server{Addr: *addr, Handler: routes(singles, news), ReadHeaderTimeout: 5 * time.Second}))
	hosted.Main(host)
}

func send(_ context.Context, m mail) error { // your provider
	fmt.Printf("sent to %s %s\n", m.To, m.Campaign)
	return nil
}

func routes(singles *channelq.Queue[mail], news *news) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, do func(*http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := do(r); err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
			}
		})
	}
	handle("POST /mails", func(r *http.Request) error { return singles.Enqueue(r.Context(), mail{To: r.FormValue("to")}) })
	handle("POST /campaigns/{name}", func(r *http.Request) error {
		return news.fill(func() error {
			n, err := strconv.Atoi(r.FormValue("n")) // your list of readers
			for i := 0; i < n && err == nil; i++ {
				err = news.Enqueue(r.Context(), mail{r.PathValue("name"), fmt.Sprint("reader ", i)})
			}
			return err
		})
	})
	mux.HandleFunc("DELETE /campaigns/{name}", func(_ http.ResponseWriter, r *http.Request) {
		news.update(r.PathValue("name"), func(c *campaign) { c.canceled = true })
	})
	return mux
}

// news is all campaigns and their queue.
type news struct {
	queue     *channelq.Queue[mail]
	mu        sync.Mutex
	filling   int // calls of fill that are running
	campaigns map[string]*campaign
}

type campaign struct {
	canceled bool
	open     int // mails that were accepted and are not settled
	settled  map[channelq.Outcome]int
}

// fill calls add, which adds mails. No campaign is finished before it returns.
func (n *news) fill(add func() error) error {
	n.update("", func(*campaign) { n.filling++ })
	defer n.update("", func(*campaign) { n.filling-- })
	return add()
}

func (n *news) Enqueue(ctx context.Context, m mail) (err error) { // for spool.Load too
	if err = n.queue.Enqueue(ctx, m); err == nil {
		n.update(m.Campaign, func(c *campaign) { c.open++ })
	}
	return err
}

func (n *news) canceled(m mail) (yes bool) {
	n.update(m.Campaign, func(c *campaign) { yes = c.canceled })
	return yes
}

// settled is called once for each mail, whatever became of it.
func (n *news) settled(m mail, o channelq.Outcome, _ error) {
	n.update(m.Campaign, func(c *campaign) {
		if o == channelq.Leftover && c.canceled {
			o = channelq.Skipped // it is not in the file
		}
		c.open--
		c.settled[o]++
	})
}

// update changes something and says what is finished now. A campaign with leftovers is
// not: it goes on at the next start.
func (n *news) update(name string, change func(*campaign)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.campaigns[name] == nil {
		n.campaigns[name] = &campaign{settled: map[channelq.Outcome]int{}}
	}
	change(n.campaigns[name])
	for name, c := range n.campaigns {
		if n.filling == 0 && c.open == 0 && len(c.settled) > 0 && c.settled[channelq.Leftover] == 0 {
			fmt.Printf("%s is finished: %v\n", name, c.settled)
			clear(c.settled)
		}
	}
}

// must is for what can only fail because the program was written wrongly.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
