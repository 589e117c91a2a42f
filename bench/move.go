package bench

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Cast is how many goroutines work on each side of a queue.
type Cast struct{ Producers, Consumers int }

// String returns the cast, such as "4P1C".
func (c Cast) String() string { return fmt.Sprintf("%dP%dC", c.Producers, c.Consumers) }

// Casts are those of all tables.
var Casts = []Cast{{1, 1}, {1, 4}, {4, 1}, {4, 4}, {64, 4}}

// Throughput returns the time to move an item, in a queue of a capacity, with items
// of 8 or 128 bytes, batch of them at a time.
func Throughput(cast Cast, capacity, bytes, batch int) Case {
	c := Case{
		Name:    fmt.Sprintf("queue/%v/%d/%dB/batch%d", cast, capacity, bytes, batch),
		Columns: []string{"ns/item", "cpu ns/item"},
		Targets: []Target{{Against: Reference, Max: MostOfChannel}, {Against: Rival, Max: MostOfRival}},
	}
	if batch > 1 {
		c.Targets = []Target{{Against: Reference, Max: MostOfBatches}}
	}
	if bytes == 128 {
		c.Entries = throughput[[16]uint64](cast, capacity, batch)
	} else {
		c.Entries = throughput[[1]uint64](cast, capacity, batch)
	}
	return c
}

// throughput has all contenders for single items; of those only the subject can
// move batches, beside the reference that moves single items.
func throughput[T any](cast Cast, capacity, batch int) []Entry {
	var entries []Entry
	for _, c := range Queues[T]() {
		if batch > 1 && c.Name != Reference && c.Name != Subject {
			continue
		}
		entries = append(entries, Entry{c.Name, perOp(func(items int) time.Duration {
			return Move(c, cast, capacity, items, batch)
		})})
	}
	return entries
}

// Move sends items through a new queue and returns the time from the first put
// to the last take.
func Move[T any](c Contender[T], cast Cast, capacity, items, batch int) time.Duration {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	q := c.Make(capacity)
	begin := make(chan struct{})
	var producers, consumers sync.WaitGroup
	for p := range cast.Producers {
		share := share(items, cast.Producers, p)
		producers.Go(func() { <-begin; q.Produce(ctx, share, batch) })
	}
	for range cast.Consumers {
		consumers.Go(func() { <-begin; q.Consume(ctx, batch) })
	}
	start := time.Now()
	close(begin)
	producers.Wait()
	q.Close()
	consumers.Wait()
	return time.Since(start)
}

// share is the i-th of n nearly equal parts.
func share(items, n, i int) int {
	if i < items%n {
		return items/n + 1
	}
	return items / n
}
