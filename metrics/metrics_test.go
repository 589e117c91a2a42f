package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/metrics"
	"github.com/steadgo/stead/periodic"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newQueue(name string, capacity int, mode channelq.FullMode) *channelq.Queue[int] {
	return must(channelq.New(channelq.Config[int]{Name: name, Capacity: capacity, OnFull: mode}))
}

func started(t *testing.T, host *hosted.Host) {
	t.Helper()
	if err := host.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func stopped(t *testing.T, host *hosted.Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	_ = host.Stop(ctx)
}

var errWork = errors.New("does not work")

// checkSum is the identity that the books promise, on the page.
func checkSum(t *testing.T, p page, queue string) {
	t.Helper()
	label := fmt.Sprintf("queue=%q", queue)
	accepted := p.sum("stead_queue_accepted_total", label)
	ended := p.sum("stead_queue_handled_total", label) + p.sum("stead_queue_dropped_total", label)
	inside := p.sum("stead_queue_depth", label) + p.sum("stead_queue_in_progress", label) + p.sum("stead_queue_parked", label)
	if accepted != ended+inside || accepted == 0 {
		t.Errorf("queue %s: accepted %v, ended %v, inside %v", queue, accepted, ended, inside)
	}
}

func TestTheAccountingOfAQueueAddsUpOnThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue("mail", 8, channelq.DropOldest)
		handle := func(_ context.Context, n int) error {
			switch {
			case n%7 == 0:
				panic("seven")
			case n%3 == 0:
				return errWork
			}
			return nil
		}
		w := must(channelq.NewWorkers(q, handle, channelq.WorkerConfig[int]{
			Concurrency: 2, Retry: channelq.Retry{Attempts: 2, Initial: time.Minute},
		}))
		host := hosted.New(hosted.Config{})
		host.Add("mail", w)
		started(t, host)
		w.Pause()
		synctest.Wait() // until no worker waits for an item any more
		for n := range 20 {
			_ = q.Enqueue(t.Context(), n)
		}
		if _, err := q.TryDequeue(); err != nil {
			t.Fatal(err)
		}
		p := scrape(t, host)
		checkSum(t, p, "mail")
		p.want(t, map[string]float64{
			`stead_queue_depth{queue="mail"}`:                                 7,
			`stead_queue_capacity{queue="mail"}`:                              8,
			`stead_queue_high_water{queue="mail"}`:                            8,
			`stead_queue_workers{queue="mail"}`:                               2,
			`stead_queue_accepted_total{queue="mail"}`:                        20,
			`stead_queue_dropped_total{queue="mail",reason="oldest"}`:         12,
			`stead_queue_handled_total{outcome="taken_by_hand",queue="mail"}`: 1,
		})
		if oldest := p[`stead_queue_oldest_due_timestamp_seconds{queue="mail"}`]; oldest != float64(time.Now().Unix()) {
			t.Errorf("oldest due at %v", oldest)
		}

		w.Resume()
		synctest.Wait()
		p = scrape(t, host)
		checkSum(t, p, "mail")
		// Of 13 to 19, two are divisible by three (15, 18) and one by seven (14).
		p.want(t, map[string]float64{
			`stead_queue_parked{queue="mail"}`:                            3,
			`stead_queue_handled_total{outcome="succeeded",queue="mail"}`: 4,
			`stead_queue_panics_total{queue="mail"}`:                      1,
		})

		time.Sleep(time.Hour)
		p = scrape(t, host)
		checkSum(t, p, "mail")
		p.want(t, map[string]float64{
			`stead_queue_retries_total{queue="mail"}`:                   3,
			`stead_queue_handled_total{outcome="gave_up",queue="mail"}`: 3,
			`stead_queue_panics_total{queue="mail"}`:                    2,
		})
		p.wantAbsent(t, "stead_queue_oldest_due")

		w.Pause()
		_ = q.Enqueue(t.Context(), 1)
		stopped(t, host)
		_ = q.TryEnqueue(1)
		p = scrape(t, host)
		checkSum(t, p, "mail")
		p.want(t, map[string]float64{
			`stead_queue_handled_total{outcome="leftover",queue="mail"}`: 1,
			`stead_queue_refused_total{queue="mail",reason="closed"}`:    1,
			`stead_queue_workers{queue="mail"}`:                          0,
		})
	})
}

