package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/periodic"
	"github.com/steadgo/stead/periodic/calendar"
)

// order is what the queues carry.
type order struct {
	Number int
	To     string
}

// String hides who it is for: the page is for people who need not know.
func (o order) String() string { return fmt.Sprintf("order %d, recipient withheld", o.Number) }

// mayDo lets everything be done but one thing, to show what a refusal looks like.
func mayDo(a dashboard.Action) error {
	if a.Kind == dashboard.KindSchedule && a.Name == "nightly-backup" && a.Verb == dashboard.Pause {
		return errors.New("backups are paused by the operations team only")
	}
	return nil
}

// must is for the wiring of the demonstration, which is constant.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func addShop(host *hosted.Host, calm bool) {
	trouble := 1.0
	if calm {
		trouble = 0
	}
	host.Task("migrate", func(ctx context.Context) error { return rest(ctx, 350*time.Millisecond) })
	emails := queue(host, "emails", 500, channelq.Wait, 4, 20*time.Millisecond, 0.02*trouble)
	thumbs := queue(host, "thumbnails", 60, channelq.DropOldest, 1, 70*time.Millisecond, 0)
	letters := queue(host, "newsletters", 1000, channelq.Wait, 2, 5*time.Millisecond, 0)
	if !calm {
		letters.workers.Pause()
	}
	addSchedules(host, calm)
	host.Go("orders", func(ctx context.Context) error {
		began := time.Now()
		for n := 1; ; n++ {
			// A wave, so that the charts have something to show.
			wave := 1 + 0.8*math.Sin(time.Since(began).Seconds()/9)
			if err := rest(ctx, time.Duration(float64(9*time.Millisecond)/(0.3+wave))); err != nil {
				return err
			}
			o := order{n, "somebody@example.com"}
			if n%2 == 0 {
				_ = emails.TryEnqueue(o)
			}
			if n%14 == 0 || (trouble > 0 && wave > 1.5 && n%8 == 0) {
				_ = thumbs.TryEnqueue(o)
			}
			if n%60 == 0 {
				_ = letters.TryEnqueue(o)
			}
		}
	}, hosted.After("emails", "thumbnails", "newsletters"))
	host.Go("stock-feed", func(ctx context.Context) error {
		if err := rest(ctx, 25*time.Second); err != nil || calm {
			<-ctx.Done()
			return err
		}
		return errors.New("read feed: connection reset by peer")
	}, hosted.After("migrate"), hosted.NotCritical(),
		hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Initial: 20 * time.Second, Limit: -1})))
	host.Go("legacy-import", func(ctx context.Context) error {
		if calm {
			<-ctx.Done()
			return nil
		}
		return errors.New("open /var/lib/shop/legacy.db: permission denied")
	}, hosted.OnFailure(hosted.Ignore()), hosted.NotCritical())
	host.Add("shop-http", hosted.Loop(func(ctx context.Context) error { <-ctx.Done(); return nil }), hosted.After("orders", "migrate"))
}

type consumed struct {
	*channelq.Queue[order]
	workers *channelq.Workers[order]
}

func queue(host *hosted.Host, name string, capacity int, mode channelq.FullMode, workers int, takes time.Duration, fails float64) consumed {
	q := must(channelq.New(channelq.Config[order]{Name: name, Capacity: capacity, OnFull: mode}))
	w := must(channelq.NewWorkers(q, func(ctx context.Context, o order) error {
		if err := rest(ctx, takes/2+time.Duration(rand.Int64N(int64(takes)))); err != nil {
			return err
		}
		if rand.Float64() < fails {
			if rand.Float64() < 0.1 {
				return channelq.Permanent(fmt.Errorf("smtp: 550 mailbox unavailable <%d@example.com>", o.Number))
			}
			return errors.New("smtp: dial tcp 10.0.4.12:25: i/o timeout")
		}
		return nil
	}, channelq.WorkerConfig[order]{
		Concurrency: workers, Timeout: 5 * time.Second, KeepFailures: 8,
		Retry: channelq.Retry{Attempts: 4, Initial: 8 * time.Second},
	}))
	host.Add(name, w, hosted.After("migrate"))
	return consumed{q, w}
}

// nights returns a schedule of the nights before a working day.
func nights() periodic.Schedule {
	berlin := must(time.LoadLocation("Europe/Berlin"))
	holidays := must(calendar.Holidays(berlin, "01-01", "12-25", "12-26"))
	return periodic.Except(must(periodic.Cron("30 2 * * MON-FRI", berlin)), holidays)
}

func addSchedules(host *hosted.Host, calm bool) {
	jobs := []struct {
		name     string
		schedule periodic.Schedule
		takes    time.Duration
		fails    float64
		atStart  bool
	}{
		{"warm-cache", periodic.Every(7 * time.Second), 900 * time.Millisecond, 0, true},
		{"exchange-rates", periodic.Every(20 * time.Second), 300 * time.Millisecond, 0.8, true},
		{"sales-report", periodic.Every(2 * time.Minute), 48 * time.Second, 0, true},
		{"nightly-backup", nights(), time.Second, 0, false},
		{"cleanup", periodic.Every(5 * time.Minute), 40 * time.Millisecond, 0, true},
	}
	for _, j := range jobs {
		job := must(periodic.New(periodic.Config{Name: j.name, Schedule: j.schedule, RunAtStart: j.atStart, History: 12}, func(ctx context.Context) error {
			if err := rest(ctx, j.takes); err != nil {
				return err
			}
			if !calm && rand.Float64() < j.fails {
				return errors.New("GET https://rates.example.com/v2/latest: 503 Service Unavailable")
			}
			return nil
		}))
		host.Add(j.name, job, hosted.After("migrate"))
		if j.name == "cleanup" && !calm {
			job.Pause()
		}
	}
}
