package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/postgres"
	"github.com/steadgo/stead/durable/sqlite"
	"github.com/steadgo/stead/examples/internal/cli"
	"github.com/steadgo/stead/hosted"
)

// outbox is what the rest of the program needs to know of the queue of mails,
// wherever that is.
type outbox struct {
	channelq.Enqueuer[welcome]

	stats   func() channelq.Stats
	migrate func(context.Context) error // nil if there are no tables

	transfer func(context.Context) error // exports or imports jobs; nil if there is no store
}

// Retries and bounds are the same wherever the mails wait.
const (
	sendersAtOnce = 8
	sendTimeout   = 30 * time.Second
)

var sendRetry = channelq.Retry{Attempts: 5, Initial: 250 * time.Millisecond}

// openOutbox adds the queue that -store names to the host. Only this function
// knows where a mail waits: the handlers that enqueue and the one that sends are
// the same for all.
func openOutbox(host *hosted.Host, cfg config, send sender, unsent *leftovers) (outbox, error) {
	switch cfg.store.kind {
	case "sqlite":
		if !cfg.makesTables() { // a file that is not there would be made, with nothing in it
			if _, err := os.Stat(cfg.store.at); errors.Is(err, fs.ErrNotExist) {
				return outbox{}, fmt.Errorf("-store: %w; webapp migrate makes the file, if that is its name", err)
			}
		}
		file, err := sqlite.Open(cfg.store.at)
		if err != nil {
			return outbox{}, err
		}
		return inStore(host, cfg, file, send, unsent), nil
	case "postgres":
		pool, err := postgres.Open(context.Background(), cfg.store.at)
		if err != nil {
			return outbox{}, err
		}
		return inStore(host, cfg, pool, send, unsent), nil
	default:
		return inMemory(host, send, unsent), nil
	}
}

// makesTables reports whether this process may make them. The others find what is there.
func (c *config) makesTables() bool { return c.migrate || c.role == all && c.transfer == "" }

type sender = func(context.Context, welcome) error

// inMemory keeps the mails in this process: a stop sends them or names them in
// the report, and a crash takes them along.
func inMemory(host *hosted.Host, send sender, unsent *leftovers) outbox {
	// When it is full the visitor is told to come back, rather than kept waiting.
	emails := cli.Must(channelq.New(channelq.Config[welcome]{Name: "emails", Capacity: 10_000, OnFull: channelq.Reject}))
	senders := cli.Must(channelq.NewWorkers(emails, send, channelq.WorkerConfig[welcome]{
		Concurrency: sendersAtOnce, Timeout: sendTimeout, Retry: sendRetry,
		OnLeftover: unsent.keep, OnGiveUp: unsent.giveUp,
	}))
	host.Add("emails", senders)
	return outbox{Enqueuer: emails, stats: senders.Stats}
}

// inStore keeps them in a database, where they outlive this process and where
// others can enqueue and send them as well.
func inStore[TTx any](host *hosted.Host, cfg config, store closingStore[TTx], send sender, unsent *leftovers) outbox {
	jobs := cli.Must(durable.New(store, durable.Config{Name: "emails", Mode: cfg.role.mode()}))
	emails := cli.Must(durable.NewQueue(jobs, "emails", send, durable.QueueConfig[welcome]{
		Concurrency: sendersAtOnce, Timeout: sendTimeout, Retry: sendRetry, OnGiveUp: unsent.giveUp,
	}))
	migrate := func(ctx context.Context) error { return durable.Migrate(ctx, store) }

	host.Add("store", hosted.Closer(store))
	if cfg.role == all {
		// One process needs no ceremony. Where there are several, and old and new
		// ones at the same time, the deployment says when: see the migrate command.
		host.Task("migrate", migrate, hosted.StartTimeout(time.Minute))
	}
	host.Add("emails", jobs, hosted.StartTimeout(30*time.Second))
	return outbox{Enqueuer: emails, stats: emails.Stats, migrate: migrate, transfer: func(ctx context.Context) error { return transfer(ctx, cfg, jobs) }}
}

type closingStore[TTx any] interface {
	durable.Store[TTx]
	io.Closer
}
