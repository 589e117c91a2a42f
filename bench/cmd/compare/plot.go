package main

import (
	"bytes"
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/steadgo/stead/bench"
)

// group is a part of a plot: one column of one case.
type group struct {
	title string
	bars  []bar
}

// bar is a contender: the ratio to the reference and the number behind it.
type bar struct {
	contender string
	ratio     bench.Summary
	median    float64
}

// plots draws an SVG for each kind of case, the word before the first slash of
// its name. A bar is the ratio to the channel, its whisker the quartiles.
func plots(r *record) map[string][]byte {
	kinds := map[string][]group{}
	for _, res := range r.Results {
		kind, _, _ := strings.Cut(res.Case, "/")
		title := res.Case + ", " + res.Column
		groups := kinds[kind]
		i := slices.IndexFunc(groups, func(g group) bool { return g.title == title })
		if i < 0 {
			i = len(groups)
			groups = append(groups, group{title: title})
		}
		groups[i].bars = append(groups[i].bars, bar{
			contender: res.Contender,
			ratio:     bench.Ratio(res, reference(r.Results, res)),
			median:    bench.Summarize(res.Rounds).Median,
		})
		kinds[kind] = groups
	}
	svgs := map[string][]byte{}
	for kind, groups := range kinds {
		svgs[kind] = draw(kind, groups, r)
	}
	return svgs
}

// reference is the channel's result for the case and column of res.
func reference(results []bench.Result, res bench.Result) bench.Result {
	i := slices.IndexFunc(results, func(o bench.Result) bool {
		return o.Case == res.Case && o.Column == res.Column && o.Contender == bench.Reference
	})
	if i < 0 {
		return bench.Result{}
	}
	return results[i]
}

// The plot's measures in pixels. A ratio above most is cut off and written out.
const (
	left, scale, most = 120, 160, 3
	line, gap         = 16, 14
	width             = left + scale*most + 150
)

func draw(kind string, groups []group, r *record) []byte {
	var body bytes.Buffer
	y := 56
	for _, g := range groups {
		fmt.Fprintf(&body, `<text x="8" y="%d" font-weight="bold">%s</text>`+"\n", y, html.EscapeString(g.title))
		y += 6
		for _, b := range g.bars {
			drawBar(&body, b, y)
			y += line
		}
		y += gap + line
	}
	var svg bytes.Buffer
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">
<rect width="100%%" height="100%%" fill="#ffffff"/>
<text x="8" y="18" font-size="14">%s: ratio to a buffered channel, less is better</text>
<text x="8" y="34" fill="#666666">%s, %s, %d x %s, %d rounds of %s</text>
`, width, y, kind, r.Commit, r.Go, r.CPUs, html.EscapeString(r.CPU), r.Rounds, r.Round)
	svg.Write(body.Bytes())
	fmt.Fprintf(&svg, `<line x1="%[1]d" x2="%[1]d" y1="42" y2="%[2]d" stroke="#999999" stroke-dasharray="3 3"/>
</svg>
`, left+scale, y-gap)
	return svg.Bytes()
}

func drawBar(w *bytes.Buffer, b bar, y int) {
	color := "#9aa5b1"
	if b.contender == bench.Subject {
		color = "#1f6feb"
	}
	at := func(ratio float64) float64 { return left + scale*min(ratio, most) }
	middle := y + line/2
	fmt.Fprintf(w, `<text x="%d" y="%d" text-anchor="end">%s</text>
<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>
<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#222222"/>
<text x="%.1f" y="%d">%.2f (%.4g)</text>
`,
		left-6, middle+4, html.EscapeString(b.contender),
		left, y+2, at(b.ratio.Median)-left, line-4, color,
		at(b.ratio.Low), at(b.ratio.High), middle, middle,
		max(at(b.ratio.Median), at(b.ratio.High))+5, middle+4, b.ratio.Median, b.median)
}
