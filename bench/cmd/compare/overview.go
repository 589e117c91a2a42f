package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"text/template"

	"github.com/steadgo/stead/bench"
)

// panels are what the overview shows: a heading and what stands below it.
var panels = []panel{
	{"One item at a time, 8 bytes, capacity 1024", `^queue/\w+/1024/8B/batch1$`, []series{
		{bench.Rival, "channel, select with a context"}, {bench.Subject, "Stead"}, {"xsync", "xsync, no contexts, no Close"},
	}},
	{"Batches of 64; the channel one at a time", `^queue/\w+/1024/8B/batch64$`, []series{{bench.Subject, "Stead"}}},
	{"An empty task on four workers", `^tasks/\w+/noop$`, []series{
		{bench.Rival, "channel, select with a context"}, {bench.Subject, "Stead"}, {"pond", "pond, the best of the pools"},
	}},
	{"One item at a time, 128 bytes", "", nil},
	{"", `^queue/\w+/1024/128B/batch1$`, []series{{bench.Subject, "Stead, capacity 1024"}}},
	{"", `^queue/\w+/64/128B/batch1$`, []series{{bench.Subject, "Stead, capacity 64"}}},
}

type panel struct {
	heading string
	cases   string // an expression; each case that matches is a dot
	rows    []series
}

// series is a contender and what it is called.
type series struct{ contender, label string }

// dots are the ratios to the channel of one contender in some cases, each the
// median of its rounds.
type dots struct {
	Y       int
	Heading string
	Label   string
	Subject bool
	X       []float64 // the ratios on the paper
	Range   string
}

// overview draws what a reader of the README should see of one processor: a row for
// each contender in each question, a dot for each number of producers and consumers.
func overview(w io.Writer, dirs []string) error {
	if len(dirs) != 1 {
		return errors.New("-overview: give the directory with the results of a processor")
	}
	r, err := load(dirs[0])
	if err != nil {
		return err
	}
	found := map[string][]bench.Result{}
	for _, res := range r.Results {
		found[res.Case] = append(found[res.Case], res)
	}
	drawing := sheet{Record: r, Files: filepath.ToSlash(dirs[0])}
	if err := drawing.fill(found); err != nil {
		return err
	}
	return page.Execute(w, drawing)
}

// load returns all results of one processor as if they were one run's: each case
// has the rounds of all files in dir one after the other.
func load(dir string) (all record, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		return all, fmt.Errorf("no results in %s: %w", dir, cmp.Or(err, os.ErrNotExist))
	}
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // a file of the directory that the user named
		if err != nil {
			return all, err
		}
		var r record
		if err := json.Unmarshal(text, &r); err != nil {
			return all, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		all.add(r)
	}
	all.Processor = filepath.Base(dir)
	return all, nil
}

// add appends the results of another run.
func (r *record) add(other record) {
	if r.Results == nil {
		*r = other
		return
	}
	for _, res := range other.Results {
		i := slices.IndexFunc(r.Results, func(o bench.Result) bool {
			return o.Case == res.Case && o.Column == res.Column && o.Contender == res.Contender
		})
		if i < 0 {
			r.Results = append(r.Results, res)
			continue
		}
		r.Results[i].Rounds = append(r.Results[i].Rounds, res.Rounds...)
	}
}

// The measures of the paper in pixels, and the ratios it has room for. Nothing is
// cut off: what does not fit is an error.
const (
	paperLeft, paperUnit, paperMost = 218, 92, 5
	rowHeight, headingHeight        = 20, 25
	paperTop                        = 52
)

// sheet is what the template draws.
type sheet struct {
	Record record
	Files  string // the directory, as on the command line
	Rows   []dots
	Ticks  []tick
	Bottom int
}

type tick struct {
	X    int
	Text string
}

func (s *sheet) fill(found map[string][]bench.Result) error {
	y := paperTop
	for _, p := range panels {
		if p.heading != "" {
			y += headingHeight
			s.Rows = append(s.Rows, dots{Y: y, Heading: p.heading})
		}
		for _, r := range p.rows {
			y += rowHeight
			d, err := place(found, regexp.MustCompile(p.cases), r)
			if err != nil {
				return err
			}
			d.Y = y
			s.Rows = append(s.Rows, d)
		}
	}
	s.Bottom = y + rowHeight/2
	for ratio := range paperMost {
		s.Ticks = append(s.Ticks, tick{paperLeft + ratio*paperUnit, fmt.Sprint(ratio)})
	}
	return nil
}

