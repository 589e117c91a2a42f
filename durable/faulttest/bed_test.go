//go:build unix

package faulttest_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/postgres"
	"github.com/steadgo/stead/durable/sqlite"
	"github.com/steadgo/stead/internal/testserver"
)

// bed is a store under test, seen from the process of the test, which enqueues
// and looks but never works.
type bed struct {
	arg     string // how a worker is told the store
	journal string
	// enqueue puts the tasks into the store in one transaction.
	enqueue func(ctx context.Context, kind string, ids []int) error
	// lead puts a job of the queue lead into the store with what follows it, and a batch of
	// two such jobs, each in one transaction. It returns how many of both are known to be there.
	lead func(ctx context.Context, id int) (int, error)
	// column returns the first column of a query as text.
	column  func(ctx context.Context, query string) ([]string, error)
	migrate func(ctx context.Context) error
}

type task struct {
	ID   int    `json:"id"`
	Note string `json:"note"`
}

func onSQLite(t *testing.T, dir string) *bed {
	t.Helper()
	path := filepath.Join(dir, "jobs.db")
	s, err := sqlite.Open(path)
	must(t, err)
	b := newBed(t, s, path, func(ctx context.Context, do func(*sql.Tx) error) error {
		tx, err := s.DB().BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // does nothing after a commit
		if err := do(tx); err != nil {
			return err
		}
		return tx.Commit()
	})
	b.column = func(ctx context.Context, query string) (list []string, err error) {
		rows, err := s.DB().QueryContext(ctx, query)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		for rows.Next() {
			var v string
			if err := rows.Scan(&v); err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, rows.Err()
	}
	t.Cleanup(func() { must(t, s.Close()) })
	return b
}

func onPostgres(t *testing.T, address string) *bed {
	t.Helper()
	s, err := postgres.Open(context.Background(), address)
	must(t, err)
	b := newBed(t, s, address, func(ctx context.Context, do func(pgx.Tx) error) error {
		return pgx.BeginFunc(ctx, s.Pool(), do)
	})
	b.column = func(ctx context.Context, query string) ([]string, error) {
		rows, err := s.Pool().Query(ctx, query)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, pgx.RowTo[string])
	}
	t.Cleanup(func() { must(t, s.Close()) })
	return b
}

func newBed[TTx any](t *testing.T, store durable.Store[TTx], arg string, inTx func(context.Context, func(TTx) error) error) *bed {
	t.Helper()
	jobs, err := durable.New(store, durable.Config{Mode: durable.EnqueueOnly})
	must(t, err)
	queues := map[string]*durable.Queue[task]{}
	turn := func(it task) string { return fmt.Sprint(it.ID % turns) } // as the worker has it
	for kind, cfg := range map[string]durable.QueueConfig[task]{
		"task": {}, "extra": {}, "turn": {Key: turn}, "lead": {}, "handled": {}, "gaveup": {}, "ended": {}, "last": {},
	} {
		queues[kind], err = durable.NewQueue[task](jobs, kind, nil, cfg)
		must(t, err)
	}
	return &bed{
		arg:     arg,
		journal: filepath.Join(t.TempDir(), "journal"),
		migrate: func(ctx context.Context) error { return durable.Migrate(ctx, store) },
		lead: func(ctx context.Context, id int) (int, error) {
			err := inTx(ctx, func(tx TTx) error {
				e, err := durable.EnqueueTx(ctx, tx, queues["lead"], task{id, ""})
				for kind, after := range map[string]durable.Option{"handled": durable.After(e.ID), "gaveup": durable.AfterGaveUp(e.ID), "ended": durable.AfterAny(e.ID)} {
					if err == nil {
						_, err = durable.EnqueueTx(ctx, tx, queues[kind], task{id, ""}, after)
					}
				}
				return err
			})
			if err != nil {
				return 0, err
			}
			if _, err = durable.EnqueueBatch(ctx, queues["lead"], []task{{id + 1, ""}, {id + 2, ""}}, queues["last"], task{id, ""}); err != nil {
				return 1, err
			}
			return 2, nil
		},
		enqueue: func(ctx context.Context, kind string, ids []int) error {
			return inTx(ctx, func(tx TTx) error {
				for _, id := range ids {
					if _, err := durable.EnqueueTx(ctx, tx, queues[kind], task{id, "of a newer program"}); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

// database makes an empty database of the test's own and returns its URL.
func database(t *testing.T) string {
	t.Helper()
	server := os.Getenv("STEAD_TEST_POSTGRES")
	if server == "" {
		return testserver.NewPostgres(t).URL
	}
	name := "faults_" + strings.ToLower(rand.Text())
	c, err := pgx.Connect(context.Background(), server)
	must(t, err)
	_, err = c.Exec(context.Background(), "CREATE DATABASE "+name)
	must(t, err)
	t.Cleanup(func() {
		_, err := c.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		must(t, err)
		must(t, c.Close(context.Background()))
	})
	u, err := url.Parse(server)
	must(t, err)
	u.Path = "/" + name
	return u.String()
}

// tasks enqueues the tasks from..to-1.
func (b *bed) tasks(t *testing.T, from, to int) {
	t.Helper()
	must(t, b.enqueue(t.Context(), "task", span(from, to)))
}

func span(from, to int) []int {
	ids := make([]int, 0, to-from)
	for i := from; i < to; i++ {
		ids = append(ids, i)
	}
	return ids
}

// until polls: a row in a database and a line in a file tell nobody. The bound is
// a promise where the caller passes one of the documented ones, and otherwise only
// ends a test that fails. It returns how long it took.
func until(t *testing.T, what string, within time.Duration, happened func() bool) time.Duration {
	t.Helper()
	begun := time.Now()
	for !happened() {
		if time.Since(begun) > within {
			t.Fatalf("not within %v: %s", within, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(begun)
}

// patience is far more than anything takes that has no promised bound.
const patience = 2 * time.Minute

// completed waits until n jobs of the kind are, in a store that may be away.
func (b *bed) completed(t *testing.T, kind string, n int, within time.Duration) time.Duration {
	t.Helper()
	return until(t, "all jobs completed", within, func() bool { return b.done(t, kind) == n })
}

// done is how many jobs of the kind are completed; -1 if the store does not say.
func (b *bed) done(t *testing.T, kind string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	ids, err := b.column(ctx, "SELECT CAST(id AS text) FROM river_job WHERE state = 'completed' AND kind = '"+kind+"'")
	if err != nil {
		return -1
	}
	return len(ids)
}

// busy waits until a process has one of the jobs in hand, of which there are those with the
// IDs in [from, to). It returns where they end then: there are more of them if all had been
// done before anybody saw one in hand, by another process or on a machine that stood still.
func (b *bed) busy(t *testing.T, w *worker, kind string, from, to int) int {
	t.Helper()
	until(t, "a job in hand", patience, func() bool {
		for id := range b.inHand(t, w) {
			if id >= from && id < to {
				return true
			}
		}
		to = b.more(t, kind, from, to)
		return false
	})
	return to
}

// more enqueues as many again if all are done, and returns where they end.
func (b *bed) more(t *testing.T, kind string, from, to int) int {
	t.Helper()
	if b.done(t, kind) != to-from {
		return to
	}
	next := to + max(8, to-from)
	must(t, b.enqueue(t.Context(), kind, span(to, next)))
	return next
}
