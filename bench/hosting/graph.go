package hosting

import (
	"context"
	"fmt"
	"time"

	"github.com/steadgo/stead/bench/internal/lab"
	"github.com/steadgo/stead/hosted"
)

// graphLimitMS is how long the start of any of the graphs may take, in
// milliseconds.
const graphLimitMS = 10

// Graph is services that come after others.
type Graph struct {
	Name        string
	After       [][]int // of each service, those it comes after
	Concurrency int     // see hosted.Config.StartConcurrency
}

// GraphResult is how long starting a graph took.
type GraphResult struct {
	Name   string     `json:"name"`
	MS     lab.Spread `json:"ms"`
	Rounds []float64  `json:"rounds_ms"`
}

// Graphs are the graphs that a naive resolver does not survive: a
// long chain, registered the wrong way round, and layers each of which needs all
// of the one below, so that the number of paths is exponential.
func Graphs() []Graph {
	chain, layers := chain(1000), layered(12, 3)
	return []Graph{
		{"chain of 1000", chain, 1},
		{"chain of 1000, side by side", chain, 8},
		{"12 layers of 3", layers, 1},
		{"12 layers of 3, side by side", layers, 8},
	}
}

func chain(n int) [][]int {
	after := make([][]int, n)
	for i := range n - 1 {
		after[i] = []int{i + 1}
	}
	return after
}

func layered(layers, wide int) [][]int {
	after := make([][]int, layers*wide)
	for i := wide; i < len(after); i++ {
		below := i/wide*wide - wide
		for j := range wide {
			after[i] = append(after[i], below+j)
		}
	}
	return after
}

// Start makes a host of the graph, starts it and returns how long the Start
// took: to resolve the order and to start every service in it.
func (g Graph) Start() (took time.Duration, err error) {
	names := Names(len(g.After))
	all := newCrowd(len(names))
	h := hosted.New(hosted.Config{StartConcurrency: g.Concurrency})
	for i, after := range g.After {
		needs := make([]string, len(after))
		for j, before := range after {
			needs[j] = names[before]
		}
		h.Go(names[i], all.service, hosted.After(needs...))
	}
	began := time.Now()
	err = h.Start(context.Background())
	took = time.Since(began)
	if err != nil {
		return 0, err
	}
	all.up.Wait()
	return took, h.Stop(context.Background())
}

// MeasureGraphs starts every graph once a round, after one round to warm up.
func MeasureGraphs(graphs []Graph, rounds int) ([]GraphResult, error) {
	results := make([]GraphResult, len(graphs))
	for r := range rounds + 1 {
		for i, g := range graphs {
			took, err := g.Start()
			if err != nil {
				return nil, fmt.Errorf("hosting: %s: %w", g.Name, err)
			}
			if r > 0 {
				results[i].Rounds = append(results[i].Rounds, took.Seconds()*1000)
			}
		}
	}
	for i := range results {
		results[i].Name = graphs[i].Name
		results[i].MS = lab.SpreadOf(results[i].Rounds)
	}
	return results, nil
}
