// Command durable measures what Stead's durable jobs cost over River used directly,
// on SQLite and, with STEAD_TEST_POSTGRES, on PostgreSQL; it prints a table and
// keeps every round.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/steadgo/stead/bench/durable"
	"github.com/steadgo/stead/bench/internal/lab"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "durable:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var plan durable.Plan
	flag.IntVar(&plan.Rounds, "rounds", 7, "turns of both")
	flag.IntVar(&plan.Enqueue, "enqueue", 500, "single enqueues a turn")
	flag.IntVar(&plan.Drain, "drain", 2000, "further jobs to drain a turn")
	flag.IntVar(&plan.Backlog, "backlog", 5000, "jobs for ten workers, once")
	flag.IntVar(&plan.Probes, "probes", 100, "of the latency when idle")
	out := flag.String("out", "", "file of the raw results; none if empty")
	idle := flag.Duration("idle", 0, "measure instead what one and thirty queues without work cost on SQLite, for as long each")
	check := flag.Bool("check", false, "exit with 1 if a target was missed")
	jobs := flag.Int("jobs", 0, "measure instead a drain of so many jobs, by both at the same time: on PostgreSQL with STEAD_TEST_POSTGRES, otherwise on SQLite")
	flag.Parse()
	if *idle > 0 {
		return whenIdle(ctx, *idle)
	}
	if *jobs > 0 {
		return sideBySide(ctx, *jobs)
	}
	if plan.Rounds < 1 || plan.Enqueue < 1 || plan.Drain < 1 || plan.Backlog < 1 || plan.Probes < 1 {
		return errors.New("all numbers are at least 1")
	}
	r := durable.Results{When: time.Now().UTC().Truncate(time.Second), Machine: lab.ThisMachine(ctx, ".")}
	s, err := durable.Measure(ctx, "sqlite", plan, durable.SQLite)
	if err != nil {
		return err
	}
	r.Stores = append(r.Stores, s)
	if url := os.Getenv("STEAD_TEST_POSTGRES"); url != "" {
		if s, err = durable.Measure(ctx, "postgres", plan, durable.Postgres(url)); err != nil {
			return err
		}
		r.Stores = append(r.Stores, s)
	}
	r.Targets = durable.Targets(r.Stores)
	r.Write(os.Stdout)
	if *out != "" {
		if err := lab.Save(*out, r); err != nil {
			return err
		}
	}
	if *check {
		return lab.Check(r.Targets)
	}
	return nil
}

func sideBySide(ctx context.Context, jobs int) error {
	if url := os.Getenv("STEAD_TEST_POSTGRES"); url != "" {
		return durable.SideBySide(ctx, os.Stdout, "postgres", jobs, durable.Postgres(url))
	}
	return durable.SideBySide(ctx, os.Stdout, "sqlite", jobs, durable.SQLite)
}

func whenIdle(ctx context.Context, over time.Duration) error {
	for _, queues := range []int{1, 30} {
		share, err := durable.Idle(ctx, queues, over)
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stdout, "%d queues without work: %.2f %% of a core\n", queues, 100*share)
	}
	return nil
}
