package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

// The engine would ask the file for announcements twenty times a second, and now and then for
// jobs of each queue, with statements that write. Here it is not asked for what cannot
// have changed since it was asked last. What remains is the time at which the next job
// of a queue is due.

// mark is a state of the file: as long as it is the same nobody has written. What others
// write is known by SQLite's own number. It does not count what the connection itself
// writes: that is known by the log, where every commit is written to.
type mark struct {
	conn    any // the version is that of one connection
	version int64
	size    int64 // of the log
	written time.Time
}

// glimpse is what the process knows of the file.
type glimpse struct {
	db  *sql.DB
	log string // the path of SQLite's write-ahead log

	mu      sync.Mutex
	last    mark
	settled bool // last was taken when nobody had written for that long
	agenda  agenda
}

// agenda is when the next job of each queue is due, as the file says in one state.
type agenda struct {
	at   mark
	seen time.Time
	due  map[string]time.Time // zero if there is none
	good time.Time            // until then, although nobody writes; zero if always
}

const (
	// settled is how long nobody must have written to the log until that alone says
	// that nothing has changed. A commit is in the log before it is to be seen, by
	// the time that the disk takes.
	settled = 500 * time.Millisecond

	// grain is how exact the time of a file may be.
	grain = 50 * time.Millisecond

	// trust is how long a queue is not asked for jobs at most. It is for a disk that
	// takes longer than settled, where no process leads: who does writes every 5 s.
	trust = 30 * time.Second
)

// now is one look at the file. It reports whether another look that has the same mark
// says that nothing has changed in between.
func (g *glimpse) now(ctx context.Context) (m mark, sure bool, err error) {
	if size, written := g.stat(); !written.IsZero() && time.Since(written) > settled {
		g.mu.Lock()
		last, known := g.last, g.settled
		g.mu.Unlock()
		if known && last.size == size && last.written.Equal(written) {
			return last, true, nil
		}
	}
	conn, err := g.db.Conn(ctx)
	if err != nil {
		return m, false, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	// What this process writes is done: it has the connection.
	m.size, m.written = g.stat()
	age := time.Since(m.written)
	if err := conn.Raw(func(c any) error { m.conn = c; return nil }); err != nil {
		return m, false, err
	}
	if err := conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&m.version); err != nil {
		return m, false, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last, g.settled = m, age > settled && !m.written.IsZero()
	return m, !m.written.IsZero() && age > grain && runtime.GOOS != "windows", nil // which tells the time of an open file late
}

// stat opens nothing, see durable/sqlite. Without a log nothing is sure.
func (g *glimpse) stat() (size int64, written time.Time) {
	info, err := os.Stat(g.log)
	if err != nil {
		return 0, time.Time{}
	}
	return info.Size(), info.ModTime()
}

// known returns the agenda, if it is still that of the file.
func (g *glimpse) known(m mark) (a agenda, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.agenda, !g.agenda.seen.IsZero() && g.agenda.at == m && time.Since(g.agenda.seen) < trust
}

// isEmpty reports whether a queue has no job that is due.
func (a agenda) isEmpty(queue string) bool {
	due, ok := a.due[queue]
	return ok && (due.IsZero() || time.Now().Before(due))
}

// seeing is the engine's driver with a glimpse before what is asked for often.
type seeing struct {
	*riversqlite.Driver

	glimpse *glimpse
}

func newSeeing(db *sql.DB, path string) *seeing {
	return &seeing{riversqlite.New(db), &glimpse{db: db, log: path + "-wal"}}
}

func (s *seeing) GetExecutor() riverdriver.Executor {
	return seeingExecutor{s.Driver.GetExecutor(), s.glimpse}
}

func (s *seeing) GetListener(params *riverdriver.GetListenenerParams) riverdriver.Listener {
	return &listener{glimpse: s.glimpse, schema: params.Schema}
}

type seeingExecutor struct {
	riverdriver.Executor

	glimpse *glimpse
}

// JobGetAvailable takes jobs.
func (e seeingExecutor) JobGetAvailable(ctx context.Context, params *riverdriver.JobGetAvailableParams) (*riverdriver.JobGetAvailableResult, error) {
	// Before it asks: what is written meanwhile has another mark.
	at, sure, err := e.glimpse.now(ctx)
	if err != nil {
		return nil, err
	}
	if a, ok := e.glimpse.known(at); sure && ok && a.isEmpty(params.Queue) {
		return &riverdriver.JobGetAvailableResult{}, nil
	}
	return e.Executor.JobGetAvailable(ctx, params)
}
