package periodic_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/periodic"
)

// once starts a job, waits until its schedule has ended and returns it.
func once(cfg periodic.Config, run func(context.Context) error) *periodic.Job {
	cfg.Schedule, cfg.RunAtStart = periodic.At(), true
	job, err := periodic.New(cfg, run)
	if err != nil {
		panic(err)
	}
	if err := job.Start(context.Background()); err != nil {
		panic(err)
	}
	<-job.Done()
	_ = job.Stop(context.Background())
	return job
}

func ExampleJob() {
	warmed := make(chan struct{}, 1)
	warm := func(context.Context) error {
		warmed <- struct{}{}
		return nil
	}
	job, err := periodic.New(periodic.Config{
		Name:       "warm-cache",
		Schedule:   periodic.Every(5 * time.Minute),
		RunAtStart: true,
	}, warm)
	if err != nil {
		panic(err)
	}
	_ = job.Start(context.Background()) // host.Add("warm-cache", job) does this
	<-warmed
	fmt.Println(job.Stop(context.Background()), job.Stats().Runs[periodic.Succeeded])
	// Output: <nil> 1
}

func ExampleConfig() {
	nightly, err := periodic.DailyAt("02:30", time.UTC)
	if err != nil {
		panic(err)
	}
	_, err = periodic.New(periodic.Config{
		Name:        "clean-up",
		Schedule:    nightly,
		Missed:      periodic.Coalesce, // the machine slept at 02:30: run when it wakes,
		MissedGrace: 6 * time.Hour,     // but not in the middle of the day
		Timeout:     time.Hour,
		Jitter:      10 * time.Minute,
		Retry:       periodic.Retry{Attempts: 5, Initial: time.Minute}, // and then tomorrow
	}, func(context.Context) error { return nil })
	fmt.Println(err)
	_, err = periodic.New(periodic.Config{Name: "spin", Schedule: periodic.Every(0)}, func(context.Context) error { return nil })
	fmt.Println(err)
	// Output:
	// <nil>
	// stead/periodic: new "spin": Schedule: Every: period 0s is not between 1ms and 100 years
}

func ExampleJob_Trigger() {
	ran := make(chan struct{})
	job, err := periodic.New(periodic.Config{Name: "report", Schedule: periodic.Every(time.Hour)},
		func(context.Context) error { close(ran); return nil })
	if err != nil {
		panic(err)
	}
	fmt.Println(errors.Is(job.Trigger(), periodic.ErrNotRunning))
	_ = job.Start(context.Background())
	fmt.Println(job.Trigger())
	<-ran
	_ = job.Stop(context.Background())
	// Output:
	// true
	// <nil>
}

// A delay counts from the end of the run before, however long that took.
func ExampleAfter() {
	var ended time.Time
	runs, done := 0, make(chan struct{})
	job, err := periodic.New(periodic.Config{Name: "poll", Schedule: periodic.After(20 * time.Millisecond), RunAtStart: true},
		func(ctx context.Context) error {
			if runs++; runs == 2 {
				fmt.Println("rested:", periodic.Scheduled(ctx).Sub(ended) > 15*time.Millisecond)
				close(done)
			}
			ended = time.Now()
			return nil
		})
	if err != nil {
		panic(err)
	}
	_ = job.Start(context.Background())
	<-done
	_ = job.Stop(context.Background())
	// Output: rested: true
}

// What was done for a slot is found again under its time, however late the run
// began.
func ExampleScheduled() {
	reports := make(map[time.Time]string)
	job := once(periodic.Config{Name: "report"}, func(ctx context.Context) error {
		reports[periodic.Scheduled(ctx)] = "done"
		return nil
	})
	fmt.Println(reports[job.Stats().Last.Slot])
	fmt.Println(periodic.Scheduled(context.Background()).IsZero()) // not a run
	// Output:
	// done
	// true
}

