package dashboard

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// chart is a small picture of the recent past, drawn here so that it is there
// without a script. It is stretched to the width there is; texts stand beside it
// in HTML.
type chart struct {
	Label string // for screen readers
	Now   string
	Top   string // what the upper edge stands for
	From  string // what the left edge stands for
	Lines []line
	Empty bool
}

// line is one curve of a chart.
type line struct {
	Class string // sets the color
	Name  string // in the legend; "": it needs none
	Path  string // of the curve
	Area  string // below it; "": none
}

const (
	chartWidth  = 300.0
	chartHeight = 60.0
	chartTop    = 4.0 // kept free, so that a line at the top is not cut
	minWidth    = 30 * time.Second
)

// Depth returns the chart of the number of items in a queue.
func (v *view) Depth(q Queue) chart {
	c := v.chart(q.Name, "Items in the queue", func(n float64) string { return grouped(uint64(n)) },
		curve{class: "depth", area: true, value: func(p Point) (float64, bool) { return float64(p.Depth), true }})
	c.Now = grouped(uint64(max(q.Depth, 0)))
	return c
}

// In returns the chart of the items that go in. It has a scale of its own, or a burst of
// producers would press the items that go out into a line at the bottom.
func (v *view) In(q Queue) chart {
	c := v.chart(q.Name, "Items in per second", number,
		curve{class: "in", value: func(p Point) (float64, bool) { return rateOf(p, func(r *Rates) float64 { return r.In }) }})
	c.Now = "–"
	if q.Rates != nil {
		c.Now = number(q.Rates.In)
	}
	return c
}

// Out returns the chart of the items that go out, well or not.
func (v *view) Out(q Queue) chart {
	c := v.chart(q.Name, "Items out per second", number,
		curve{class: "out", name: "out", value: func(p Point) (float64, bool) { return rateOf(p, func(r *Rates) float64 { return r.Out }) }},
		curve{class: "failed", name: "failed or lost", optional: true, value: func(p Point) (float64, bool) {
			return rateOf(p, func(r *Rates) float64 { return r.Failed + r.Lost })
		}})
	c.Now = "–"
	if q.Rates != nil {
		c.Now = number(q.Rates.Out)
	}
	return c
}

// Oldest returns the chart of the age of the oldest item.
func (v *view) Oldest(q Queue) chart {
	c := v.chart(q.Name, "Age of the oldest item", span,
		curve{class: "oldest", area: true, value: func(p Point) (float64, bool) { return p.OldestSeconds, true }})
	c.Now = "none waits"
	if !q.OldestDue.IsZero() {
		c.Now = v.Age(q.OldestDue)
	}
	return c
}

func rateOf(p Point, of func(*Rates) float64) (float64, bool) {
	if p.Rates == nil {
		return 0, false
	}
	return of(p.Rates), true
}

// curve is one value of every point, and how it is drawn.
type curve struct {
	class, name string
	area        bool
	optional    bool // left out while it is 0 everywhere
	value       func(Point) (float64, bool)
}

func (v *view) chart(queue, label string, format func(float64) string, curves ...curve) chart {
	if v.past.queue != queue || v.past.points == nil { // a queue has its charts in a row
		v.past.queue, v.past.points = queue, v.history.points(queue, v.State.Time)
	}
	points := v.past.points
	if len(points) < 2 {
		return chart{Empty: true}
	}
	// A young history fills the picture too.
	width := max(v.State.Time.Sub(points[0].Time), minWidth)
	step := v.history.step()
	points, gap := thinned(points, step, width, v.pointsOfChart())
	return draw(points, v.State.Time, width, gap, label, format, curves...)
}

// pointsOfChart is how many a chart may have, so that neither a long history nor many
// charts make a page that takes a browser seconds, and that is sent each second.
func (v *view) pointsOfChart() int {
	const most, ofAll = 300, 1500
	rows := 1
	switch v.Page {
	case "":
		rows = min(len(v.State.Queues), topSize)
	case "queues":
		rows = min(len(v.State.Queues), cardsSize)
	}
	return min(most, ofAll/max(rows, 1))
}

