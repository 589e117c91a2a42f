package periodic_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/periodic"
)

func failing(t *testing.T, name string, l *slog.Logger) *periodic.Job {
	t.Helper()
	j, err := periodic.New(periodic.Config{Name: name, Schedule: periodic.Every(time.Second), RunAtStart: true, Logger: l},
		func(context.Context) error { return io.EOF })
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// failures counts the failed runs in a log, by job.
func failures(log *bytes.Buffer, job string) (n int) {
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "run failed") && strings.Contains(line, "job="+job+" ") {
			n++
		}
	}
	return n
}

func TestAJobWithoutALoggerInheritsOneAndKeepsItForItsNextLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		j := failing(t, "sweep", nil)
		silent := failing(t, "silent", slog.New(slog.DiscardHandler))
		for _, j := range []*periodic.Job{j, silent} {
			j.InheritLogger(slog.New(slog.NewTextHandler(&log, nil)))
		}
		for range 2 {
			for _, j := range []*periodic.Job{j, silent} {
				if err := j.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if err := j.Stop(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n := failures(&log, "sweep"); n != 2 || strings.Contains(log.String(), "silent") {
			t.Errorf("%d failures are in the log:\n%s", n, log.String())
		}
	})
}

func TestASchedulerHandsItsLoggerToJobsAddedBeforeAndAfterItsStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log, own bytes.Buffer
		s, err := periodic.NewScheduler(periodic.SchedulerConfig{Name: "all"})
		if err != nil {
			t.Fatal(err)
		}
		add := func(j *periodic.Job) {
			if err := s.Add(j); err != nil {
				t.Fatal(err)
			}
		}
		add(failing(t, "before", nil))
		s.InheritLogger(slog.New(slog.NewTextHandler(&log, nil)))
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		add(failing(t, "after", nil))
		add(failing(t, "own", slog.New(slog.NewTextHandler(&own, nil))))
		synctest.Wait()
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if failures(&log, "before") != 1 || failures(&log, "after") != 1 || failures(&log, "own") != 0 || failures(&own, "own") != 1 {
			t.Errorf("logged\n%s\nand\n%s", log.String(), own.String())
		}
	})
}
