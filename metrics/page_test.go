package metrics_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/steadgo/stead/metrics"
)

// page is what a scrape returns, by series: name{label="value",...}.
type page map[string]float64

func scrape(tb testing.TB, host metrics.Host) page {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "page")
	writePage(tb, host, file)
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	p := page{}
	for lines := bufio.NewScanner(strings.NewReader(string(text))); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			tb.Fatal(err)
		}
		p[line[:at]] = value
	}
	return p
}

func writePage(tb testing.TB, host metrics.Host, file string) {
	tb.Helper()
	registry := prometheus.NewPedanticRegistry() // checks Describe against Collect
	registry.MustRegister(metrics.NewCollector(host))
	if err := prometheus.WriteToTextfile(file, registry); err != nil {
		tb.Fatal(err)
	}
}

// want checks series that must be there.
func (p page) want(tb testing.TB, values map[string]float64) {
	tb.Helper()
	for series, want := range values {
		if got, ok := p[series]; !ok || got != want {
			tb.Errorf("%s = %v (there: %v), want %v", series, got, ok, want)
		}
	}
}

// wantAbsent checks that no series begins like this.
func (p page) wantAbsent(tb testing.TB, prefix string) {
	tb.Helper()
	for series, value := range p {
		if strings.HasPrefix(series, prefix) {
			tb.Errorf("%s = %v, want it absent", series, value)
		}
	}
}

// sum adds all series of one metric that have this label.
func (p page) sum(metric, label string) (total float64) {
	for series, value := range p {
		if strings.HasPrefix(series, metric+"{") && strings.Contains(series, label) {
			total += value
		}
	}
	return total
}
