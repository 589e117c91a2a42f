package durable

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/internal/guard"
)

// limits are what all processes together keep to in one queue.
//
// A job with a key is inserted as pending, a state that nobody fetches. A fetch of its
// queue first makes jobs of keys that have room available, in the transaction in which it
// fetches, and one fetch of a queue at a time does that. A job of a process that died
// holds its key until the job is rescued: it may still run.
type limits struct {
	key    int // jobs of one key; 0 if jobs have no keys
	global int // running jobs; 0 if there is no limit
}

// keyWindow is how many of the jobs that wait for their key a fetch looks at, the oldest
// first, before it looks at each key.
const keyWindow = 200

// limiting is a driver whose fetches keep to the limits of queues.
type limiting[TTx any] struct {
	riverdriver.Driver[TTx]

	limits map[string]limits // by queue; not written any more
	freed  func(queue string)
}

func (d limiting[TTx]) GetExecutor() riverdriver.Executor {
	return limitingExecutor{d.Driver.GetExecutor(), d.limits, dialects[d.DatabaseName()], d.freed}
}

type limitingExecutor struct {
	riverdriver.Executor

	limits map[string]limits
	sql    dialect
	freed  func(queue string)
}

// JobGetAvailable fetches jobs within the limits of the queue.
func (e limitingExecutor) JobGetAvailable(ctx context.Context, params *riverdriver.JobGetAvailableParams) (*riverdriver.JobGetAvailableResult, error) {
	l, ok := e.limits[params.Queue]
	if !ok {
		return e.Executor.JobGetAvailable(ctx, params)
	}
	tx, err := e.Begin(ctx)
	if err != nil {
		return nil, err
	}
	tx = qualifiedTx(tx, params.Schema)
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // does nothing after a commit
	within := *params
	if within.MaxToLock, err = e.room(ctx, tx, l, params); err != nil || within.MaxToLock <= 0 {
		return &riverdriver.JobGetAvailableResult{}, err
	}
	if l.key > 0 {
		if err := e.admit(ctx, tx, params.Queue, l.key, within.MaxToLock); err != nil {
			return nil, fmt.Errorf("stead/durable: keys of %q: %w", params.Queue, err)
		}
	}
	res, err := tx.JobGetAvailable(ctx, &within)
	if err == nil {
		err = tx.Commit(ctx)
	}
	if err != nil {
		return nil, err
	}
	return res, nil
}

// room is how many jobs may be fetched. Until the end of the transaction no other process
// asks.
func (e limitingExecutor) room(ctx context.Context, tx riverdriver.ExecutorTx, l limits, params *riverdriver.JobGetAvailableParams) (int, error) {
	if e.sql.lock != "" {
		if err := tx.Exec(ctx, e.sql.lock, params.Schema+params.Queue); err != nil {
			return 0, err
		}
	}
	if l.global == 0 {
		return params.MaxToLock, nil
	}
	var running int
	err := tx.QueryRow(ctx, e.sql.running, params.Queue, l.global).Scan(&running)
	return min(params.MaxToLock, l.global-running), err
}

// admit makes jobs available of keys that have room, at most room. The oldest come first,
// so none starves. If a key has so many old jobs that the window shows no others, each key
// is looked at, and the oldest of each that has room is admitted.
func (e limitingExecutor) admit(ctx context.Context, tx riverdriver.ExecutorTx, queue string, limit, room int) error {
	var ids string
	var seen int
	if err := tx.QueryRow(ctx, e.sql.oldest, queue, keyWindow, limit, room).Scan(&ids, &seen); err != nil {
		return err
	}
	n, err := e.release(ctx, tx, ids)
	if err != nil || n >= room || seen < keyWindow {
		return err
	}
	if err := tx.QueryRow(ctx, e.sql.each, queue, limit, room-n).Scan(&ids); err != nil {
		return err
	}
	_, err = e.release(ctx, tx, ids)
	return err
}

func (e limitingExecutor) release(ctx context.Context, tx riverdriver.ExecutorTx, ids string) (n int, err error) {
	var list []int64
	if err := json.Unmarshal([]byte(ids), &list); err != nil || len(list) == 0 {
		return 0, err
	}
	return len(list), tx.Exec(ctx, e.sql.release, ids)
}

// JobSetStateIfRunningMany ends attempts: others may begin.
func (e limitingExecutor) JobSetStateIfRunningMany(ctx context.Context, params *riverdriver.JobSetStateIfRunningManyParams) ([]*rivertype.JobRow, error) {
	rows, err := e.Executor.JobSetStateIfRunningMany(ctx, params)
	queues := map[string]bool{}
	for _, row := range rows {
		if _, ok := e.limits[row.Queue]; ok && !queues[row.Queue] {
			queues[row.Queue] = true
			e.freed(row.Queue)
		}
	}
	return rows, err
}

