// Command ticking measures what it costs to run many jobs once a second with
// Stead and with its peers, prints the tables and keeps every round.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/steadgo/stead/bench/internal/lab"
	"github.com/steadgo/stead/bench/ticking"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "ticking:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	sizes := flag.String("n", "1000,10000,100000", "numbers of jobs")
	only := flag.String("only", "", "contenders to measure, such as stead,robfig-cron; all if empty")
	window := flag.Duration("window", 3*time.Second, "how long each is watched, in whole seconds")
	rounds := flag.Int("rounds", 3, "rounds; a third of them with more than 10,000 jobs")
	out := flag.String("out", "", "file of the raw results; results/ticking.json in the module if empty, - for none")
	add := flag.Bool("add", false, "add to the file of the raw results, to measure in several turns")
	check := flag.Bool("check", false, "exit with 1 if a target was missed")
	flag.Parse()

	dir, err := lab.ModuleDir(ctx)
	if err != nil {
		return err
	}
	plan := ticking.Plan{Rounds: *rounds, Window: int(*window / time.Second)}
	if plan.Sizes, err = lab.Numbers(*sizes); err != nil {
		return fmt.Errorf("-n: %w", err)
	}
	if plan.Rounds < 1 || plan.Window < 1 {
		return errors.New("-rounds is at least 1 and -window at least 1s")
	}
	contenders, err := lab.Choose(*only, ticking.Contenders(), ticking.Find)
	if err != nil {
		return err
	}
	r := ticking.Results{
		When: time.Now().UTC().Truncate(time.Second), Machine: lab.ThisMachine(ctx, dir), Window: plan.Window,
	}
	if r.Next, err = ticking.MeasureNext(15); err != nil {
		return err
	}
	r.Series = ticking.Measure(contenders, plan, func(what string) { fmt.Fprintln(os.Stderr, what) })
	r.Targets = ticking.Targets(r.Series, r.Next)
	if *out == "" {
		*out = filepath.Join(dir, "results", "ticking.json")
	}
	if *add {
		before, err := ticking.Read(*out)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		r = before.Add(r)
	}
	r.Write(os.Stdout)
	if *out != "-" {
		if err := lab.Save(*out, r); err != nil {
			return err
		}
	}
	if *check {
		return lab.Check(r.Targets)
	}
	return nil
}