// place finds the dots of a row. The first column of these cases is the time.
func place(found map[string][]bench.Result, cases *regexp.Regexp, r series) (dots, error) {
	d := dots{Label: r.label, Subject: r.contender == bench.Subject}
	low, high := math.Inf(1), 0.0
	for name, results := range found {
		if !cases.MatchString(name) {
			continue
		}
		for _, res := range results {
			if res.Contender != r.contender || res.Column != results[0].Column {
				continue
			}
			ratio := bench.Ratio(res, reference(results, res)).Median
			low, high = min(low, ratio), max(high, ratio)
			d.X = append(d.X, math.Round(10*(paperLeft+ratio*paperUnit))/10)
		}
	}
	if len(d.X) == 0 || high >= paperMost {
		return d, errors.New("no place on the paper for " + r.contender + " in " + cases.String())
	}
	slices.Sort(d.X)
	d.Range = fmt.Sprintf("%.2f to %.2f", low, high)
	return d, nil
}

// page has its own background in both modes: who shows it need not agree with the
// system about which one is on.
var page = template.Must(template.New("").Funcs(template.FuncMap{
	"plus": func(a, b int) int { return a + b },
}).Parse(`<svg xmlns="http://www.w3.org/2000/svg" width="750" height="{{plus .Bottom 44}}" viewBox="0 0 750 {{plus .Bottom 44}}" role="img" font-family="sans-serif" font-size="12">
<!-- go run ./bench/cmd/compare -overview {{.Files}} -->
<title>Time of an item or a task as a multiple of a buffered channel's</title>
<style>
.paper{fill:#fff;stroke:#d0d7de} text{fill:#1f2328} .faint{fill:#59636e} .grid{stroke:#d8dee4} .one{stroke:#59636e}
.dot{fill:#8c959f;fill-opacity:.75} .ours{fill:#0969da;fill-opacity:.8}
@media (prefers-color-scheme:dark){
.paper{fill:#0d1117;stroke:#3d444d} text{fill:#e6edf3} .faint{fill:#9198a1} .grid{stroke:#262c36} .one{stroke:#9198a1}
.dot{fill:#7d8590} .ours{fill:#58a6ff}}
</style>
<rect class="paper" x=".5" y=".5" width="749" height="{{plus .Bottom 43}}" rx="6"/>
<text x="16" y="26" font-size="15" font-weight="bold">Time as a multiple of a buffered channel's: less is better</text>
<text class="faint" x="16" y="45">Each dot is a number of producers and consumers, from 1 and 1 to 64 and 4; medians.</text>
{{- $bottom := .Bottom}}
{{- range .Ticks}}
<line class="{{if eq .Text "1"}}one{{else}}grid{{end}}" x1="{{.X}}" x2="{{.X}}" y1="58" y2="{{$bottom}}"/>
<text class="faint" x="{{.X}}" y="{{plus $bottom 15}}" text-anchor="middle">{{if eq .Text "1"}}1 = channel{{else}}{{.Text}}{{end}}</text>
{{- end}}
{{- range .Rows}}
{{- $y := .Y}}{{$subject := .Subject}}
{{- if .Heading}}
<text x="16" y="{{.Y}}" font-weight="bold">{{.Heading}}</text>
{{- else}}
<text x="208" y="{{.Y}}" text-anchor="end">{{.Label}}</text>
{{- range .X}}
<circle class="{{if $subject}}ours{{else}}dot{{end}}" cx="{{.}}" cy="{{plus $y -4}}" r="5"/>
{{- end}}
<text x="660" y="{{.Y}}">{{.Range}}</text>
{{- end}}
{{- end}}
<text class="faint" x="16" y="{{plus .Bottom 35}}" font-size="11">commit {{.Record.Commit}}, {{.Record.Go}}, {{.Record.CPUs}} x {{.Record.Processor}}; method and all figures: docs/performance.md</text>
</svg>
`))
