// Command walk passes one item from its enqueue to its outcome and writes the coverage
// of just that: what a reader of package channelq follows. docs/internals/architecture.md has the figures.
//
//	d=$(mktemp -d) && go build -cover -covermode=atomic -coverpkg=./channelq/...,./channelq/testdata/walk -o $d/walk ./channelq/testdata/walk &&
//		GOCOVERDIR=$d $d/walk && go tool covdata func -i=$d | grep channelq/ | grep -v 'testdata\|\b0\.0%'
package main

import (
	"context"
	"log"
	"os"
	"runtime/coverage"
	"time"

	"github.com/steadgo/stead/channelq"
)

func main() {
	if err := walk(os.Getenv("GOCOVERDIR")); err != nil {
		log.Fatal(err)
	}
}

func walk(dir string) error {
	q, err := channelq.New(channelq.Config[int]{Capacity: 8})
	if err != nil {
		return err
	}
	settled := make(chan error)
	w, err := channelq.NewWorkers(q, func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{
		Concurrency: 1,
		OnSettled: func(int, channelq.Outcome, error) {
			settled <- coverage.WriteCountersDir(dir)
			select {} // nothing after it is the item's
		},
	})
	if err == nil {
		err = w.Start(context.Background())
	}
	if err != nil {
		return err
	}
	time.Sleep(time.Second) // the worker waits for an item
	if err := coverage.WriteMetaDir(dir); err != nil {
		return err
	}
	if err := coverage.ClearCounters(); err != nil {
		return err
	}
	if err := q.Enqueue(context.Background(), 1); err != nil {
		return err
	}
	if err := <-settled; err != nil {
		return err
	}
	os.Exit(0) // without it, the counters would be written a second time
	return nil
}
