// Command compare measures channelq beside what people use instead and prints
// ratios to a buffered channel.
//
//	go run ./bench/cmd/compare                      the main cases, about a minute
//	go run ./bench/cmd/compare -cases 'queue/4P4C'  those whose names match
//	go run ./bench/cmd/compare -all -check          every case; exit 1 on a missed target
//	go run ./bench/cmd/compare -overview DIR        the small plot of what was measured on a processor
//	go run ./bench/cmd/compare -tables DIR...       the tables, in Markdown, a column for each processor
//
// The contenders of a case take turns, round by round, and a ratio is the median
// of the ratios of neighboring rounds: other work on the machine then disturbs
// all of them alike. Raw results go to the folder of the processor in -out with what
// they were measured on, and a plot for each kind of case beside it.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/steadgo/stead/bench"
)

func main() {
	var (
		names  = flag.String("cases", "", "compare only the cases whose names match this expression")
		all    = flag.Bool("all", false, "compare every capacity and size of items")
		list   = flag.Bool("list", false, "print the names of the cases and exit")
		rounds = flag.Int("rounds", 11, "how many rounds count")
		round  = flag.Duration("round", 20*time.Millisecond, "how long a round of a contender takes, about")
		out    = flag.String("out", "bench/results", "where to write results and plots; empty: nowhere")
		view   = flag.Bool("overview", false, "draw an overview of this directory of results to standard output and exit")
		tabs   = flag.Bool("tables", false, "print the tables of these directories of results, one for each processor, and exit")
		check  = flag.Bool("check", false, "exit with 1 if a target is missed")
	)
	flag.Parse()
	if *view {
		if err := overview(os.Stdout, flag.Args()); err != nil {
			fail(1, err)
		}
		return
	}
	if *tabs {
		if err := tables(os.Stdout, flag.Args()); err != nil {
			fail(1, err)
		}
		return
	}
	match, err := regexp.Compile(*names)
	if err != nil {
		fail(2, fmt.Errorf("-cases: %w", err))
	}
	var cases []bench.Case
	for _, c := range bench.Cases(*all) {
		if match.MatchString(c.Name) {
			cases = append(cases, c)
		}
	}
	if *list {
		for _, c := range cases {
			fmt.Println(c.Name)
		}
		return
	}
	if len(cases) == 0 || *rounds < 1 || *round <= 0 {
		fail(2, fmt.Errorf("nothing to compare: %d cases, %d rounds of %v", len(cases), *rounds, *round))
	}

	record := newRecord(*rounds, *round)
	bar := newProgress(cases, *rounds)
	for _, c := range cases {
		bar.begin(c.Name)
		results := c.Compare(*rounds, *round, bar.step)
		bar.clear()
		printCase(os.Stdout, c, results)
		record.Results = append(record.Results, results...)
		record.Missed = append(record.Missed, c.Missed(results)...)
	}
	if *out != "" {
		if err := record.save(*out); err != nil {
			fail(1, err)
		}
	}
	if len(record.Missed) > 0 {
		fmt.Printf("targets missed:\n  %s\n", strings.Join(record.Missed, "\n  "))
		if *check {
			os.Exit(1)
		}
	}
}

func fail(code int, err error) {
	fmt.Fprintln(os.Stderr, "compare:", err)
	os.Exit(code)
}