func TestEveryLabelValueIsThereFromTheStart(t *testing.T) {
	host := hosted.New(hosted.Config{})
	host.Add("mail", must(channelq.NewWorkers(newQueue("mail", 1, channelq.Wait), func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{})))
	host.Add("tidy", must(periodic.New(periodic.Config{Name: "tidy", Schedule: periodic.Every(time.Hour)}, func(context.Context) error { return nil })))
	p := scrape(t, host) // never started
	for metric, values := range map[string]string{
		`stead_queue_handled_total{outcome="%s",queue="mail"}`: "succeeded gave_up skipped coalesced taken_by_hand leftover",
		`stead_queue_dropped_total{queue="mail",reason="%s"}`:  "oldest newest",
		`stead_queue_refused_total{queue="mail",reason="%s"}`:  "full write closed cancelled",
		`stead_job_runs_total{job="tidy",outcome="%s"}`:        "succeeded failed panicked timed_out canceled",
		`stead_job_skipped_total{job="tidy",reason="%s"}`:      "overlap missed paused stopped",
		`stead_service_state{service="tidy",state="%s"}`:       "starting running restarting stopping stopped completed failed",
		`stead_service_%s{service="mail"}`:                     "restarts_total panics_total start_duration_seconds stop_duration_seconds",
		`stead_queue_%s{queue="mail"}`:                         "depth high_water in_progress parked workers accepted_total retries_total panics_total wait_seconds_count handle_duration_seconds_count",
		`stead_job_%s{job="tidy"}`:                             "run_duration_seconds_count lateness_seconds_count",
	} {
		for _, v := range strings.Fields(values) {
			p.want(t, map[string]float64{fmt.Sprintf(metric, v): 0})
		}
	}
	p.want(t, map[string]float64{`stead_service_state{service="tidy",state="new"}`: 1})
	p.wantAbsent(t, "stead_queue_oldest_due")
	p.wantAbsent(t, "stead_job_last")
	if p.sum("stead_build_info", "goversion=\"go1") != 1 {
		t.Error("no build info")
	}
}

func TestAServiceIsInExactlyOneState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := hosted.New(hosted.Config{})
		host.Go("flaky", func(context.Context) error { time.Sleep(time.Second); panic("flaky") },
			hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Limit: -1, Initial: time.Minute})))
		host.Task("slow", func(context.Context) error { time.Sleep(2 * time.Second); return nil })
		begun := make(chan struct{})
		go func() { defer close(begun); _ = host.Start(t.Context()) }()
		check := func(want map[string]string) {
			t.Helper()
			synctest.Wait()
			p := scrape(t, host)
			for service, state := range want {
				p.want(t, map[string]float64{fmt.Sprintf(`stead_service_state{service=%q,state=%q}`, service, state): 1})
				if sum := p.sum("stead_service_state", fmt.Sprintf("service=%q", service)); sum != 1 {
					t.Errorf("%s is in %v states", service, sum)
				}
			}
		}
		check(map[string]string{"flaky": "running", "slow": "starting"})
		time.Sleep(1500 * time.Millisecond)
		check(map[string]string{"flaky": "restarting", "slow": "starting"})
		<-begun
		check(map[string]string{"flaky": "restarting", "slow": "completed"})
		time.Sleep(90 * time.Second)
		synctest.Wait()
		p := scrape(t, host)
		if p[`stead_service_restarts_total{service="flaky"}`] == 0 || p[`stead_service_panics_total{service="flaky"}`] == 0 {
			t.Error("restarts or panics are not counted")
		}
		p.want(t, map[string]float64{`stead_service_start_duration_seconds{service="slow"}`: 2})
		stopped(t, host)
		check(map[string]string{"slow": "completed"})
	})
}

