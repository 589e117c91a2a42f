package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

// The engine asks the file for announcements twenty times a second, and for jobs of
// each queue every PollInterval, with statements that write. Here it is not asked for
// what cannot have changed: SQLite tells in a few microseconds whether anybody has
// written to the file. What remains is the time at which the next job of a queue is
// due.

// mark is a state of the file: as long as it is the same nobody has written.
type mark struct {
	conn    any   // the numbers are those of one connection
	others  int64 // changes by others
	changes int64 // rows that this connection has changed
}

// glimpse is what the process knows of the file.
type glimpse struct {
	db *sql.DB

	mu    sync.Mutex
	empty map[string]nothing // queues without a job that is due
}

// nothing is that a queue had no job that was due.
type nothing struct {
	at   mark
	seen time.Time
	next time.Time // when one will be; zero: there is none
}

// trust is how long the queue is not asked for jobs at most. It is for what nobody has
// thought of.
const trust = 30 * time.Second

// now is one look at the file.
func (g *glimpse) now(ctx context.Context) (m mark, err error) {
	conn, err := g.db.Conn(ctx)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := conn.Raw(func(c any) error { m.conn = c; return nil }); err != nil {
		return m, err
	}
	err = conn.QueryRowContext(ctx, "SELECT data_version, total_changes() FROM pragma_data_version").Scan(&m.others, &m.changes)
	return m, err
}

// isEmpty reports whether a queue has still no job that is due.
func (g *glimpse) isEmpty(queue string, m mark, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, ok := g.empty[queue]
	return ok && n.at == m && now.Sub(n.seen) < trust && (n.next.IsZero() || now.Before(n.next))
}

func (g *glimpse) found(queue string, n nothing) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.empty[queue] = n
}

// next is when the next job of a queue is due that is available. It reports whether it
// could tell.
func (g *glimpse) next(ctx context.Context, queue string) (next time.Time, ok bool) {
	var due sql.NullString
	if err := g.db.QueryRowContext(ctx, nextDue, queue).Scan(&due); err != nil {
		return next, false
	}
	if !due.Valid {
		return next, true
	}
	const layout = "2006-01-02 15:04:05.999"
	next, err := time.Parse(layout, due.String[:min(len(due.String), len(layout))])
	return next, err == nil
}

// nextDue is a search in the index for each priority.
const nextDue = `SELECT min(due) FROM (SELECT (SELECT min(scheduled_at) FROM river_job
	WHERE state = 'available' AND queue = ?1 AND priority = value) AS due FROM json_each('[0, 1, 2, 3, 4]'))`

// seeing is the engine's driver with a glimpse before what is asked for often.
type seeing struct {
	*riversqlite.Driver

	glimpse *glimpse
}

func newSeeing(db *sql.DB) *seeing {
	return &seeing{riversqlite.New(db), &glimpse{db: db, empty: map[string]nothing{}}}
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
	at, err := e.glimpse.now(ctx)
	if err != nil {
		return nil, err
	}
	if e.glimpse.isEmpty(params.Queue, at, time.Now()) {
		return &riverdriver.JobGetAvailableResult{}, nil
	}
	res, err := e.Executor.JobGetAvailable(ctx, params)
	if err != nil || len(res.Jobs) > 0 {
		return res, err
	}
	if next, ok := e.glimpse.next(ctx, params.Queue); ok {
		e.glimpse.found(params.Queue, nothing{at, time.Now(), next})
	}
	return res, nil
}