// thinned leaves about n points of a history that is width long, and returns how far
// apart two of them are if nothing is known between. Each has the largest values of its
// time, so that no peak is lost. The times are absolute and double, so that a picture
// stays as it is until the next point.
func thinned(points []Point, step, width time.Duration, n int) (few []Point, gap time.Duration) {
	size := step
	for width > size*time.Duration(n) {
		size *= 2
	}
	if size == step {
		return points, 3 * step
	}
	for _, p := range points {
		last := len(few) - 1
		if last < 0 || !few[last].Time.Truncate(size).Equal(p.Time.Truncate(size)) {
			few = append(few, p)
			continue
		}
		few[last].Time, few[last].Depth = p.Time, max(few[last].Depth, p.Depth)
		few[last].OldestSeconds = max(few[last].OldestSeconds, p.OldestSeconds)
		few[last].Rates = larger(few[last].Rates, p.Rates)
	}
	return few, size + 3*step
}

// larger has the largest of two. What failed or was lost is one curve, so of these it has
// those of one of the two.
func larger(a, b *Rates) *Rates {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	r := Rates{In: max(a.In, b.In), Out: max(a.Out, b.Out), Failed: a.Failed, Lost: a.Lost}
	if b.Failed+b.Lost > a.Failed+a.Lost {
		r.Failed, r.Lost = b.Failed, b.Lost
	}
	return &r
}

// draw draws points as far back as width. Where two are further apart than gap nothing is known.
func draw(points []Point, now time.Time, width, gap time.Duration, label string, format func(float64) string, curves ...curve) chart {
	c := chart{From: coarse(width) + " ago"}
	top := 0.0
	for _, cv := range curves {
		for _, p := range points {
			if y, ok := cv.value(p); ok {
				top = max(top, y)
			}
		}
	}
	high := top
	top = niceTop(top)
	c.Top = format(top)
	for _, cv := range curves {
		if cv.optional && !slices.ContainsFunc(points, func(p Point) bool { y, ok := cv.value(p); return ok && y > 0 }) {
			continue
		}
		path, area := trace(points, now, width, gap, top, cv)
		c.Lines = append(c.Lines, line{"line-" + cv.class, cv.name, path, area})
	}
	c.Label = fmt.Sprintf("%s over the last %s: at most %s", label, coarse(width), format(high))
	return c
}

// niceTop is the next of 1, 2, 5, 10, ... so that the scale does not move with
// every sample.
func niceTop(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if v <= m*unit {
			return m * unit
		}
	}
	return 10 * unit
}

// trace draws one curve. A time without samples is a gap, not a straight line
// that claims to know.
func trace(points []Point, now time.Time, width, gap time.Duration, top float64, cv curve) (path, area string) {
	var line, fill strings.Builder
	var last Point
	open := false
	startX, lastX := 0.0, 0.0
	finish := func() {
		if open && cv.area {
			fmt.Fprintf(&fill, "L%.1f %.1fL%.1f %.1fZ", lastX, chartHeight, startX, chartHeight)
		}
		open = false
	}
	for _, p := range points {
		y, ok := cv.value(p)
		if !ok || open && p.Time.Sub(last.Time) > gap {
			finish()
		}
		if !ok {
			continue
		}
		x := chartWidth * (1 - float64(now.Sub(p.Time))/float64(width))
		at := chartHeight - (chartHeight-chartTop)*y/top
		verb := 'L'
		if !open {
			verb, startX, open = 'M', x, true
		}
		fmt.Fprintf(&line, "%c%.1f %.1f", verb, x, at)
		if cv.area {
			fmt.Fprintf(&fill, "%c%.1f %.1f", verb, x, at)
		}
		last, lastX = p, x
	}
	finish()
	return line.String(), fill.String()
}
