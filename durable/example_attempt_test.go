package durable_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
)

// The bank charges once for each Idempotency-Key. Its first answer is lost, so the
// handler runs again, with the same key.
func ExampleAttempt() {
	store, remove := openExample()
	defer remove()
	answered := map[string]bool{}
	bank := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		if answered[key] {
			fmt.Println(key, "was charged before")
			return
		}
		answered[key] = true
		fmt.Println(key, "is charged")
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer bank.Close()
	done := make(chan struct{})
	charge := func(ctx context.Context, euros string) error {
		id, attempt, _ := durable.Attempt(ctx)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, bank.URL, strings.NewReader(euros))
		if err != nil {
			return err
		}
		req.Header.Set("Idempotency-Key", fmt.Sprintf("shop-charge-%d", id))
		res, err := bank.Client().Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("attempt %d: %s", attempt, res.Status)
		}
		close(done)
		return nil
	}
	jobs, err := durable.New(store, durable.Config{PollInterval: 10 * time.Millisecond})
	check(err)
	charges, err := durable.NewQueue(jobs, "charge", charge, durable.QueueConfig[string]{Retry: channelq.Retry{Initial: time.Millisecond}})
	check(err)
	check(jobs.Start(context.Background()))
	check(charges.Enqueue(context.Background(), "19.90"))
	<-done
	check(jobs.Stop(context.Background()))
	// Output:
	// shop-charge-1 is charged
	// shop-charge-1 was charged before
}