// Poll a table in batches until it is empty.
func ExampleErrAgain() {
	rows := 250
	job := once(periodic.Config{Name: "poll"}, func(context.Context) error {
		batch := min(rows, 100)
		rows -= batch
		fmt.Println("handled", batch)
		if batch == 100 {
			return periodic.ErrAgain
		}
		return nil
	})
	fmt.Println(job.Stats().Runs[periodic.Succeeded], "runs")
	// Output:
	// handled 100
	// handled 100
	// handled 50
	// 3 runs
}

func ExampleRetry() {
	failing := periodic.Config{Name: "sync", Retry: periodic.Retry{Attempts: 5, Initial: time.Millisecond}}
	tries := 0
	job := once(failing, func(context.Context) error {
		if tries++; tries < 4 {
			return errors.New("connection refused")
		}
		return nil
	})
	fmt.Println(job.Stats().Runs[periodic.Failed], job.Stats().Runs[periodic.Succeeded])
	// Output: 3 1
}

func ExampleScheduler() {
	s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "feeds"})
	if err != nil {
		panic(err)
	}
	_ = s.Start(context.Background()) // host.Add("feeds", s) does this
	done := make(chan string)
	for _, feed := range []string{"news", "sport"} {
		job, err := periodic.New(periodic.Config{Name: feed, Schedule: periodic.Every(time.Hour)}, func(context.Context) error {
			done <- feed
			return nil
		})
		if err != nil {
			panic(err)
		}
		_ = s.Add(job)
	}
	_ = s.Job("sport").Trigger()
	fmt.Println(<-done, len(s.Jobs()))
	_ = s.Remove("news")
	fmt.Println(s.Stop(context.Background()), len(s.Jobs()))
	// Output:
	// sport 2
	// <nil> 1
}

func ExampleSchedulerConfig() {
	_, err := periodic.NewScheduler(periodic.SchedulerConfig{})
	fmt.Println(err)
	// Output: stead/periodic: new scheduler "": Name is empty
}

func ExampleOverlap() {
	fmt.Println(periodic.SkipOverlap, periodic.QueueOne, periodic.Queue(5), periodic.Parallel(3), periodic.Replace)
	// Output: SkipOverlap QueueOne Queue(5) Parallel(3) Replace
}

func ExampleMissed() {
	fmt.Println(periodic.Coalesce, periodic.CatchUp(24), periodic.SkipMissed)
	// Output: Coalesce CatchUp(24) SkipMissed
}

func ExampleTicker() {
	ticker, err := periodic.NewTicker(10 * time.Millisecond)
	if err != nil {
		panic(err)
	}
	n := 0
	for tick := range ticker.Ticks(context.Background()) {
		if n++; n == 3 {
			fmt.Println(n, "ticks; the last one has a time:", !tick.Scheduled.IsZero())
			break
		}
	}
	// Output: 3 ticks; the last one has a time: true
}

func ExampleTick() {
	ticker, _ := periodic.NewTicker(time.Millisecond)
	time.Sleep(50 * time.Millisecond) // the consumer is busy
	tick, err := ticker.Wait(context.Background())
	fmt.Println(tick.Missed > 10, err)
	// Output: true <nil>
}

func ExampleTickerOption() {
	ticker, err := periodic.NewTicker(time.Millisecond, periodic.CatchUp(2))
	if err != nil {
		panic(err)
	}
	time.Sleep(50 * time.Millisecond) // the consumer is busy
	first, _ := ticker.Wait(context.Background())
	second, _ := ticker.Wait(context.Background())
	fmt.Println(first.Missed > 10, second.Scheduled.After(first.Scheduled))
	// Output: true true
}

// remembered is a store for tests and for those who have a database.
type remembered map[string]time.Time

func (r remembered) LastRun(_ context.Context, job string) (time.Time, error) { return r[job], nil }

func (r remembered) SaveLastRun(_ context.Context, job string, slot time.Time) error {
	r[job] = slot
	return nil
}

func ExampleLastRunStore() {
	store := remembered{}
	once(periodic.Config{Name: "report", LastRun: store}, func(context.Context) error { return nil })
	fmt.Println(store["report"].IsZero())
	// Output: false
}
