// Command warmcache fetches rates before it serves them, and again every minute. If a
// fetch fails, it goes on with those it has.
//
//	go run ./examples/warmcache
//	curl localhost:8080
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "address to listen on")
	every := flag.Duration("every", time.Minute, "how often to fetch")
	flag.Parse()

	var rates atomic.Pointer[map[string]float64]
	warm := func(ctx context.Context) error {
		fresh, err := fetch(ctx)
		if err != nil {
			return err // logged and counted; the next slot retries
		}
		rates.Store(&fresh)
		return nil
	}
	refresh := must(periodic.New(periodic.Config{
		Name: "rates", Schedule: periodic.Every(*every), Phase: periodic.OnePeriod, Timeout: 10 * time.Second,
	}, warm))
	show := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, *rates.Load()) }

	host := hosted.New(hosted.Config{Logger: slog.Default()})
	host.Task("warm", warm)      // the site waits for it; an error fails the start
	host.Add("refresh", refresh) // its first run is one period after the start
	host.Add("site", hosted.HTTP(&http.Server{Addr: *addr, Handler: http.HandlerFunc(show), ReadHeaderTimeout: 5 * time.Second}))
	hosted.Main(host)
}

var calls atomic.Int64

// fetch is your database or API. This one fails every third time.
func fetch(context.Context) (map[string]float64, error) {
	if calls.Add(1)%3 == 0 {
		return nil, errors.New("the rates are not to be had")
	}
	return map[string]float64{"USD": 1.1 + rand.Float64()/100}, nil
}

// must is for what can only fail because the program was written wrongly.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
