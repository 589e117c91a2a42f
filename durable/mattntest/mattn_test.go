//go:build extra

package mattntest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/durable/sqlite"
	"github.com/steadgo/stead/durable/sqlitedb"
	"github.com/steadgo/stead/periodic"
)

const good = "_txlock=immediate&_busy_timeout=60000&_journal_mode=WAL&_synchronous=FULL" // SQLite lets no one of many who wait go first

func open(t *testing.T, path, params string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?"+params)
	must(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

// jobs is a store with a migrated database, and jobs in it.
func jobs(t *testing.T) (path string, s *sqlitedb.Store, j *durable.Jobs[*sql.Tx]) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "app.db")
	s, err := sqlitedb.Wrap(open(t, path, good))
	must(t, err)
	must(t, durable.Migrate(t.Context(), s))
	cfg := durable.Config{PollInterval: 20 * time.Millisecond}
	if testing.Verbose() {
		cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	j, err = durable.New(s, cfg)
	must(t, err)
	return path, s, j
}

func start(t *testing.T, j *durable.Jobs[*sql.Tx]) {
	t.Helper()
	must(t, j.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		must(t, j.Stop(ctx))
	})
}

func queue[T any](t *testing.T, j *durable.Jobs[*sql.Tx], name string, handle func(context.Context, T) error, cfg durable.QueueConfig[T]) *durable.Queue[T] {
	t.Helper()
	q, err := durable.NewQueue(j, name, handle, cfg)
	must(t, err)
	return q
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for giveUp := time.After(2 * time.Minute); !happened(); {
		select {
		case <-tick.C:
		case <-giveUp:
			t.Fatalf("never happened: %s", what)
		}
	}
}

