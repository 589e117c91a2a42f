package postgres_test

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/postgres"
)

// migrated is a store in a schema of its own, of the server that tests are given.
func migrated(t *testing.T) *postgres.Store {
	t.Helper()
	url := os.Getenv("STEAD_TEST_POSTGRES")
	if url == "" {
		t.Skip("STEAD_TEST_POSTGRES is not set")
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	schema := pgx.Identifier{"t" + rand.Text()}.Sanitize()
	cfg.ConnConfig.RuntimeParams["search_path"] = schema
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := postgres.Wrap(pool)
	exec(t, s, "CREATE SCHEMA "+schema)
	t.Cleanup(func() {
		_, _ = pool.Exec(context.Background(), "DROP SCHEMA "+schema+" CASCADE")
		pool.Close()
	})
	if err := durable.Migrate(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return s
}

func exec(t *testing.T, s *postgres.Store, statement string) {
	t.Helper()
	if _, err := s.Pool().Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// Millions of completed jobs cost the page nothing if no statement reads all rows.
func TestCountsReadNoRowThatTheyDoNotCount(t *testing.T) {
	s := migrated(t)
	exec(t, s, `INSERT INTO river_job (args, kind, queue, state, max_attempts, attempt, finalized_at)
		SELECT '{}', 'mail', 'mail', 'completed', 1, 1, now() FROM generate_series(1, 20000)`)
	for _, statistics := range []string{"SELECT 1", "ANALYZE river_job"} {
		exec(t, s, statistics)
		tx, err := s.Pool().Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), postgres.OnlyByIndex); err != nil {
			t.Fatal(err)
		}
		for query, args := range postgres.CountQueries {
			rows, err := tx.Query(t.Context(), "EXPLAIN "+query, args...)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			if plan := strings.Join(lines, "\n"); strings.Contains(plan, "Seq Scan on river_job") || strings.Contains(plan, "Bitmap Heap Scan on river_job") {
				t.Errorf("after %s: %s\n%s", statistics, query, plan)
			}
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