func TestAQueueWithSeveralConsumersIsOneQueue(t *testing.T) {
	q := newQueue("shared", 4, channelq.Wait)
	work := func(context.Context, int) error { return nil }
	host := hosted.New(hosted.Config{})
	for i := range 3 {
		host.Add(fmt.Sprint("workers-", i), must(channelq.NewWorkers(q, work, channelq.WorkerConfig[int]{Detach: true})))
	}
	host.Go("by-hand", func(ctx context.Context) error { <-ctx.Done(); return nil }, hosted.Watch(q))
	_ = q.TryEnqueue(1)
	p := scrape(t, host)
	p.want(t, map[string]float64{`stead_queue_accepted_total{queue="shared"}`: 1, `stead_queue_depth{queue="shared"}`: 1})
	if p[`stead_queue_oldest_due_timestamp_seconds{queue="shared"}`] == 0 {
		t.Error("no oldest item")
	}
}

func TestAWatchedQueueAndAWatchedJobAreFound(t *testing.T) {
	job := must(periodic.New(periodic.Config{Name: "tidy", Schedule: periodic.Every(time.Hour)}, func(context.Context) error { return nil }))
	host := hosted.New(hosted.Config{})
	host.Go("loop", func(context.Context) error { return nil }, hosted.Watch(newQueue("watched", 3, channelq.Wait)), hosted.Watch(job))
	scrape(t, host).want(t, map[string]float64{
		`stead_queue_capacity{queue="watched"}`:                3,
		`stead_job_runs_total{job="tidy",outcome="succeeded"}`: 0,
	})
}

func TestServicesOfANestedHostAreFound(t *testing.T) {
	inner := hosted.New(hosted.Config{Name: "inner"})
	inner.Go("loop", func(context.Context) error { return nil }, hosted.Watch(newQueue("deep", 3, channelq.Wait)))
	outer := hosted.New(hosted.Config{})
	outer.Add("plugins", inner)
	scrape(t, outer).want(t, map[string]float64{
		`stead_service_state{service="plugins",state="new"}`:      1,
		`stead_service_state{service="plugins/loop",state="new"}`: 1,
		`stead_queue_capacity{queue="plugins/deep"}`:              3,
	})
}

func TestRunsOfAJobAreCountedByOutcomeAndMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		run := func(context.Context) error {
			time.Sleep(2 * time.Second)
			if n++; n > 2 {
				return errWork
			}
			return nil
		}
		job := must(periodic.New(periodic.Config{Name: "tidy", Schedule: periodic.Every(time.Minute), RunAtStart: true}, run))
		host := hosted.New(hosted.Config{})
		host.Add("tidy", job)
		began := time.Now()
		started(t, host)
		time.Sleep(3*time.Minute + 30*time.Second)
		p := scrape(t, host)
		p.want(t, map[string]float64{
			`stead_job_runs_total{job="tidy",outcome="succeeded"}`:     2,
			`stead_job_runs_total{job="tidy",outcome="failed"}`:        2,
			`stead_job_run_duration_seconds_count{job="tidy"}`:         4,
			`stead_job_run_duration_seconds_sum{job="tidy"}`:           8,
			`stead_job_run_duration_seconds_bucket{job="tidy",le="1"}`: 0,
			`stead_job_run_duration_seconds_bucket{job="tidy",le="5"}`: 4,
			`stead_job_lateness_seconds_count{job="tidy"}`:             4,
			`stead_job_last_success_timestamp_seconds{job="tidy"}`:     float64(began.Add(62 * time.Second).Unix()),
			`stead_job_last_run_timestamp_seconds{job="tidy"}`:         float64(began.Add(3 * time.Minute).Unix()),
			`stead_job_next_run_timestamp_seconds{job="tidy"}`:         float64(began.Add(4 * time.Minute).Unix()),
		})
		job.Pause()
		synctest.Wait()
		scrape(t, host).wantAbsent(t, "stead_job_next_run")
		stopped(t, host)
	})
}

