package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
)

// takeOrder answers 202 when the order cannot be lost any more.
func (b *broker) takeOrder(w http.ResponseWriter, r *http.Request) {
	what, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1000))
	if err != nil {
		http.Error(w, "An order has at most 1,000 bytes.", http.StatusRequestEntityTooLarge)
		return
	}
	order := message.NewMessage(watermill.NewUUID(), what)
	if err := b.publish(topic, order); err != nil {
		http.Error(w, "The broker did not take the order: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintln(w, order.UUID)
}

func (b *broker) madeUpCustomers(ctx context.Context) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	wishes := []string{"a tent", "a stove", "a torch", ""} // one of them does not say what
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := b.publish(topic, message.NewMessage(watermill.NewUUID(), []byte(wishes[n%len(wishes)]))); err != nil {
			return err
		}
	}
}
