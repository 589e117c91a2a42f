// Command beside measures what work on the CPU costs the requests beside it: the
// time of a small HTTP request while workers compute on none, half, all and twice
// as many of the processors.
//
//	go run ./bench/cmd/beside
package main

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/steadgo/stead/channelq"
)

func main() {
	requests := flag.Int("requests", 2000, "requests in each round")
	rounds := flag.Int("rounds", 5, "rounds")
	flag.Parse()
	if err := run(*requests, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(requests, rounds int) error {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	defer server.Close()
	procs := runtime.GOMAXPROCS(0)
	busy := []int{0, max(1, procs/2), procs, 2 * procs}
	all := make([][]time.Duration, len(busy))
	for range rounds { // interleaved: a slow minute of the machine meets all of them
		for i, workers := range busy {
			took, err := beside(server.URL, workers, requests)
			if err != nil {
				return err
			}
			all[i] = append(all[i], took...)
		}
	}
	fmt.Printf("%d processors, %s, %d requests one after the other in each of %d rounds\n\n", procs, runtime.Version(), requests, rounds)
	fmt.Printf("%-14s  %8s  %8s  %8s\n", "busy workers", "p50", "p99", "p99.9")
	for i, workers := range busy {
		slices.Sort(all[i])
		at := func(q float64) time.Duration { return all[i][int(q*float64(len(all[i])-1))].Round(time.Microsecond) }
		fmt.Printf("%-14d  %8s  %8s  %8s\n", workers, at(0.5), at(0.99), at(0.999))
	}
	return nil
}

// beside times requests while workers hash without end.
func beside(url string, workers, requests int) ([]time.Duration, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if workers > 0 {
		stop, err := compute(ctx, workers)
		if err != nil {
			return nil, err
		}
		defer stop()
	}
	took := make([]time.Duration, requests)
	for i := range took {
		began := time.Now()
		if err := get(ctx, url); err != nil {
			return nil, err
		}
		took[i] = time.Since(began)
	}
	return took, nil
}

// compute keeps that many workers of a queue busy. An item is about a millisecond.
func compute(ctx context.Context, workers int) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	items, err := channelq.New(channelq.Config[int]{Name: "thumbnails", Capacity: 2 * workers})
	if err != nil {
		cancel()
		return nil, err
	}
	w, err := channelq.NewWorkers(items, func(context.Context, int) error {
		sum := [sha256.Size]byte{}
		for range 4000 {
			sum = sha256.Sum256(sum[:])
		}
		return nil
	}, channelq.WorkerConfig[int]{Concurrency: workers})
	if err == nil {
		err = w.Start(ctx)
	}
	if err != nil {
		cancel()
		return nil, err
	}
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		for items.Enqueue(ctx, 0) == nil {
			continue
		}
	}()
	return func() {
		cancel()
		<-fed
		_ = w.Stop(context.Background())
	}, nil
}

func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
