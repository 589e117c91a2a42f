//go:build unix

// Worker is the program that the fault tests kill. It works the queue "task" of a
// store and appends what its handler does to a journal.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/postgres"
	"github.com/steadgo/stead/durable/sqlite"
	"github.com/steadgo/stead/periodic"
)

type options struct {
	store, journal       string
	work, rescue         time.Duration
	timeout, startWithin time.Duration
	stopWithin           time.Duration
	concurrency          int
	cron                 string
	migrate, newer       bool
	turns                int
	follow               bool
}

func main() {
	var o options
	flag.StringVar(&o.store, "store", "", "a PostgreSQL URL or the path of a SQLite file")
	flag.StringVar(&o.journal, "journal", "", "the file to append to")
	flag.DurationVar(&o.work, "work", 0, "how long a handler takes")
	flag.DurationVar(&o.timeout, "timeout", 2*time.Second, "of one attempt")
	flag.DurationVar(&o.rescue, "rescue", 3*time.Second, "Config.RescueAfter")
	flag.DurationVar(&o.startWithin, "start-within", 30*time.Second, "the deadline of the start")
	flag.DurationVar(&o.stopWithin, "stop-within", time.Minute, "the deadline of the stop")
	flag.IntVar(&o.concurrency, "concurrency", 4, "of the queue")
	flag.StringVar(&o.cron, "cron", "", "schedules with seconds, separated by semicolons, of the queues tick0, tick1 and so on")
	flag.BoolVar(&o.migrate, "migrate", false, "migrate and end")
	flag.IntVar(&o.turns, "turns", 0, "also know the queue turn, with as many keys, of which one runs at a time, and two of all")
	flag.BoolVar(&o.follow, "follow", false, "also know the queue lead, whose jobs with an ID that 3 divides fail for the last time, and the queues of what follows them")
	flag.BoolVar(&o.newer, "newer", false, "also know the queue extra and the field note")
	flag.Parse()
	if err := o.run(); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

func (o *options) run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if strings.HasPrefix(o.store, "postgres://") {
		s, err := postgres.Open(ctx, o.store)
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }()
		return serve[pgx.Tx](ctx, s, o)
	}
	s, err := sqlite.Open(o.store)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	return serve[*sql.Tx](ctx, s, o)
}

func serve[TTx any](ctx context.Context, store durable.Store[TTx], o *options) error {
	if o.migrate {
		fmt.Fprintln(os.Stdout, "migrating")
		return durable.Migrate(ctx, store)
	}
	jobs, err := durable.New(store, durable.Config{
		PollInterval: 50 * time.Millisecond, RescueAfter: o.rescue,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	if err := addQueues(jobs, o); err != nil {
		return err
	}
	client, err := jobs.Client()
	if err != nil {
		return err
	}
	starting, cancel := context.WithTimeout(ctx, o.startWithin)
	defer cancel()
	if err := jobs.Start(starting); err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "ready", client.ID())
	<-ctx.Done()
	stopping, cancel := context.WithTimeout(context.Background(), o.stopWithin)
	defer cancel()
	return jobs.Stop(stopping)
}

// task is the payload as the older program knows it, newer as the newer one.
type task struct {
	ID int `json:"id"`
}

type newer struct {
	task

	Note string `json:"note"`
}

// addFollowers adds the queue lead, and those of what follows its jobs.
func addFollowers[TTx any](jobs *durable.Jobs[TTx], handle func(kind string) func(context.Context, newer) error, cfg durable.QueueConfig[newer]) error {
	lead := func(ctx context.Context, n newer) error {
		err := handle("lead")(ctx, n)
		if err == nil && n.ID%3 == 0 {
			err = channelq.Permanent(errors.New("fails"))
		}
		return err
	}
	_, err := durable.NewQueue(jobs, "lead", lead, cfg)
	for _, kind := range []string{"handled", "gaveup", "ended", "last"} {
		if err == nil {
			_, err = durable.NewQueue(jobs, kind, handle(kind), cfg)
		}
	}
	return err
}

func addQueues[TTx any](jobs *durable.Jobs[TTx], o *options) error {
	journal, err := os.OpenFile(o.journal, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o666) //nolint:gosec // the test that starts this names the file
	if err != nil {
		return err
	}
	write := func(kind, what string, id int, note string) error {
		_, err := fmt.Fprintf(journal, "%s %s %d %d %d %s\n", kind, what, id, os.Getpid(), time.Now().UnixMilli(), note)
		return err
	}
	handle := func(kind string) func(context.Context, newer) error {
		return func(ctx context.Context, n newer) error {
			if err := write(kind, "begin", n.ID, n.Note); err != nil {
				return err
			}
			select {
			case <-time.After(o.work):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			return write(kind, "end", n.ID, n.Note)
		}
	}
	if !o.newer {
		older := func(ctx context.Context, t task) error { return handle("task")(ctx, newer{task: t}) }
		_, err = durable.NewQueue(jobs, "task", older, durable.QueueConfig[task]{Concurrency: o.concurrency, Timeout: o.timeout})
	} else {
		cfg := durable.QueueConfig[newer]{Concurrency: o.concurrency, Timeout: o.timeout}
		if _, err = durable.NewQueue(jobs, "task", handle("task"), cfg); err == nil {
			_, err = durable.NewQueue(jobs, "extra", handle("extra"), cfg)
		}
	}
	if err == nil && o.turns > 0 {
		_, err = durable.NewQueue(jobs, "turn", handle("turn"), durable.QueueConfig[newer]{
			Concurrency: o.concurrency, Timeout: o.timeout, GlobalLimit: 2,
			Key: func(n newer) string { return strconv.Itoa(n.ID % o.turns) },
		})
	}
	if err == nil && o.follow {
		err = addFollowers(jobs, handle, durable.QueueConfig[newer]{Concurrency: o.concurrency, Timeout: o.timeout})
	}
	if err != nil || o.cron == "" {
		return err
	}
	for i, expr := range strings.Split(o.cron, ";") {
		name := fmt.Sprintf("tick%d", i)
		schedule, err := periodic.Cron(expr, time.UTC)
		if err != nil {
			return err
		}
		ticks, err := durable.NewQueue(jobs, name, handle(name), durable.QueueConfig[newer]{Timeout: o.timeout})
		if err != nil {
			return err
		}
		if err := durable.Every(ticks, name, schedule, func() newer { return newer{} }); err != nil {
			return err
		}
	}
	return nil
}
