package dashboard

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// graph is the services as boxes. A service that comes after another stands to the
// right of it. The table beside the graph has the same in words.
type graph struct {
	Width, Height int
	Boxes         []box
	Arrows        []string
	Label         string
}

type box struct {
	X, Y, W, H  int
	Name, Short string
	State       badge
}

const (
	boxHeight = 44
	gapX      = 44
	gapY      = 14
	charWidth = 8
	maxName   = 22
)

// Graph returns nil if no service comes after another. Services without such a link
// are only in the table. So are links that others imply: their arrows would only run
// across boxes.
func (v *view) Graph() *graph {
	if len(v.State.Services) > graphSize {
		return nil
	}
	var services []Service
	linked := map[string]bool{}
	for _, s := range v.State.Services {
		for _, name := range s.After {
			linked[s.Name], linked[name] = true, true
		}
	}
	index := map[string]int{}
	for _, s := range v.State.Services {
		if linked[s.Name] {
			index[s.Name] = len(services)
			services = append(services, s)
		}
	}
	needs := make([][]int, len(services))
	edges := 0
	for i, s := range services {
		for _, name := range s.After {
			if j, ok := index[name]; ok && j != i && !slices.Contains(needs[i], j) {
				needs[i] = append(needs[i], j)
				edges++
			}
		}
	}
	if edges == 0 {
		return nil
	}
	g := &graph{Label: fmt.Sprintf("%s, %s between them", count(len(services), "service"), count(edges, "link"))}
	g.place(v, services, columns(needs))
	for i, from := range needs {
		for _, j := range from {
			if !implied(needs, i, j) {
				g.Arrows = append(g.Arrows, arrow(g.Boxes[j], g.Boxes[i]))
			}
		}
	}
	return g
}

// implied reports whether i comes after j by way of another that i needs.
func implied(needs [][]int, i, j int) bool {
	seen := make([]bool, len(needs))
	var reaches func(from int) bool
	reaches = func(from int) bool {
		if seen[from] {
			return false
		}
		seen[from] = true
		return slices.ContainsFunc(needs[from], func(k int) bool { return k == j || reaches(k) })
	}
	return slices.ContainsFunc(needs[i], func(k int) bool { return k != j && reaches(k) })
}

// columns is the longest way to each node. A circle, which a host refuses but a
// page may meet before the start, ends at as many steps as there are nodes.
func columns(needs [][]int) []int {
	column := make([]int, len(needs))
	for range needs {
		moved := false
		for i, from := range needs {
			for _, j := range from {
				if column[i] <= column[j] && column[j]+1 < len(needs) {
					column[i], moved = column[j]+1, true
				}
			}
		}
		if !moved {
			break
		}
	}
	return column
}

func (g *graph) place(v *view, services []Service, column []int) {
	widths := make([]int, slices.Max(column)+1)
	filled := make([]int, len(widths))
	g.Boxes = make([]box, len(services))
	for i, s := range services {
		b := &g.Boxes[i]
		b.Name, b.Short, b.State = s.Name, shorten(s.Name, maxName), v.ServiceState(s.State.String())
		b.W, b.H = max(96, 30+charWidth*max(utf8.RuneCountInString(b.Short), len(b.State.Word)+2)), boxHeight
		b.Y = filled[column[i]] * (boxHeight + gapY)
		filled[column[i]]++
		widths[column[i]] = max(widths[column[i]], b.W)
	}
	rows := slices.Max(filled)
	g.Height = rows*(boxHeight+gapY) - gapY + 2
	for i := range g.Boxes {
		b := &g.Boxes[i]
		c := column[i]
		b.X = 1
		for _, w := range widths[:c] {
			b.X += w + gapX
		}
		b.W = widths[c]
		// Columns are centred against the tallest one.
		b.Y += 1 + (rows-filled[c])*(boxHeight+gapY)/2
		g.Width = max(g.Width, b.X+b.W+1)
	}
}

func shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// arrow is a path from the right edge of one box to the left edge of another.
func arrow(from, to box) string {
	x1, y1 := from.X+from.W, from.Y+from.H/2
	x2, y2 := to.X-6, to.Y+to.H/2
	bend := max(18, (x2-x1)/2)
	return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, x1+bend, y1, x2-bend, y2, x2, y2)
}

// icon is the class of the shape that goes with a severity.
func icon(s Severity) string {
	if s == "" {
		return "idle"
	}
	return string(s)
}