// dialect is the statements of one kind of database.
type dialect struct {
	lock    string // (schema and queue): holds other fetches of the queue up; empty if transactions do
	running string // (queue, most): how many run
	waiting string // (queue, most): how many wait for a worker or for their key
	oldest  string // (queue, window, limit, room): what to admit, of how many
	each    string // (queue, limit, room): what to admit, one of each key
	release string // (ids)
	hold    string // (id): makes a job wait for its key
}

var dialects = map[string]dialect{
	"postgres": dialectOf("$", "pg_advisory_xact_lock(hashtextextended('stead '||@1, 0))",
		"metadata->>'stead_key'", "metadata ? 'stead_key'", "now()", "COALESCE(json_agg(id), '[]')::text", "SELECT value::bigint FROM json_array_elements_text(@1::json)"),
	"sqlite": dialectOf("?", "", store.SQLiteKey, store.SQLiteKey+" IS NOT NULL", "datetime('now', 'subsec')", "json_group_array(id)", "SELECT value FROM json_each(@1)"),
}

// dialectOf writes the statements, whose conditions are those of the indexes on keys.
func dialectOf(mark, lock, key, hasKey, now, list, elements string) dialect {
	text := func(s string) string {
		return strings.NewReplacer("KEYED", hasKey, "KEY", key, "NOW", now, "LIST", list, "ELEMENTS", strings.ReplaceAll(elements, "@", mark), "@", mark).Replace(s)
	}
	const bounded = "SELECT count(*) FROM (SELECT 1 FROM river_job WHERE state %s AND queue = @1 LIMIT @2) AS bounded"
	const active = "SELECT count(*) FROM river_job WHERE queue = @1 AND state IN ('available', 'running', 'retryable') AND KEYED AND KEY = found.name"
	const waits = "queue = @1 AND state = 'pending' AND KEYED"
	d := dialect{
		running: text(fmt.Sprintf(bounded, "= 'running'")),
		waiting: text(fmt.Sprintf(bounded, "IN ('available', 'pending')")),
		oldest: text(`WITH oldest AS (SELECT id, priority, scheduled_at, KEY AS name FROM river_job
				WHERE ` + waits + ` AND scheduled_at <= NOW ORDER BY priority, scheduled_at, id LIMIT @2),
			found AS (SELECT *, row_number() OVER (PARTITION BY name ORDER BY priority, scheduled_at, id) AS nth FROM oldest)
			SELECT LIST, (SELECT count(*) FROM oldest) FROM (SELECT id FROM found
				WHERE nth <= @3 AND nth + (` + active + `) <= @3 ORDER BY priority, scheduled_at, id LIMIT @4) AS admitted`),
		each: text(`WITH RECURSIVE found(name) AS (SELECT min(KEY) FROM river_job WHERE ` + waits + `
				UNION ALL SELECT (SELECT min(KEY) FROM river_job WHERE ` + waits + ` AND KEY > found.name) FROM found WHERE found.name IS NOT NULL)
			SELECT LIST FROM (SELECT id FROM river_job WHERE id IN (
				SELECT (SELECT id FROM river_job WHERE ` + waits + ` AND KEY = found.name AND scheduled_at <= NOW ORDER BY priority, scheduled_at, id LIMIT 1)
				FROM found WHERE name IS NOT NULL AND (` + active + `) < @2)
			ORDER BY priority, scheduled_at, id LIMIT @3) AS admitted`),
		release: text("UPDATE river_job SET state = 'available' WHERE state = 'pending' AND id IN (ELEMENTS)"),
		hold:    text("UPDATE river_job SET state = 'pending' WHERE state = 'available' AND id = @1"),
	}
	if lock != "" {
		d.lock = text("SELECT " + lock)
	}
	return d
}

// limits returns the limits of the queue.
func (c *QueueConfig[T]) limits() limits {
	l := limits{global: c.GlobalLimit}
	if c.Key != nil {
		l.key = cmp.Or(c.KeyLimit, 1)
	}
	return l
}

// limitsLocked are the limits of the queues that have any.
func (j *core) limitsLocked() map[string]limits {
	all := map[string]limits{}
	for _, q := range j.queues {
		if q.limits != (limits{}) {
			all[q.kind] = q.limits
		}
	}
	return all
}

// keyed reports whether the jobs of a queue wait for their keys: the engine announces
// none of them.
func (j *core) keyed(queue string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.ContainsFunc(j.queues, func(q registered) bool { return q.kind == queue && q.limits.key > 0 })
}

// keyOf is the key of an item, empty if it has none.
func (q *Queue[T]) keyOf(item T) (key string, err error) {
	if q.cfg.Key == nil {
		return "", nil
	}
	if err := guard.Call(func() error { key = q.cfg.Key(item); return nil }); err != nil {
		return "", fmt.Errorf("the key: %w", err)
	}
	if key == "" {
		return "", nil
	}
	if err := checkName(key); err != nil {
		return "", fmt.Errorf("the key: %w", err)
	}
	return key, nil
}
