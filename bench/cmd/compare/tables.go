package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/steadgo/stead/bench"
)

// tables prints the tables of docs/performance.md, in its order: those of the
// main cases from one file of results, and every cell of the queue from another.
func tables(w io.Writer, files []string) error {
	if len(files) != 2 {
		return errors.New("-tables: give the file of the main cases and that of every cell")
	}
	var found [2][]bench.Result
	for i, file := range files {
		r, err := load(file)
		if err != nil {
			return err
		}
		found[i] = r.Results
	}
	single := table{head: "case", unit: ", ns", others: []string{"channel+ctx", "xsync"}}
	batches := table{head: "case", unit: ", ns"}
	for _, cast := range bench.Casts {
		single.lines = append(single.lines, entry{cast.String(), bench.Throughput(cast, 1024, 8, 1), 0})
		batches.lines = append(batches.lines, entry{cast.String(), bench.Throughput(cast, 1024, 8, 64), 0})
	}
	single.print(w, found[0])
	batches.print(w, found[0])
	everyCell(w, found[1])
	fairness := table{head: "capacity"}
	for _, capacity := range []int{1, 64, 1024} {
		fairness.lines = append(fairness.lines, entry{fmt.Sprint(capacity), bench.Fairness(capacity), 0})
	}
	fairness.print(w, found[0])
	var latency table
	for _, c := range []bench.Case{bench.Latency(false), bench.Latency(true)} {
		for i, column := range c.Columns {
			latency.lines = append(latency.lines, entry{strings.TrimPrefix(c.Name, "latency/") + " " + column, c, i})
		}
	}
	latency.print(w, found[0])
	tasks := table{head: "case", unit: ", ns"}
	for _, busy := range []bool{false, true} {
		for _, producers := range []int{1, 4, 64} {
			c := bench.Tasks(producers, busy)
			tasks.lines = append(tasks.lines, entry{strings.ReplaceAll(strings.TrimPrefix(c.Name, "tasks/"), "/", " "), c, 0})
		}
	}
	for _, p := range bench.Pools() {
		if p.Name != bench.Reference && p.Name != bench.Subject {
			tasks.others = append(tasks.others, p.Name)
		}
	}
	tasks.print(w, found[0])
	return nil
}

// ratio is a contender's to the reference.
func ratio(found []bench.Result, c bench.Case, column int, contender string) bench.Summary {
	return bench.Ratio(c.Find(found, column, contender), c.Find(found, column, bench.Reference))
}

// target is the most that the subject may take of what the reference takes, 0 if
// nobody set one.
func target(c bench.Case, column int) float64 {
	for _, t := range c.Targets {
		if t.Column == column && t.Against == bench.Reference {
			return t.Max
		}
	}
	return 0
}

// table has a line for each case: the reference, the subject, their ratio and its
// target, and the ratios of others.
type table struct {
	head, unit string
	lines      []entry
	others     []string
}

type entry struct {
	label  string
	c      bench.Case
	column int
}

func (t table) print(w io.Writer, found []bench.Result) {
	head := []string{t.head, "channel" + t.unit, "Stead" + t.unit, "ratio (quartiles)", "target", ""}
	writeRow(w, append(head, t.others...)...)
	writeRow(w, rules(len(head)+len(t.others))...)
	for _, l := range t.lines {
		middle := func(contender string) string {
			return fmt.Sprintf("%.4g", bench.Summarize(l.c.Find(found, l.column, contender).Rounds).Median)
		}
		ours := ratio(found, l.c, l.column, bench.Subject)
		most, verdict := "-", ""
		if m := target(l.c, l.column); m > 0 {
			most, verdict = fmt.Sprintf("%.2f", m), "met"
			if ours.Median > m {
				verdict = "**missed**"
			}
		}
		cells := []string{l.label, middle(bench.Reference), middle(bench.Subject),
			fmt.Sprintf("%.2f (%.2f-%.2f)", ours.Median, ours.Low, ours.High), most, verdict}
		for _, other := range t.others {
			cells = append(cells, fmt.Sprintf("%.2f", ratio(found, l.c, l.column, other).Median))
		}
		writeRow(w, cells...)
	}
	fmt.Fprintln(w)
}

// everyCell prints the ratios of the queue for each size of items and each capacity.
func everyCell(w io.Writer, found []bench.Result) {
	head := []string{"bytes", "capacity"}
	for _, batch := range []int{1, 64} {
		for i, cast := range bench.Casts {
			if head = append(head, cast.String()); batch > 1 && i == 0 {
				head[len(head)-1] = fmt.Sprintf("batches of %d: %v", batch, cast)
			}
		}
	}
	writeRow(w, head...)
	writeRow(w, rules(len(head))...)
	for _, bytes := range []int{8, 128} {
		for _, capacity := range []int{64, 1024, 65536} {
			cells := []string{fmt.Sprint(bytes), fmt.Sprint(capacity)}
			for _, batch := range []int{1, 64} {
				for _, cast := range bench.Casts {
					c := bench.Throughput(cast, capacity, bytes, batch)
					ours := ratio(found, c, 0, bench.Subject).Median
					text := fmt.Sprintf("%.2f", ours)
					if ours > target(c, 0) {
						text = "**" + text + ", missed**"
					}
					cells = append(cells, text)
				}
			}
			writeRow(w, cells...)
		}
	}
	fmt.Fprintln(w)
}

func writeRow(w io.Writer, cells ...string) { fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")) }

func rules(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = "---"
	}
	return all
}
