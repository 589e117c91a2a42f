package metrics_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/metrics"
)

// described are the names of all metrics, and the label names of each.
func described(t *testing.T) map[string]string {
	t.Helper()
	descs := make(chan *prometheus.Desc, 100)
	metrics.NewCollector(hosted.New(hosted.Config{})).Describe(descs)
	close(descs)
	name := regexp.MustCompile(`fqName: "([^"]+)".*variableLabels: (.*)}`)
	all := map[string]string{}
	for d := range descs {
		found := name.FindStringSubmatch(d.String())
		if found == nil {
			t.Fatalf("cannot read %v", d)
		}
		all[found[1]] = found[2]
	}
	return all
}

// checkNames finds names in a query that no collector exposes: a dashboard with
// a misspelt name shows an empty panel, and an alert never fires.
func checkNames(t *testing.T, where, query string, known map[string]string) {
	t.Helper()
	for _, name := range regexp.MustCompile(`stead_\w+`).FindAllString(query, -1) {
		name = strings.TrimSuffix(name, "_bucket")
		if _, ok := known[name]; !ok {
			t.Errorf("%s: there is no metric %s", where, name)
		}
	}
}

func TestTheDashboardAndTheAlertsAskForMetricsThatExist(t *testing.T) {
	known := described(t)
	rules, err := os.ReadFile("../deploy/prometheus/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	checkNames(t, "rules.yml", string(rules), known)

	text, err := os.ReadFile("../deploy/grafana/stead.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string `json:"title"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	var asRules strings.Builder
	asRules.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	queries := 0
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			queries++
			checkNames(t, p.Title, target.Expr, known)
			expr := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*").Replace(target.Expr)
			fmt.Fprintf(&asRules, "      - {record: 'panel_%d', expr: '%s'}\n", queries, expr)
		}
	}
	if queries < 15 {
		t.Errorf("only %d queries", queries)
	}
	// As rules, the queries can be parsed by promtool.
	if file := os.Getenv("STEAD_DASHBOARD_RULES"); file != "" {
		if err := os.WriteFile(file, []byte(asRules.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEveryMetricIsOnTheDashboardOrInAnAlert(t *testing.T) {
	var shown string
	for _, file := range []string{"../deploy/grafana/stead.json", "../deploy/prometheus/rules.yml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		shown += string(text)
	}
	extra := map[string]bool{ // of use when one looks for the reason
		"stead_service_start_duration_seconds": true, "stead_service_stop_duration_seconds": true,
		"stead_queue_high_water": true, "stead_queue_panics_total": true,
	}
	for name := range described(t) {
		if !extra[name] && !strings.Contains(shown, name) {
			t.Errorf("%s is shown nowhere", name)
		}
	}
}

// Each process tells the same of a store: three of them are not three times as much,
// and one that only enqueues must not be judged alone.
func TestWhatIsOfTheWholeStoreIsNeverAddedUp(t *testing.T) {
	of := regexp.MustCompile(`(\S+ by \([^)]*\)) \((?:max_over_time\(\()?stead_durable_(\w+)`)
	for file, least := range map[string]int{"../deploy/grafana/stead.json": 7, "../deploy/prometheus/rules.yml": 4} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := of.FindAllStringSubmatch(string(text), -1)
		for _, q := range found {
			if perProcess := q[2] == "store_up"; strings.Contains(q[1], "sum by") || strings.Contains(q[1], "instance") != perProcess {
				t.Errorf("%s: %s of stead_durable_%s", file, q[1], q[2])
			}
		}
		if len(found) < least {
			t.Errorf("%s: found only %d", file, len(found))
		}
	}
}
