package durable_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/durable/postgres"
)

func TestOnPostgres(t *testing.T) { suite(t, openPostgres) }

// openPostgres gives each test a schema of its own, which the store's connections do not
// have in their search_path.
func openPostgres(t *testing.T) env[pgx.Tx] {
	t.Helper()
	url := os.Getenv("STEAD_TEST_POSTGRES")
	if url == "" {
		t.Skip("STEAD_TEST_POSTGRES is not set")
	}
	schema := "t" + rand.Text()
	cfg, err := pgxpool.ParseConfig(url)
	must(t, err)
	cfg.ConnConfig.RuntimeParams["search_path"] = `"` + schema + `"`
	beside, err := pgxpool.NewWithConfig(context.Background(), cfg)
	must(t, err)
	t.Cleanup(beside.Close)
	open := func(t *testing.T) *postgres.Store {
		t.Helper()
		s, err := postgres.Open(context.Background(), url, postgres.Schema(schema))
		must(t, err)
		t.Cleanup(func() { must(t, s.Close()) })
		return s
	}
	s := open(t)
	exec := func(ctx context.Context, statement string) error {
		_, err := beside.Exec(ctx, statement)
		return err
	}
	t.Cleanup(func() {
		err := exec(context.Background(), `DROP SCHEMA "`+schema+`" CASCADE`)
		for try := 0; try < 5 && err != nil && strings.Contains(err.Error(), "deadlock"); try++ {
			// A statement that the end of its context cut may go on in the server for a moment.
			err = exec(context.Background(), `DROP SCHEMA "`+schema+`" CASCADE`)
		}
		must(t, err)
	})
	must(t, durable.Migrate(t.Context(), s))
	return env[pgx.Tx]{
		store: s, schema: schema,
		begin: func(ctx context.Context) (pgx.Tx, error) { return s.Pool().Begin(ctx) },
		end: func(ctx context.Context, tx pgx.Tx, commit bool) error {
			if commit {
				return tx.Commit(ctx)
			}
			return tx.Rollback(ctx)
		},
		exec: exec,
		age:  "UPDATE stead_instance SET seen = seen - interval '61 seconds'",
		by:   "'{the dead}'",
		old: `INSERT INTO stead_hour SELECT 'numbers', date_trunc('hour', now()) - make_interval(days => CASE WHEN n < 50 THEN 25 ELSE 31 END, hours => n), 1, 0, 0
				FROM generate_series(0, 699) AS n;
			INSERT INTO stead_audit (id, at, actor, action, kind, name, job, count, detail) OVERRIDING SYSTEM VALUE
				SELECT n - 1000, now() - make_interval(days => CASE WHEN n < 550 THEN 91 ELSE 89 END), '', '', '', '', 0, 0, '' FROM generate_series(0, 599) AS n`,
		wish:  `metadata || '{"cancel_attempted_at": "2026-01-01T00:00:00Z"}'::jsonb`,
		again: func(t *testing.T) durable.Store[pgx.Tx] { t.Helper(); return open(t) },
	}
}

func TestFiltersReadNoRowThatTheirIndexDoesNotGiveOnPostgres(t *testing.T) {
	e := openPostgres(t)
	fill(t, e, 20_000)
	pool := e.store.(*postgres.Store).Pool()
	for _, statistics := range []string{"SELECT 1", "ANALYZE river_job"} {
		must(t, e.exec(t.Context(), statistics))
		tx, err := pool.Begin(t.Context())
		must(t, err)
		_, err = tx.Exec(t.Context(), durable.ByIndex)
		must(t, err)
		for _, f := range plannedFilters {
			for statement, args := range durable.FilterStatements(newJobs(t, e.store, durable.EnqueueOnly), f) {
				rows, err := tx.Query(t.Context(), "EXPLAIN "+store.Qualify(e.schema, statement), args...)
				must(t, err)
				lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
				must(t, err)
				plan := strings.Join(lines, "\n")
				_, inner, _ := strings.Cut(plan, "CTE c")
				inner, _, _ = strings.Cut(inner, "InitPlan")
				sorts := strings.ReplaceAll(inner, "Incremental Sort", "") // of those that ended at one instant
				if strings.Contains(inner, "Seq Scan") || strings.Contains(inner, "Bitmap") || !strings.Contains(inner, "Index") || strings.Contains(sorts, "Sort  (") {
					t.Errorf("after %s: %s\n%s", statistics, statement, plan)
				}
			}
		}
		must(t, tx.Rollback(t.Context()))
	}
}

// skewedServer is a store whose clock is ahead of that of this process: its functions
// are found before the server's own.
func skewedServer(t *testing.T, ahead string) *postgres.Store {
	t.Helper()
	e := openPostgres(t)
	pool := e.store.(*postgres.Store).Pool()
	for _, name := range []string{"now", "clock_timestamp"} {
		must(t, e.exec(t.Context(), "CREATE FUNCTION "+name+"() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT pg_catalog."+name+"() + interval ''"+ahead+"'''"))
	}
	cfg := pool.Config().Copy()
	cfg.ConnConfig.RuntimeParams["search_path"] = `"` + e.schema + `", pg_catalog`
	other, err := pgxpool.NewWithConfig(context.Background(), cfg)
	must(t, err)
	t.Cleanup(other.Close)
	_, err = other.Exec(t.Context(), "ALTER TABLE river_job ALTER scheduled_at SET DEFAULT now(), ALTER created_at SET DEFAULT now()")
	must(t, err)
	return postgres.Wrap(other)
}

func TestEverythingWorksWithClocksTenMinutesApart(t *testing.T) {
	// The clock is known as exactly as an answer took: on a busy server much less than a job is delayed here.
	const delay, exact = time.Second, 800 * time.Millisecond
	for _, ahead := range []string{"10 minutes", "-10 minutes"} {
		s := skewedServer(t, ahead)
		jobs := newJobs[pgx.Tx](t, s, durable.EnqueueAndWork)
		begun := make(chan time.Time, 9)
		q := newQueue(t, jobs, "skewed", func(ctx context.Context, i int) error {
			if _, attempt, _ := durable.Attempt(ctx); i == 1 && attempt == 1 {
				return channelq.RetryAfter(errors.New("no"), delay)
			}
			begun <- time.Now()
			return nil
		}, durable.QueueConfig[int]{})
		start(t, jobs)
		due := time.Now().Add(delay)
		enqueue(t, q, 1)
		if at := receive(t, begun); at.Before(due.Add(-exact)) {
			t.Errorf("%s: the retry began %v early", ahead, due.Sub(at))
		}
		due = time.Now().Add(delay)
		enqueue(t, q, 3, durable.In(delay))
		if at := receive(t, begun); at.Before(due.Add(-exact)) {
			t.Errorf("%s: what is due later began %v early", ahead, due.Sub(at))
		}
		// A process died with it.
		enqueue(t, q, 2, durable.In(24*time.Hour))
		_, err := s.Pool().Exec(t.Context(), "UPDATE river_job SET state = 'running', attempt = 1, attempted_by = '{the dead}', attempted_at = now() - interval '3 minutes' WHERE state = 'scheduled'")
		must(t, err)
		lookTwice(t, jobs)
		receive(t, begun)
	}
}
