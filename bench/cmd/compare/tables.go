package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/steadgo/stead/bench"
)

// tables prints the tables of docs/performance.md, in its order, with a column or a
// table for each processor: a directory of results.
func tables(w io.Writer, dirs []string) error {
	if len(dirs) == 0 {
		return errors.New("-tables: give the directories with the results of each processor")
	}
	var all []record
	for _, dir := range dirs {
		r, err := load(dir)
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	summary(w, all)
	for _, r := range all {
		everyCell(w, r)
	}
	columns(w, "fairness: capacity", all, fairness())
	columns(w, "latency", all, latency())
	columns(w, "tasks", all, tasks())
	return nil
}

// row is a line of a table with a column for each processor: the ratios of the
// subject to a rival in some cases, as their geometric mean or the greatest.
type row struct {
	label  string
	cases  []bench.Case
	column int
	rival  string
	worst  bool
	target float64 // 0 means none
}

func (r row) of(found []bench.Result) float64 {
	sum, worst := 0.0, 0.0
	for _, c := range r.cases {
		ratio := bench.Ratio(c.Find(found, r.column, bench.Subject), c.Find(found, r.column, r.rival)).Median
		sum += math.Log(ratio)
		worst = max(worst, ratio)
	}
	if r.worst {
		return worst
	}
	return math.Exp(sum / float64(len(r.cases)))
}

// columns prints rows. A figure above its target is bold.
func columns(w io.Writer, head string, all []record, rows []row) {
	cells := []string{head, "target"}
	for _, r := range all {
		cells = append(cells, r.Processor)
	}
	writeRow(w, cells...)
	writeRow(w, rules(len(cells))...)
	for _, row := range rows {
		cells := []string{row.label, "-"}
		if row.target > 0 {
			cells[1] = fmt.Sprintf("%.2f", row.target)
		}
		for _, r := range all {
			cells = append(cells, figure(row.of(r.Results), row.target))
		}
		writeRow(w, cells...)
	}
	fmt.Fprintln(w)
}

func figure(ratio, target float64) string {
	text := fmt.Sprintf("%.2f", ratio)
	if target > 0 && ratio > target {
		return "**" + text + "**"
	}
	return text
}

// cells are the cases of the queue with every capacity, size and cast.
func cells(batch int) (cases []bench.Case) {
	for _, bytes := range sizes {
		for _, capacity := range capacities {
			for _, cast := range bench.Casts {
				cases = append(cases, bench.Throughput(cast, capacity, bytes, batch))
			}
		}
	}
	return cases
}

var (
	sizes      = []int{8, 128}
	capacities = []int{64, 1024, 65536}
)

func summary(w io.Writer, all []record) {
	single, batches := cells(1), cells(64)
	idle := []bench.Case{bench.Latency(false)}
	columns(w, "Stead to", all, []row{
		{label: "a channel under `select` with a context, geometric mean", cases: single, rival: bench.Rival, target: 0.35},
		{label: "the same, worst cell", cases: single, rival: bench.Rival, worst: true, target: bench.MostOfRival},
		{label: "a channel without a context, geometric mean", cases: single, rival: bench.Reference, target: 0.80},
		{label: "the same, worst cell", cases: single, rival: bench.Reference, worst: true, target: bench.MostOfChannel},
		{label: "in batches of 64, to that channel's single items, geometric mean", cases: batches, rival: bench.Reference, target: bench.MostOfBatches},
		{label: "idle latency, p50, to a channel without a context", cases: idle, rival: bench.Reference, target: bench.MostOfLatency},
		{label: "the same, p99", cases: idle, column: 1, rival: bench.Reference, target: bench.MostOfLatency},
	})
}

// everyCell prints for each cell of one processor the ratio to the rival and to the
// reference.
func everyCell(w io.Writer, r record) {
	head := []string{r.Processor + ": bytes", "capacity"}
	for _, cast := range bench.Casts {
		head = append(head, cast.String())
	}
	writeRow(w, head...)
	writeRow(w, rules(len(head))...)
	for _, bytes := range sizes {
		for _, capacity := range capacities {
			line := []string{fmt.Sprint(bytes), fmt.Sprint(capacity)}
			for _, cast := range bench.Casts {
				c := []bench.Case{bench.Throughput(cast, capacity, bytes, 1)}
				line = append(line, figure(row{cases: c, rival: bench.Rival}.of(r.Results), bench.MostOfRival)+" / "+
					figure(row{cases: c, rival: bench.Reference}.of(r.Results), bench.MostOfChannel))
			}
			writeRow(w, line...)
		}
	}
	fmt.Fprintln(w)
}

func fairness() (rows []row) {
	for _, capacity := range []int{1, 64, 1024} {
		rows = append(rows, row{label: fmt.Sprint(capacity), cases: []bench.Case{bench.Fairness(capacity)}, rival: bench.Reference, target: 1.1})
	}
	return rows
}

func latency() (rows []row) {
	for _, c := range []bench.Case{bench.Latency(false), bench.Latency(true)} {
		for i, column := range c.Columns {
			r := row{label: strings.TrimPrefix(c.Name, "latency/") + " " + column, cases: []bench.Case{c}, column: i, rival: bench.Reference}
			if slices.ContainsFunc(c.Targets, func(t bench.Target) bool { return t.Column == i }) {
				r.target = bench.MostOfLatency
			}
			rows = append(rows, r)
		}
	}
	return rows
}

// tasks compares with what programs write, with workers on a bare channel and with
// the best of the pools.
func tasks() (rows []row) {
	rivals := []struct {
		contender, label string
		empty, busy      float64 // targets
	}{{bench.Rival, "workers on `select` with a context", 1, 1}, {bench.Reference, "workers on a bare channel", 1, 1.03}, {"pond", "pond, the best of the pools", 1, 1}}
	for _, busy := range []bool{false, true} {
		for _, rival := range rivals {
			r := row{label: "empty task, to " + rival.label, rival: rival.contender, target: rival.empty}
			if busy {
				r.label, r.target = "1 us of work, to "+rival.label, rival.busy
			}
			for _, producers := range []int{1, 4, 64} {
				r.cases = append(r.cases, bench.Tasks(producers, busy))
			}
			rows = append(rows, r)
		}
	}
	return rows
}

func writeRow(w io.Writer, cells ...string) { fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")) }

func rules(n int) []string { return slices.Repeat([]string{"---"}, n) }
