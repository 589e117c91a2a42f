package durable_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/postgres"
)

func TestTheStoresClockIsKnownAsExactlyAsItsAnswerTook(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ended := began.Add(10 * time.Millisecond)
	for store, want := range map[time.Time]time.Duration{
		began: 0, ended: 0, began.Add(-time.Millisecond): 0,
		began.Add(10 * time.Minute):  10*time.Minute - 12*time.Millisecond,
		began.Add(-10 * time.Minute): -10*time.Minute + 2*time.Millisecond,
	} {
		if got := durable.Ahead(store, began, ended); got != want {
			t.Errorf("%v is %v ahead of ours, not %v", store, got, want)
		}
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
