package durable_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/sqlite"
)

func TestTheEngineLogsWhatIsWorthAWarningAndNothingTwice(t *testing.T) {
	for what, c := range map[string]struct {
		log  func(*slog.Logger)
		want string
	}{
		"what is normal": {func(l *slog.Logger) { l.Info("Driver does not support listener; entering poll only mode") }, ""},
		"the echo of a stop": {func(l *slog.Logger) {
			l.Error("maintenance.PeriodicJobEnqueuer: Error starting transaction", "error", "context canceled")
		}, ""},
		"what is said here": {func(l *slog.Logger) {
			l.Info("jobexecutor.JobExecutor: Job errored; retrying", "job_id", 7, "error", "no paper")
			l.Warn("jobexecutor.JobExecutor: job cancelled remotely", "job_id", 7)
		}, ""},
		"what nobody else says": {func(l *slog.Logger) {
			l.With("job_kind", "mail").WithGroup("g").Error("producer: Error fetching jobs", "err", errors.New("disk full"), "job_id", 7)
		}, "level=ERROR msg=\"producer: Error fetching jobs\" queue=mail g.error=\"disk full\" g.job=7\n"},
		"that the store was closed": {func(l *slog.Logger) {
			for range 3 {
				l.Error("leadership.Elector: Error attempting to resign", "err", "sql: database is closed", "sleep_duration", "1s")
			}
		}, "level=ERROR msg=\"leadership.Elector: Error attempting to resign\" error=\"sql: database is closed\" delay=1s\n"},
	} {
		for level, debug := range map[slog.Level]bool{slog.LevelInfo: false, slog.LevelDebug: true} {
			var out bytes.Buffer
			c.log(durable.NewEngineLog(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			}}))))
			if !debug && out.String() != c.want {
				t.Errorf("%s: logged %q, want %q", what, out.String(), c.want)
			}
			if debug && !strings.Contains(out.String(), "DEBUG") && c.want == "" {
				t.Errorf("%s: %q is lost, want it at Debug", what, out.String())
			}
		}
	}
}

// logged is a program's life with one job that fails twice, and what its log says.
func logged(t *testing.T, end func(*durable.Jobs[*sql.Tx], *sqlite.Store)) string {
	t.Helper()
	var log lines
	e := openSQLite(t)
	jobs, err := durable.New(e.store, durable.Config{PollInterval: 20 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	must(t, err)
	q := newQueue(t, jobs, "mail", func(context.Context, int) error { return errors.New("no paper") },
		durable.QueueConfig[int]{Retry: channelq.Retry{Attempts: 2, Initial: time.Millisecond}})
	id := enqueue(t, q, 1)
	must(t, jobs.Start(t.Context()))
	inState(t, jobs, id, rivertype.JobStateDiscarded)
	until(t, "it leads", func() bool { list := jobs.Instances(); return len(list) == 1 && list[0].Leads })
	end(jobs, e.store.(*sqlite.Store))
	return log.String()
}

func TestARetryIsOneWarningAndAGiveUpOneError(t *testing.T) {
	log := logged(t, func(jobs *durable.Jobs[*sql.Tx], _ *sqlite.Store) { stop(t, jobs) })
	for want, n := range map[string]int{
		`msg="jobs started" service=jobs works=true store=`: 1,
		"level=INFO": 2, "level=WARN": 1, "level=ERROR": 1,
		`msg="attempt failed, will retry" service=jobs queue=mail job=1 attempt=1 delay=`: 1,
		`msg="job given up" service=jobs queue=mail job=1 attempt=2 error="no paper"`:     1,
	} {
		if got := strings.Count(log, want); got != n {
			t.Errorf("%q is %d times in the log, want %d:\n%s", want, got, n, log)
		}
	}
}

func TestAStoreThatIsClosedTooEarlyIsSaidOnce(t *testing.T) {
	t.Parallel() // the engine waits before it tries again
	log := logged(t, func(jobs *durable.Jobs[*sql.Tx], store *sqlite.Store) {
		must(t, store.Close())
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = jobs.Stop(ctx)
	})
	if n := strings.Count(log, "database is closed"); n != 1 {
		t.Errorf("said %d times:\n%s", n, log)
	}
}
