// Command mailqueue answers a sign-up at once and sends the mail afterwards.
//
//	go run ./examples/mailqueue
//	curl -d email=ada@example.com localhost:8080
//
// Sign up some times and press Ctrl-C: the site takes no more, the queue is sent, and
// the log says what became of each item.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "address to listen on")
	flag.Parse()

	emails := must(channelq.New(channelq.Config[string]{Name: "emails", Capacity: 100}))
	senders := must(channelq.NewWorkers(emails, send, channelq.WorkerConfig[string]{
		Concurrency: 4,
		Retry:       channelq.Retry{Attempts: 5},
	}))
	signUp := func(w http.ResponseWriter, r *http.Request) {
		if err := emails.TryEnqueue(r.FormValue("email")); err != nil {
			http.Error(w, "try again later", http.StatusTooManyRequests)
			return
		}
		fmt.Fprintln(w, "a mail is on its way")
	}

	host := hosted.New(hosted.Config{Logger: slog.Default()})
	host.Add("emails", senders) // before the site: started first, stopped last
	host.Add("site", hosted.HTTP(&http.Server{Addr: *addr, Handler: http.HandlerFunc(signUp), ReadHeaderTimeout: 5 * time.Second}))
	hosted.Main(host)
}

// send takes its time, as a mail server does. An error is retried.
func send(ctx context.Context, to string) error {
	select {
	case <-time.After(time.Second):
		fmt.Println("welcome,", to)
		return nil
	case <-ctx.Done(): // the stop cannot wait any longer
		return context.Cause(ctx)
	}
}

// must is for what can only fail because the program was written wrongly.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
