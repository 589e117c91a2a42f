package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/steadgo/stead/channelq"
)

// builtInSink is a sink with a bad day: it is down for half of the time, and of
// what it gets when it is up it finds one event in fifty too much just then.
func builtInSink() *http.Server {
	const phase = 5 * time.Second
	began := time.Now()
	var total atomic.Int64
	take := func(w http.ResponseWriter, r *http.Request) {
		if time.Since(began)/phase%2 == 1 {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		var events []event
		if err := json.NewDecoder(r.Body).Decode(&events); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		failed := []refusal{}
		for i := range events {
			if rand.IntN(50) == 0 {
				failed = append(failed, refusal{i, http.StatusTooManyRequests})
			}
		}
		taken := len(events) - len(failed)
		fmt.Printf("sink: %d events, %d in all\n", taken, total.Add(int64(taken)))
		answer(w, http.StatusMultiStatus, map[string]any{"failed": failed})
	}
	return &http.Server{Addr: "127.0.0.1:0", Handler: http.HandlerFunc(take), ReadHeaderTimeout: 5 * time.Second}
}

// visitors look at a page some twenty times a second.
func visitors(events *channelq.Queue[event]) func(context.Context) error {
	return func(ctx context.Context) error {
		for n := 1; ; n++ {
			err := events.TryEnqueue(fmt.Appendf(nil, `{"id": %d, "page": "/tents/%d"}`, n, rand.IntN(9)))
			if err != nil && !errors.Is(err, channelq.ErrFull) {
				return err
			}
			select {
			case <-time.After(rand.N(100 * time.Millisecond)):
			case <-ctx.Done():
				return nil
			}
		}
	}
}
