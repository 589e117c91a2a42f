//go:build unix

package postgres_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/postgres"
	"github.com/steadgo/stead/internal/testserver"
)

// emptyDatabase is the URL of a migrated database of its own: a pooler does not pass a
// search_path on.
func emptyDatabase(t *testing.T) string {
	t.Helper()
	server := os.Getenv("STEAD_TEST_POSTGRES")
	if server == "" {
		t.Skip("STEAD_TEST_POSTGRES is not set")
	}
	name := "t" + strings.ToLower(rand.Text())
	admin := func(ctx context.Context, statement string) {
		c, err := pgx.Connect(ctx, server)
		if err == nil {
			_, err = c.Exec(ctx, statement)
			_ = c.Close(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	admin(t.Context(), "CREATE DATABASE "+name)
	t.Cleanup(func() { admin(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)") })
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	s, err := postgres.Open(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := durable.Migrate(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return u.String()
}

func TestAPoolerInTransactionModeIsRefusedAtTheStartWhereJobsWouldWorkByHalf(t *testing.T) {
	direct := emptyDatabase(t)
	inSchema, err := postgres.Open(t.Context(), direct, postgres.Schema("jobs"))
	must(t, err)
	defer func() { _ = inSchema.Close() }()
	must(t, durable.Migrate(t.Context(), inSchema))
	urls := map[string]string{"none": direct}
	for _, mode := range []string{"session", "transaction"} {
		urls[mode] = testserver.NewPgBouncer(t, direct, mode)
	}
	for _, c := range []struct {
		pooler, exec string
		schema       string
		mode         durable.Mode
		works        bool
	}{
		{"none", "", "", durable.EnqueueAndWork, true},
		{"session", "", "jobs", durable.EnqueueAndWork, true},
		{"transaction", "", "", durable.EnqueueAndWork, false},
		{"transaction", "exec", "", durable.EnqueueAndWork, false},
		{"transaction", "", "", durable.EnqueueOnly, false},
		{"transaction", "exec", "", durable.EnqueueOnly, true},
		{"transaction", "exec", "jobs", durable.EnqueueOnly, true},
	} {
		t.Run(c.pooler+" "+c.exec+" "+c.schema+" "+map[durable.Mode]string{durable.EnqueueOnly: "only enqueues"}[c.mode], func(t *testing.T) {
			t.Parallel()
			at := urls[c.pooler]
			if c.exec != "" {
				at += "&default_query_exec_mode=" + c.exec
			}
			s, err := postgres.Open(t.Context(), at, postgres.Schema(c.schema))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			jobs, err := durable.New(s, durable.Config{Mode: c.mode})
			if err != nil {
				t.Fatal(err)
			}
			handled := make(chan int, 22)
			q, err := durable.NewQueue(jobs, "mail"+strings.ToLower(rand.Text())[:8], func(_ context.Context, i int) error { handled <- i; return nil }, durable.QueueConfig[int]{})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			err = jobs.Start(ctx)
			defer func() { _ = jobs.Stop(ctx) }()
			if !c.works {
				if err == nil || !strings.Contains(err.Error(), "pooler in transaction mode") {
					t.Errorf("the start: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if n, err := q.EnqueueAll(ctx, make([]int, 2)); n != 2 || err != nil { // which is a COPY
				t.Fatal(n, err)
			}
			for i := range 20 {
				if err := q.Enqueue(ctx, i); err != nil {
					t.Fatal(err)
				}
				if c.mode == durable.EnqueueAndWork {
					<-handled
				}
			}
		})
	}
}

func TestAPoolThatIsTooSmallIsAWarningOfTheStart(t *testing.T) {
	direct := emptyDatabase(t)
	for at, warns := range map[string]bool{direct: false, direct + "&pool_max_conns=6": true} {
		s, err := postgres.Open(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		var log bytes.Buffer
		jobs, err := durable.New(s, durable.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
		if err != nil {
			t.Fatal(err)
		}
		_, err = durable.NewQueue(jobs, "mail", func(context.Context, int) error { return nil }, durable.QueueConfig[int]{Concurrency: 4})
		if err != nil {
			t.Fatal(err)
		}
		if err := jobs.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := jobs.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := log.String(); strings.Contains(got, "handlers=4 connections=3") != warns || !warns && got != "" {
			t.Errorf("%s: %s", at, got)
		}
	}
}
