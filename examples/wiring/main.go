// Command wiring is the mail queue whose parts another library puts together: fx, which
// also runs it, or wire, which only writes the constructors' calls. docs/mounting.md
// explains it.
//
//	go run ./examples/wiring -with fx
//	go run ./examples/wiring -with wire
//
// The parts:
//
//	main.go       the constructors, which know neither of them
//	fx.go         the host as a value of fx
//	wire.go       what wire is told; wire_gen.go is what it wrote
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/examples/internal/cli"
	"github.com/steadgo/stead/hosted"
)

func main() {
	address := flag.String("addr", "localhost:8080", "address to listen on")
	with := flag.String("with", "fx", "fx or wire")
	flag.Parse()
	switch *with {
	case "fx":
		runFx(addr(*address))
	case "wire":
		hosted.Main(cli.Must(newProgram(addr(*address))))
	default:
		fmt.Fprintln(os.Stderr, "wiring: -with is fx or wire")
		os.Exit(2)
	}
}

type addr string

func newEmails() (*channelq.Queue[string], error) {
	return channelq.New(channelq.Config[string]{Name: "emails", Capacity: 100})
}

func newSenders(emails *channelq.Queue[string]) (*channelq.Workers[string], error) {
	return channelq.NewWorkers(emails, send, channelq.WorkerConfig[string]{})
}

func newSite(address addr, emails *channelq.Queue[string]) *hosted.HTTPService {
	signUp := func(w http.ResponseWriter, r *http.Request) {
		if err := emails.TryEnqueue(r.FormValue("email")); err != nil {
			http.Error(w, "try again later", http.StatusTooManyRequests)
		}
	}
	return hosted.HTTP(&http.Server{Addr: string(address), Handler: http.HandlerFunc(signUp), ReadHeaderTimeout: 5 * time.Second})
}

const budget = 20 * time.Second

// newHost has the order, which no library of constructors knows.
func newHost(senders *channelq.Workers[string], site *hosted.HTTPService) *hosted.Host {
	host := hosted.New(hosted.Config{Logger: slog.Default(), ShutdownTimeout: budget})
	host.Add("emails", senders)
	host.Add("site", site)
	return host
}

func send(_ context.Context, to string) error {
	fmt.Println("welcome,", to)
	return nil
}