// What was the end of a file: the program's own tables by this driver, and jobs beside
// them, both written by many at once.
func TestTheProgramsOwnTablesAndJobsShareAFile(t *testing.T) {
	path, s, j := jobs(t)
	const n, at = 40, 4
	var handled, followed atomic.Int64
	next := queue(t, j, "follow", func(context.Context, int) error { followed.Add(1); return nil }, durable.QueueConfig[int]{})
	q := queue(t, j, "order", func(ctx context.Context, i int) error {
		handled.Add(1)
		return durable.Then(ctx, next, i)
	}, durable.QueueConfig[int]{Concurrency: at})
	app := open(t, path, good) // a connection of its own
	_, err := app.ExecContext(t.Context(), "CREATE TABLE orders (id int)")
	must(t, err)
	start(t, j)
	failed := make(chan error, at)
	for w := range at {
		go func() {
			for i := range n {
				if err := order(t.Context(), app, q, w*n+i); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	for range at {
		must(t, <-failed)
	}
	until(t, "all followed", func() bool { return followed.Load() >= n*at })
	var orders int
	must(t, app.QueryRowContext(t.Context(), "SELECT count(*) FROM orders").Scan(&orders))
	var found string
	must(t, s.DB().QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&found))
	if orders != n*at || handled.Load() != n*at || followed.Load() != n*at || found != "ok" {
		t.Errorf("%d orders, %d handled, %d followed, integrity %s", orders, handled.Load(), followed.Load(), found)
	}
	must(t, errors.Join(store.Of(s).Check(t.Context()), checker(s).Verify(t.Context())))
}

func order(ctx context.Context, app *sql.DB, q *durable.Queue[int], i int) error {
	tx, err := app.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO orders VALUES (?)", i)
	if err == nil {
		_, err = durable.EnqueueTx(ctx, tx, q, i)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func TestRetriesDelaysSchedulesAndCancelsWorkOnThisDriver(t *testing.T) {
	_, s, j := jobs(t)
	var attempts, ticks atomic.Int64
	var gaveUp atomic.Value
	flaky := queue(t, j, "flaky", func(context.Context, string) error {
		if attempts.Add(1) < 3 {
			return errors.New("not yet")
		}
		return nil
	}, durable.QueueConfig[string]{Retry: channelq.Retry{Initial: time.Millisecond, Max: time.Millisecond}})
	bad := queue(t, j, "bad", func(context.Context, string) error { return channelq.Permanent(io.ErrUnexpectedEOF) },
		durable.QueueConfig[string]{OnGiveUp: func(_ context.Context, item string, err error) { gaveUp.Store(fmt.Sprint(item, " ", err)) }})
	started := make(chan struct{}, 1)
	long := queue(t, j, "long", func(ctx context.Context, _ string) error {
		started <- struct{}{}
		<-ctx.Done()
		return context.Cause(ctx)
	}, durable.QueueConfig[string]{})
	tick := queue(t, j, "tick", func(context.Context, int) error { ticks.Add(1); return nil }, durable.QueueConfig[int]{})
	must(t, durable.Every(tick, "often", periodic.Every(300*time.Millisecond), func() int { return 1 }))
	start(t, j)

	must(t, errors.Join(flaky.Enqueue(t.Context(), "x"), bad.Enqueue(t.Context(), "y")))
	_, err := flaky.EnqueueWith(t.Context(), "z", durable.In(time.Hour))
	must(t, err)
	e, err := long.EnqueueWith(t.Context(), "w", durable.Unique("one"))
	must(t, err)
	again, err := long.EnqueueWith(t.Context(), "w", durable.Unique("one"))
	if must(t, err); !again.Duplicate || again.ID != e.ID {
		t.Errorf("%+v beside %+v", again, e)
	}
	<-started
	must(t, long.Cancel(e.ID))
	until(t, "all was handled", func() bool {
		row, err := long.Job(t.Context(), e.ID)
		must(t, err)
		return attempts.Load() == 3 && gaveUp.Load() != nil && ticks.Load() > 2 && row.State == "cancelled"
	})
	if text, _ := gaveUp.Load().(string); !strings.HasPrefix(text, "y ") || !strings.Contains(text, io.ErrUnexpectedEOF.Error()) {
		t.Errorf("given up: %s", text)
	}
	list, err := store.Of(s).Counts(t.Context())
	must(t, err)
	for _, c := range list {
		if c.State == "scheduled" && (c.N != 1 || time.Until(c.Due) < 50*time.Minute || time.Until(c.Due) > 70*time.Minute) {
			t.Errorf("%+v", c)
		}
	}
	until(t, "the store says that this process lives", func() bool {
		all := j.Instances()
		return len(all) == 1 && all[0].Own
	})
}

// What the store refuses must be told from a store that is away without a number: the
// errors of this driver have a type of their own.
func TestADuplicateOfALiveJobIsToldOnThisDriver(t *testing.T) {
	_, _, j := jobs(t)
	q := queue(t, j, "one", func(context.Context, string) error { return nil }, durable.QueueConfig[string]{})
	first, err := q.EnqueueWith(t.Context(), "x", durable.Unique("key"))
	must(t, err)
	must(t, q.Cancel(first.ID))
	second, err := q.EnqueueWith(t.Context(), "x", durable.Unique("key"))
	must(t, err)
	if err := q.Requeue(first.ID); err == nil || !strings.Contains(err.Error(), fmt.Sprint(second.ID)) {
		t.Errorf("%v, want the id %d", err, second.ID)
	}
}

func TestADamagedOrMovedFileIsFoundOnThisDriver(t *testing.T) {
	path, s, j := jobs(t)
	q := queue(t, j, "mails", func(context.Context, string) error { return nil }, durable.QueueConfig[string]{})
	for range 100 {
		must(t, q.Enqueue(t.Context(), "x"))
	}
	_, err := s.DB().ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)")
	must(t, err)
	must(t, checker(s).Verify(t.Context()))
	must(t, os.Rename(path, path+".old"))
	if err := q.Enqueue(t.Context(), "x"); !errors.Is(err, durable.ErrDamaged) {
		t.Errorf("%v", err)
	}
	must(t, os.Rename(path+".old", path))
	good, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, make([]byte, len(good)), 0o600))
	if err := checker(s).Verify(t.Context()); !errors.Is(err, durable.ErrDamaged) {
		t.Errorf("%v", err)
	}
	must(t, os.WriteFile(path, good, 0o600))
}

func TestAFileThatThisDriverHasOpenIsRefusedByTheOther(t *testing.T) {
	path, _, _ := jobs(t)
	s, err := sqlite.Open(path)
	if err == nil {
		_ = s.Close()
		t.Fatal("two copies of SQLite have the file open")
	}
	if !strings.Contains(err.Error(), "two copies") && !strings.Contains(err.Error(), "Two copies") {
		t.Error(err)
	}
}

func TestWrapSaysWhatToChangeOnThisDriver(t *testing.T) {
	for params, want := range map[string]string{
		"_busy_timeout=5000&_journal_mode=WAL&_synchronous=FULL":                 "_txlock=immediate",
		"_txlock=immediate&_busy_timeout=5000&_synchronous=FULL":                 "journal_mode is delete",
		"_txlock=immediate&_busy_timeout=5000&_journal_mode=WAL":                 "synchronous is 1",
		"_txlock=immediate&_busy_timeout=0&_journal_mode=WAL&_synchronous=FULL":  "busy_timeout is 0",
		"_txlock=exclusive&_busy_timeout=1&_journal_mode=WAL&_synchronous=EXTRA": "",
		"mode=memory&_txlock=immediate&_busy_timeout=5000&_synchronous=FULL":     "in memory",
	} {
		_, err := sqlitedb.Wrap(open(t, filepath.Join(t.TempDir(), "app.db"), params))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", params, err)
		}
	}
}

// checker is what durable calls of a store in a file beside what it does of all.
func checker(s store.Sealed[*sql.Tx]) interface {
	Present() error
	Verify(ctx context.Context) error
} {
	return store.Of(s).(interface {
		Present() error
		Verify(ctx context.Context) error
	})
}
