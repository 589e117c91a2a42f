package postgres_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/postgres"
)

func TestOpenRefusesAMalformedURL(t *testing.T) {
	if s, err := postgres.Open(t.Context(), "postgres://:port/"); err == nil {
		_ = s.Close()
		t.Error("opened")
	}
}

func TestCloseLeavesThePoolOfTheProgramOpen(t *testing.T) {
	pool, err := pgxpool.New(t.Context(), "host="+t.TempDir()+" user=nobody dbname=none")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := postgres.Wrap(pool).Close(); err != nil {
		t.Error(err)
	}
	if err := pool.Ping(t.Context()); err == nil || strings.Contains(err.Error(), "closed pool") {
		t.Error("closed")
	}
}

// The leak check after the tests sees that the failed start left no goroutine.
func TestStartWithTheDatabaseDownIsAnErrorInTime(t *testing.T) {
	s, err := postgres.Open(t.Context(), "host="+t.TempDir()+" user=nobody dbname=none")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	jobs, err := durable.New(s, durable.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := durable.NewQueue(jobs, "none", func(context.Context, int) error { return nil }, durable.QueueConfig[int]{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := jobs.Start(ctx); err == nil || !strings.Contains(err.Error(), `start "jobs"`) {
		t.Errorf("start: %v", err)
	}
	if ctx.Err() != nil {
		t.Error("took all the time there was")
	}
	if err := jobs.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func TestTheLogNamesTheDatabaseWithoutThePassword(t *testing.T) {
	store, err := postgres.Open(t.Context(), "postgres://shop:secret@db.internal:5433/app")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	if got := store.String(); got != "db.internal:5433/app" {
		t.Errorf("it says %q", got)
	}
}
