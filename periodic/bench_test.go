package periodic_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/steadgo/stead/periodic"
)

func benchmarkNext(b *testing.B, s periodic.Schedule, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := begin
	b.ReportAllocs()
	for b.Loop() {
		if at = s.Next(at); at.Year() > 2027 {
			at = begin
		}
	}
}

func BenchmarkNextOfficeHoursUTC(b *testing.B) {
	s, err := periodic.Cron("*/15 9-17 * * MON-FRI", time.UTC)
	benchmarkNext(b, s, err)
}

func BenchmarkNextOfficeHoursNewYork(b *testing.B) {
	s, err := periodic.Cron("*/15 9-17 * * MON-FRI", location(b, "America/New_York"))
	benchmarkNext(b, s, err)
}

func BenchmarkNextDailyBerlin(b *testing.B) {
	s, err := periodic.DailyAt("02:30", location(b, "Europe/Berlin"))
	benchmarkNext(b, s, err)
}

func BenchmarkNextEvery(b *testing.B) { benchmarkNext(b, periodic.Every(7*time.Second), nil) }

func BenchmarkCronParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := periodic.Cron("*/15 9-17 * * MON-FRI", time.UTC); err != nil {
			b.Fatal(err)
		}
	}
}

func nothing(context.Context) error { return nil }

func names(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("job-%06d", i)
	}
	return all
}

// populate makes a scheduler with n jobs of the given period.
func populate(tb testing.TB, n int, period time.Duration, run func(context.Context) error) *periodic.Scheduler {
	tb.Helper()
	s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "many"})
	if err != nil {
		tb.Fatal(err)
	}
	for _, name := range names(n) {
		j, err := periodic.New(periodic.Config{Name: name, Schedule: periodic.Every(period)}, run)
		if err != nil {
			tb.Fatal(err)
		}
		if err := s.Add(j); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// BenchmarkSchedulerSetUp is making, adding and starting 100,000 jobs. The bytes
// a job are at rest, before its first run, its name included.
func BenchmarkSchedulerSetUp(b *testing.B) {
	const n = 100_000
	for b.Loop() {
		b.StopTimer()
		before := heap()
		b.StartTimer()
		s := populate(b, n, time.Hour, nothing)
		if err := s.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		b.ReportMetric(float64(heap()-before)/n, "B/job")
		if err := s.Stop(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkRun is one run by ErrAgain: the way through the loop and a goroutine,
// without the wait for a timer.
func BenchmarkRun(b *testing.B) {
	left := b.N
	done := make(chan struct{})
	j, err := periodic.New(periodic.Config{Name: "j", Schedule: periodic.Every(time.Hour), RunAtStart: true}, func(context.Context) error {
		if left--; left > 0 {
			return periodic.ErrAgain
		}
		close(done)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	if err := j.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	<-done
	b.StopTimer()
	if err := j.Stop(context.Background()); err != nil {
		b.Fatal(err)
	}
}
