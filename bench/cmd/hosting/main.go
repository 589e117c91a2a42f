// Command hosting measures what it costs to start and stop background services
// with Stead and with its peers, prints the tables and keeps every round.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/steadgo/stead/bench/hosting"
	"github.com/steadgo/stead/bench/internal/lab"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "hosting:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	rounds := flag.Int("rounds", 15, "rounds, after one to warm up")
	sizes := flag.String("sizes", "10,1000,10000", "numbers of services")
	perRound := flag.Int("per-round", 20_000, "services a contender starts in a round")
	only := flag.String("only", "", "contenders to measure, such as floor,stead; all if empty")
	binaries := flag.Bool("binaries", true, "link a minimal program of each and measure it")
	out := flag.String("out", "", "file of the raw results; results/hosting.json in the module if empty, - for none")
	check := flag.Bool("check", false, "exit with 1 if a target was missed")
	flag.Parse()

	dir, err := lab.ModuleDir(ctx)
	if err != nil {
		return err
	}
	plan := hosting.Plan{Rounds: *rounds, PerRound: *perRound}
	if plan.Sizes, err = lab.Numbers(*sizes); err != nil {
		return fmt.Errorf("-sizes: %w", err)
	}
	if plan.Rounds < 1 || plan.PerRound < 1 {
		return errors.New("-rounds and -per-round are at least 1")
	}
	contenders, err := lab.Choose(*only, hosting.Contenders(), hosting.Find)
	if err != nil {
		return err
	}
	results, err := measure(ctx, contenders, plan, dir, *binaries)
	if err != nil {
		return err
	}
	results.Write(os.Stdout)
	if *out == "" {
		*out = filepath.Join(dir, "results", "hosting.json")
	}
	if *out != "-" {
		if err := lab.Save(*out, results); err != nil {
			return err
		}
	}
	if *check {
		return lab.Check(results.Targets)
	}
	return nil
}

func measure(ctx context.Context, contenders []hosting.Contender, plan hosting.Plan, dir string, binaries bool) (r hosting.Results, err error) {
	r.When, r.Machine = time.Now().UTC().Truncate(time.Second), lab.ThisMachine(ctx, dir)
	tell := func(what string) { fmt.Fprintln(os.Stderr, what) }
	if r.Series, err = hosting.Measure(contenders, plan, tell); err != nil {
		return r, err
	}
	tell("graphs")
	if r.Graphs, err = hosting.MeasureGraphs(hosting.Graphs(), plan.Rounds); err != nil {
		return r, err
	}
	if binaries {
		tell("binaries")
		if r.Binaries, err = hosting.Binaries(ctx, dir); err != nil {
			return r, err
		}
	}
	r.Targets = hosting.Targets(r.Series, r.Graphs)
	return r, nil
}
