package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/steadgo/stead/leader"
	"github.com/steadgo/stead/leader/leadertest"
	"github.com/steadgo/stead/leader/postgres"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAStoreWithoutAPoolIsRefusedAtOnce(t *testing.T) {
	s := postgres.Wrap(nil)
	if _, err := leader.New(s, leader.Config{Group: "news"}); err == nil || !strings.Contains(err.Error(), "the store is nil") {
		t.Errorf("New: %v", err)
	}
	if err := s.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "the store is nil") {
		t.Errorf("Migrate: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// schema makes a schema of the test's own and returns a pool that uses it.
func schema(t *testing.T) *pgxpool.Pool {
	t.Helper()
	url := os.Getenv("STEAD_TEST_POSTGRES")
	if url == "" {
		t.Skip("needs a PostgreSQL: set STEAD_TEST_POSTGRES to its URL")
	}
	name := "t" + rand.Text()
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	cfg.ConnConfig.RuntimeParams["search_path"] = `"` + name + `"`
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		exec(t, pool, `DROP SCHEMA "`+name+`" CASCADE`)
		pool.Close()
	})
	exec(t, pool, `CREATE SCHEMA "`+name+`"`)
	return pool
}

func exec(t *testing.T, pool *pgxpool.Pool, statement string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(context.Background(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T) (*postgres.Store, *pgxpool.Pool) {
	t.Helper()
	pool := schema(t)
	s := postgres.Wrap(pool)
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, pool
}

func acquire(t *testing.T, s leader.Store, token string) int64 {
	t.Helper()
	fence, ok, err := s.Acquire(t.Context(), "news", token, time.Minute)
	if err != nil || !ok {
		t.Fatalf("Acquire = %v, %v", ok, err)
	}
	return fence
}

func TestTheStoreConforms(t *testing.T) {
	s, _ := open(t)
	leadertest.Conform(t, s, nil)
}

func TestADeletedRowNeverStepsTheFenceBack(t *testing.T) {
	s, pool := open(t)
	last := int64(0)
	for n := range 20 {
		fence := acquire(t, s, fmt.Sprint(n))
		if fence <= last {
			t.Fatalf("fence %d after %d", fence, last)
		}
		last = fence
		exec(t, pool, `DELETE FROM stead_lease`)
		exec(t, pool, `SELECT pg_sleep(0.002)`) // the clock of the server is all that is left
	}
}

func TestAFenceAheadOfTheClockStillRises(t *testing.T) {
	s, pool := open(t)
	first := acquire(t, s, "a")
	exec(t, pool, `UPDATE stead_lease SET fence = fence + 86400000, expires_at = now() - interval '1 s'`)
	if second := acquire(t, s, "b"); second != first+86400001 {
		t.Errorf("fence %d after %d", second, first+86400000)
	}
}

func TestOnlyAskingDoesNotWrite(t *testing.T) {
	s, pool := open(t)
	acquire(t, s, "a")
	version := func() (v string) {
		if err := pool.QueryRow(t.Context(), `SELECT xmin::text || ' ' || xmax::text FROM stead_lease`).Scan(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	before := version()
	for range 10 {
		if _, ok, err := s.Acquire(t.Context(), "news", "b", time.Minute); ok || err != nil {
			t.Fatalf("Acquire = %v, %v", ok, err)
		}
	}
	if after := version(); after != before {
		t.Errorf("the row was %s and is %s", before, after)
	}
}

func TestAnyNumberMayMigrateAtOnce(t *testing.T) {
	pool := schema(t)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if err := postgres.Wrap(pool).Migrate(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestWithoutItsTableTheErrorNamesIt(t *testing.T) {
	s := postgres.Wrap(schema(t))
	if _, _, err := s.Acquire(t.Context(), "news", "a", time.Minute); err == nil || !strings.Contains(err.Error(), "stead_lease") {
		t.Errorf("Acquire = %v", err)
	}
}

// A pooler in transaction mode hands every statement another session. That is what
// this does: a prepared statement or a setting of the session would be missing.
func TestItNeedsNoSession(t *testing.T) {
	_, pool := open(t)
	cfg := pool.Config()
	cfg.MaxConns = 4
	cfg.PrepareConn = func(ctx context.Context, c *pgx.Conn) (bool, error) {
		_, err := c.Exec(ctx, `DEALLOCATE ALL; RESET ROLE`, pgx.QueryExecModeSimpleProtocol)
		return err == nil, err
	}
	cfg.AfterRelease = func(*pgx.Conn) bool { return false } // never the same one twice
	other, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	leadertest.Conform(t, postgres.Wrap(other), nil)
}

func TestAServerThatIsAwayIsAnError(t *testing.T) {
	s, err := postgres.Open(t.Context(), "host="+t.TempDir()+" user=nobody dbname=none")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, ok, err := s.Acquire(ctx, "news", "a", time.Minute); err == nil || ok || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Acquire = %v, %v", ok, err)
	}
	if s, err := postgres.Open(t.Context(), "postgres://:port/"); err == nil {
		_ = s.Close()
		t.Error("a wrong URL is accepted")
	}
}

func ExampleOpen() {
	store, err := postgres.Open(context.Background(), "postgres://app@localhost/app") // connects when it is used
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = store.Close() }()
	elector, err := leader.New(store, leader.Config{Group: "newsletter"})
	fmt.Println(elector.Group(), err)
	// Output: newsletter <nil>
}

func ExampleStore() {
	pool, err := pgxpool.New(context.Background(), "postgres://app@localhost/app") // the program's own
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	elector, err := leader.New(postgres.Wrap(pool), leader.Config{Group: "newsletter"})
	fmt.Println(elector.Group(), err)
	// Output: newsletter <nil>
}