func TestEveryJobOfASchedulerIsFound(t *testing.T) {
	s := must(periodic.NewScheduler(periodic.SchedulerConfig{Name: "many"}))
	for _, name := range []string{"a", "b"} {
		if err := s.Add(must(periodic.New(periodic.Config{Name: name, Schedule: periodic.Every(time.Hour)}, func(context.Context) error { return nil }))); err != nil {
			t.Fatal(err)
		}
	}
	host := hosted.New(hosted.Config{})
	host.Add("many", s)
	scrape(t, host).want(t, map[string]float64{
		`stead_job_runs_total{job="a",outcome="succeeded"}`: 0,
		`stead_job_runs_total{job="b",outcome="succeeded"}`: 0,
	})
}

func TestBucketsOfAQueueAreCumulativeAndInSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue("slow", 1000, channelq.Wait)
		w := must(channelq.NewWorkers(q, func(context.Context, int) error { time.Sleep(20 * time.Millisecond); return nil },
			channelq.WorkerConfig[int]{Concurrency: 1}))
		host := hosted.New(hosted.Config{})
		host.Add("slow", w)
		started(t, host)
		for n := range 640 {
			_ = q.Enqueue(t.Context(), n)
		}
		time.Sleep(time.Minute)
		p := scrape(t, host)
		count := p[`stead_queue_handle_duration_seconds_count{queue="slow"}`]
		if count == 0 || count > 640 {
			t.Fatalf("%v samples", count)
		}
		p.want(t, map[string]float64{
			`stead_queue_handle_duration_seconds_bucket{queue="slow",le="0.01"}`:  0,
			`stead_queue_handle_duration_seconds_bucket{queue="slow",le="0.025"}`: count,
			`stead_queue_handle_duration_seconds_bucket{queue="slow",le="60"}`:    count,
			`stead_queue_handle_duration_seconds_bucket{queue="slow",le="+Inf"}`:  count,
		})
		stopped(t, host)
	})
}

func TestScrapesWhileEverythingMovesNeverSeeACounterFall(t *testing.T) {
	q := newQueue("busy", 64, channelq.DropOldest)
	w := must(channelq.NewWorkers(q, func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{Concurrency: 4}))
	host := hosted.New(hosted.Config{})
	host.Add("busy", w)
	started(t, host)
	var wg sync.WaitGroup
	over := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-over:
					return
				default:
					_ = q.TryEnqueue(n)
				}
			}
		})
	}
	before := page{}
	for range 50 {
		now := scrape(t, host)
		for series, value := range now {
			if strings.Contains(series, "_total{") && value < before[series] {
				t.Errorf("%s fell from %v to %v", series, before[series], value)
			}
			if value < 0 {
				t.Errorf("%s = %v", series, value)
			}
		}
		before = now
	}
	close(over)
	wg.Wait()
	stopped(t, host)
	checkSum(t, scrape(t, host), "busy")
}

// The page is written where the variable says, for promtool to judge; without it
// the test checks what promtool would say about names and help.
func TestThePageIsCleanForPromtool(t *testing.T) {
	host := hosted.New(hosted.Config{})
	host.Add("mail", must(channelq.NewWorkers(newQueue("mail", 1, channelq.Wait), func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{})))
	job := must(periodic.New(periodic.Config{Name: "tidy", Schedule: periodic.Every(time.Hour), RunAtStart: true}, func(context.Context) error { return nil }))
	host.Add("tidy", job)
	started(t, host)
	defer stopped(t, host)
	if file := os.Getenv("STEAD_METRICS_PAGE"); file != "" {
		writePage(t, host, file)
	}
	descs := make(chan *prometheus.Desc, 100)
	metrics.NewCollector(host).Describe(descs)
	close(descs)
	seen := map[string]bool{}
	for d := range descs {
		if seen[d.String()] {
			t.Errorf("described twice: %v", d)
		}
		seen[d.String()] = true
		if strings.Contains(d.String(), `help: ""`) {
			t.Errorf("no help: %v", d)
		}
	}
	if len(seen) < 25 {
		t.Errorf("only %d metrics are described", len(seen))
	}
}
