package bench

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/steadgo/stead/bench/internal/lab"
)

// Case is one question: how do these contenders do at this?
type Case struct {
	Name    string // such as "queue/4P4C/1024/8B/single"
	Columns []string
	Entries []Entry
	Targets []Target
}

// Entry is one contender in a case. Run takes about as long as it is told to and
// returns a number for each column; less is better in all of them.
type Entry struct {
	Contender string
	Run       func(round time.Duration) []float64
}

// Reference is the contender that ratios refer to, Rival what programs write today,
// and Subject the one that targets are about.
const (
	Reference = "channel"
	Rival     = "channel+ctx"
	Subject   = "stead"
)

// The most that the subject may take in any cell, on any processor: of what a rival
// takes for single items, of what a channel takes for them and, in batches, of that
// again; and of the channel's latency on an idle queue.
const (
	MostOfRival   = 0.6
	MostOfChannel = 1.5
	MostOfBatches = 0.15
	MostOfLatency = 1.15
)

// Target says that in a column the subject takes at most Max times what another
// contender takes, in the median of neighboring rounds. Against nobody, Max is
// the number itself.
type Target struct {
	Column  int
	Against string
	Max     float64
}

// Result is what one contender did in one column: a number a round, in the order
// of the rounds, so that the same round of two contenders were neighbors.
type Result struct {
	Case      string    `json:"case"`
	Column    string    `json:"column"`
	Contender string    `json:"contender"`
	Rounds    []float64 `json:"rounds"`
}

// Compare lets the contenders take turns, after one round to warm up that does
// not count. Step is called after each turn.
func (c Case) Compare(rounds int, round time.Duration, step func()) []Result {
	numbers := make([][][]float64, len(c.Entries)) // by entry, round, column
	for r := range rounds + 1 {
		for i := range c.Entries {
			// Each round begins with another one: what disturbs the machine at
			// regular times must not always hit the same contender.
			i = (i + r) % len(c.Entries)
			row := c.Entries[i].Run(round)
			if r > 0 {
				numbers[i] = append(numbers[i], row)
			}
			step()
		}
	}
	var results []Result
	for i, e := range c.Entries {
		for k, column := range c.Columns {
			res := Result{Case: c.Name, Column: column, Contender: e.Contender}
			for _, row := range numbers[i] {
				res.Rounds = append(res.Rounds, row[k])
			}
			results = append(results, res)
		}
	}
	return results
}

// Turns returns how often Compare will call step.
func (c Case) Turns(rounds int) int { return (rounds + 1) * len(c.Entries) }

// Find returns what a contender did in one of the case's columns, the zero Result if it
// is not among the results.
func (c Case) Find(results []Result, column int, contender string) Result {
	i := slices.IndexFunc(results, func(r Result) bool {
		return r.Case == c.Name && r.Contender == contender && r.Column == c.Columns[column]
	})
	if i < 0 {
		return Result{}
	}
	return results[i]
}

// Missed returns a sentence for each target that the results do not meet.
func (c Case) Missed(results []Result) []string {
	var missed []string
	for _, t := range c.Targets {
		subject := c.Find(results, t.Column, Subject)
		if t.Against == "" {
			if got := Summarize(subject.Rounds).Median; got > t.Max {
				missed = append(missed, fmt.Sprintf("%s: %s is %.3g, target %.3g", c.Name, c.Columns[t.Column], got, t.Max))
			}
			continue
		}
		if got := Ratio(subject, c.Find(results, t.Column, t.Against)).Median; got > t.Max {
			missed = append(missed, fmt.Sprintf("%s: %s is %.2f of %s, target %.2f",
				c.Name, c.Columns[t.Column], got, t.Against, t.Max))
		}
	}
	return missed
}

// Summary is the middle of some numbers and their quartiles.
type Summary struct{ Median, Low, High float64 }

// Summarize returns the zero Summary for no numbers.
func Summarize(numbers []float64) Summary {
	return Summary{Quantile(numbers, 0.5), Quantile(numbers, 0.25), Quantile(numbers, 0.75)}
}

// Ratio summarizes a's rounds divided by b's neighboring rounds.
func Ratio(a, b Result) Summary {
	var ratios []float64
	for i := range min(len(a.Rounds), len(b.Rounds)) {
		ratios = append(ratios, a.Rounds[i]/b.Rounds[i])
	}
	return Summarize(ratios)
}

// Quantile returns the number below which a share q of the numbers lies, 0 for none.
func Quantile(numbers []float64, q float64) float64 {
	if len(numbers) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(numbers))
	return sorted[int(math.Round(q*float64(len(sorted)-1)))]
}

// perOp makes a Run of a function that does a number of operations, with two
// columns: time and processor time an operation. The second says what it costs
// where the first depends on who else uses the machine. It goes by the speed of
// the round before to fill the time.
func perOp(do func(ops int) time.Duration) func(time.Duration) []float64 {
	ops := 5000
	return func(round time.Duration) []float64 {
		before := lab.CPUTime()
		took := do(ops)
		cpu := float64(lab.CPUTime()-before) / float64(ops)
		each := float64(took) / float64(ops)
		ops = min(max(int(float64(round)/max(each, 0.1)), 1000), 50_000_000)
		return []float64{each, cpu}
	}
}
