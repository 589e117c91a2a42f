package sqlitedb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river/riverdriver"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/durable/sqlitedb"
)

// counting is a driver that counts the statements that take jobs, and those that read
// announcements.
type counting struct {
	driver.Driver

	takes, reads, dues atomic.Int64
}

func (c *counting) Open(name string) (driver.Conn, error) {
	conn, err := c.Driver.Open(name)
	return countingConn{conn, c}, err
}

type countingConn struct {
	driver.Conn

	by *counting
}

func (c countingConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

func (c countingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c countingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if strings.Contains(query, "JobGetAvailable") {
		c.by.takes.Add(1)
	}
	if strings.Contains(query, "min(scheduled_at)") {
		c.by.dues.Add(1)
	}
	if strings.Contains(query, "topic, payload FROM river_notification") {
		c.by.reads.Add(1)
	}
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

type named struct {
	*counting

	name string
}

func (n named) Connect(context.Context) (driver.Conn, error) { return n.Open(n.name) }
func (n named) Driver() driver.Driver                        { return n.counting }

// counted is a migrated store, and a second database of the same file.
func counted(t *testing.T) (c *counting, s *sqlitedb.Store, other *sql.DB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	other = openAt(t, path, well, 1)
	c = &counting{Driver: other.Driver()}
	db := sql.OpenDB(named{c, "file:" + path + "?" + well})
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	s, err := sqlitedb.Wrap(db)
	if err == nil {
		err = durable.Migrate(t.Context(), s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c, s, other
}

func take(t *testing.T, s *sqlitedb.Store, queue string) (ids []int64) {
	t.Helper()
	res, err := store.Of(s).Driver().GetExecutor().JobGetAvailable(t.Context(),
		&riverdriver.JobGetAvailableParams{ClientID: "me", MaxAttemptedBy: 10, MaxToLock: 1000, Queue: queue})
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range res.Jobs {
		ids = append(ids, j.ID)
	}
	slices.Sort(ids)
	return ids
}

func TestAnIdleQueueIsNotAskedForJobsAgain(t *testing.T) {
	c, s, _ := counted(t)
	longAgo := time.Now().Add(-time.Minute)
	if err := os.Chtimes(s.String()+"-wal", longAgo, longAgo); err != nil { // nobody has written for long enough
		t.Fatal(err)
	}
	take(t, s, "one")
	for range 200 {
		if due, _, err := store.Of(s).Due(t.Context(), []string{"one", "two"}); err != nil || len(due) != 0 {
			t.Fatal(due, err)
		}
		take(t, s, "one")
		take(t, s, "two")
	}
	if n, dues := c.takes.Load(), c.dues.Load(); n != 1 || dues != 1 {
		t.Errorf("%d statements for two queues without jobs, and %d looks at what is due", n, dues)
	}
	l := store.Of(s).Driver().GetListener(&riverdriver.GetListenenerParams{})
	if err := l.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := l.Listen(t.Context(), "topic"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if n, err := l.WaitForNotification(ctx); n != nil || ctx.Err() == nil {
		t.Errorf("%v, %v", n, err)
	}
	if n := c.reads.Load(); n != 1 {
		t.Errorf("the announcements were read %d times", n)
	}
}

// Whoever writes, and whenever what it writes is due: the next look finds it.
func TestNoJobIsOverlooked(t *testing.T) {
	_, s, other := counted(t)
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	type job struct {
		queue string
		due   time.Time
	}
	waiting := map[int64]job{}
	queues := []string{"one", "two", "three"}
	for step := range 100 {
		switch r.IntN(4) {
		case 0, 1:
			db := []*sql.DB{s.DB(), other}[r.IntN(2)]
			j := job{queues[r.IntN(len(queues))], time.Now().Add(time.Duration(r.IntN(60)-30) * time.Millisecond)}
			var id int64
			err := db.QueryRowContext(t.Context(), `INSERT INTO river_job (args, kind, max_attempts, queue, state, priority, scheduled_at)
				VALUES (jsonb('{}'), 'k', 3, ?, 'available', ?, ?) RETURNING id`, j.queue, 1+r.IntN(4), j.due.UTC().Format("2006-01-02 15:04:05.000")).Scan(&id)
			if err != nil {
				t.Fatal(err)
			}
			waiting[id] = j
		case 2:
			time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
		}
		queue := queues[r.IntN(len(queues))]
		if r.IntN(2) == 0 {
			if _, _, err := store.Of(s).Due(t.Context(), queues); err != nil {
				t.Fatal(err)
			}
		}
		before := time.Now()
		got := take(t, s, queue)
		for _, id := range got {
			if j, ok := waiting[id]; !ok || j.queue != queue {
				t.Fatalf("seed %d, step %d: job %d of %+v for %s", seed, step, id, j, queue)
			}
			delete(waiting, id)
		}
		for id, j := range waiting {
			if j.queue == queue && before.Sub(j.due) > 2*time.Millisecond {
				t.Fatalf("seed %d, step %d: job %d, due %v ago, was overlooked", seed, step, id, before.Sub(j.due))
			}
		}
	}
}

func TestAnnouncementsOfOthersAndOfThisProcessAreHeard(t *testing.T) {
	_, s, other := counted(t)
	l := store.Of(s).Driver().GetListener(&riverdriver.GetListenenerParams{})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tell := func(db *sql.DB, topic, text string) {
		t.Helper()
		if _, err := db.ExecContext(ctx, "INSERT INTO river_notification (topic, payload) VALUES (?, ?)", topic, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Listen(ctx, "a"); err == nil {
		t.Error("it listens without a connection")
	}
	tell(other, "a", "before")
	if err := l.Connect(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.Connect(ctx); err == nil {
		t.Error("connected twice")
	}
	if err := l.Listen(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	for i, db := range []*sql.DB{other, s.DB(), other, other} {
		text := []string{"w", "x", "y", "z"}[i]
		tell(db, "b", "not listened to")
		tell(db, "a", text)
		n, err := l.WaitForNotification(ctx)
		if err != nil || n.Topic != "a" || n.Payload != text {
			t.Errorf("%d: %+v, %v", i, n, err)
		}
	}
	tell(other, "b", "before it is listened to")
	if err := l.Listen(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	if err := l.Unlisten(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	tell(other, "a", "not any more")
	tell(other, "b", "last")
	if n, err := l.WaitForNotification(ctx); err != nil || n.Payload != "last" {
		t.Errorf("%+v, %v", n, err)
	}
	if err := l.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := l.WaitForNotification(ctx); err == nil {
		t.Error("it waits without a connection")
	}
}
