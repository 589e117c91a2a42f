// Command hosting measures what it costs to start and stop background services
// with Stead and with its peers, prints the tables and keeps every round.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/steadgo/stead/bench/hosting"
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

	dir, err := moduleDir(ctx)
	if err != nil {
		return err
	}
	plan := hosting.Plan{Rounds: *rounds, PerRound: *perRound}
	if plan.Sizes, err = numbers(*sizes); err != nil {
		return err
	}
	if plan.Rounds < 1 || plan.PerRound < 1 {
		return errors.New("-rounds and -per-round are at least 1")
	}
	contenders, err := choose(*only)
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
		if err := results.Save(*out); err != nil {
			return err
		}
	}
	if missed := hosting.Missed(results.Targets); *check && len(missed) > 0 {
		for _, t := range missed {
			fmt.Fprintf(os.Stderr, "missed: %s: %.2f, at most %g\n", t.Name, t.Got, t.Limit)
		}
		return fmt.Errorf("%d of %d targets missed", len(missed), len(results.Targets))
	}
	return nil
}

func measure(ctx context.Context, contenders []hosting.Contender, plan hosting.Plan, dir string, binaries bool) (r hosting.Results, err error) {
	r.When, r.Machine = time.Now().UTC().Truncate(time.Second), hosting.ThisMachine(ctx, dir)
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

// moduleDir finds the module also when the command is run from the root of the
// workspace.
func moduleDir(ctx context.Context) (string, error) {
	text, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/steadgo/stead/bench").Output()
	if err != nil {
		return "", fmt.Errorf("run it inside the repository: go list: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

func numbers(list string) ([]int, error) {
	var all []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-sizes: %q is not a number of services", text)
		}
		all = append(all, n)
	}
	return all, nil
}

func choose(list string) ([]hosting.Contender, error) {
	if list == "" {
		return hosting.Contenders(), nil
	}
	var chosen []hosting.Contender
	for name := range strings.SplitSeq(list, ",") {
		c, err := hosting.Find(name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, c)
	}
	return chosen, nil
}
