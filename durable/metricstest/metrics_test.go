package metricstest

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river/rivertype"
	"go.uber.org/goleak"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/sqlite"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/metrics"
	"github.com/steadgo/stead/periodic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// page is what a scrape gets. STEAD_METRICS_PAGE keeps it, for promtool.
func page(t *testing.T, host *hosted.Host) string {
	t.Helper()
	file := cmp.Or(os.Getenv("STEAD_METRICS_PAGE"), filepath.Join(t.TempDir(), "page"))
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(metrics.NewCollector(host))
	must(t, prometheus.WriteToTextfile(file, registry))
	text, err := os.ReadFile(file)
	must(t, err)
	return string(text)
}

// Each line is asked for until it is there: counts are up to a second old.
func TestAScrapeShowsJobsByStateAndSchedules(t *testing.T) {
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "jobs.db"))
	must(t, err)
	defer func() { must(t, store.Close()) }()
	must(t, durable.Migrate(t.Context(), store))
	jobs, err := durable.New(store, durable.Config{PollInterval: 20 * time.Millisecond})
	must(t, err)
	end := make(chan struct{}) // of the job that is running
	invoices, err := durable.NewQueue(jobs, "invoices", func(ctx context.Context, item string) error {
		switch item {
		case "discarded":
			return errors.New("no paper")
		case "retryable":
			return channelq.RetryAfter(errors.New("printer busy"), time.Hour)
		case "running":
			select {
			case <-ctx.Done():
			case <-end:
			}
			return context.Cause(ctx)
		}
		return nil
	}, durable.QueueConfig[string]{Concurrency: 2, Retry: channelq.Retry{Attempts: 2, Initial: time.Millisecond}})
	must(t, err)
	must(t, durable.Every(invoices, "monthly", periodic.Every(500*time.Millisecond), func() string { return "a month" }))
	host := hosted.New(hosted.Config{Name: "office"})
	host.Add("jobs", jobs, hosted.Health(jobs.CheckStore))
	must(t, host.Start(t.Context()))
	defer func() {
		close(end)
		must(t, host.Stop(context.Background()))
	}()
	_, err = invoices.EnqueueWith(t.Context(), "scheduled", durable.In(time.Hour))
	must(t, err)
	for _, state := range []rivertype.JobState{"discarded", "retryable", "running"} {
		must(t, invoices.Enqueue(t.Context(), string(state)))
	}
	want := []string{
		`stead_queue_handled_total{outcome="gave_up",queue="invoices"} 1`,
		`stead_queue_retries_total{queue="invoices"} 1`,
		`stead_queue_in_progress{queue="invoices"} 1`,
		`stead_queue_workers{queue="invoices"} 2`,
		`stead_durable_jobs{queue="invoices",state="discarded"} 1`,
		`stead_durable_jobs{queue="invoices",state="retryable"} 1`,
		`stead_durable_jobs{queue="invoices",state="scheduled"} 1`,
		`stead_durable_jobs{queue="invoices",state="running"} 1`,
		`stead_durable_jobs{queue="invoices",state="cancelled"} 0`,
		`stead_durable_store_up{service="jobs"} 1`,
		`stead_durable_schedule_next_run_timestamp_seconds{schedule="monthly"} `,
		`stead_durable_schedule_last_success_timestamp_seconds{schedule="monthly"} `,
	}
	var text, lacks string
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		text, lacks = page(t, host), ""
		for _, line := range want {
			if !strings.Contains(text, "\n"+line) {
				lacks = line
			}
		}
		if lacks == "" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the page lacks %s\n%s", lacks, text)
		}
	}
	for _, absent := range []string{"stead_queue_oldest_due", "stead_queue_depth", "stead_queue_parked", "queue_capacity", "high_water", "stead_job_"} {
		if strings.Contains(text, absent) {
			t.Errorf("the page has %s, which means nothing here", absent)
		}
	}
}
