package sqlitedb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/durable/internal/census"
	"github.com/steadgo/stead/durable/internal/store"
)

// Counts counts the jobs by queue and state, all by an index. Of more than 10,000
// completed ones of a queue the number is an estimate, as there may be millions.
func (s *backend) Counts(ctx context.Context) ([]store.Count, error) {
	list, err := s.countOpen(ctx)
	if err == nil {
		list, err = s.addCompleted(ctx, list)
	}
	if err != nil {
		return nil, fmt.Errorf("stead/durable/sqlitedb: count jobs: %w", err)
	}
	return list, nil
}

// countOpen counts all but the completed ones.
func (s *backend) countOpen(ctx context.Context) (list []store.Count, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		var c store.Count
		var due int64
		err := rows.Scan(&c.Queue, &c.State, &c.N, &due)
		c.Due = time.UnixMilli(due)
		list = append(list, c)
		return err
	}, countOpen)
	return list, err
}

func (s *backend) addCompleted(ctx context.Context, list []store.Count) ([]store.Count, error) {
	many := false
	err := s.each(ctx, func(rows *sql.Rows) error {
		c := store.Count{State: "completed"}
		err := rows.Scan(&c.Queue, &c.N)
		c.Estimate = c.N > census.Exact
		many = many || c.Estimate
		list = append(list, c)
		return err
	}, countCompleted, census.Exact+1)
	if err != nil || !many {
		return list, err
	}
	var first, last int64
	if err := s.db.QueryRowContext(ctx, idRange).Scan(&first, &last); err != nil {
		return nil, err
	}
	ids, err := json.Marshal(census.Sample(first, last))
	if err != nil {
		return nil, err
	}
	found := map[string]int{}
	err = s.each(ctx, func(rows *sql.Rows) error {
		var queue string
		var n int
		err := rows.Scan(&queue, &n)
		found[queue] = n
		return err
	}, countSample, string(ids))
	for i := range list {
		if list[i].Estimate {
			list[i].N = census.Estimate(first, last, found[list[i].Queue])
		}
	}
	return list, err
}

// each calls do for every row of a query.
func (s *backend) each(ctx context.Context, do func(*sql.Rows) error, query string, args ...any) (err error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// countOpen has times in milliseconds. The engine writes most of them as SQLite does, and
// the due ones of a retry as Go prints them: "... +0000 UTC m=+12.3".
const countOpen = `SELECT queue, state, n,
		CAST(COALESCE(unixepoch(CASE instr(due, ' +') WHEN 0 THEN due ELSE substr(due, 1, instr(due, ' +') - 1) END, 'subsec'), 0) * 1000 AS INTEGER)
	FROM (SELECT queue, state, count(*) AS n, min(scheduled_at) AS due FROM river_job INDEXED BY river_job_prioritized_fetching_index
		WHERE state IN ('available', 'cancelled', 'discarded', 'pending', 'retryable', 'running', 'scheduled') GROUP BY state, queue)`

// countCompleted goes from queue to queue in the index, and counts a bounded number
// of each.
const countCompleted = `WITH RECURSIVE one(queue) AS (
		SELECT min(queue) FROM river_job WHERE state = 'completed'
		UNION ALL SELECT (SELECT min(queue) FROM river_job WHERE state = 'completed' AND queue > one.queue) FROM one WHERE one.queue IS NOT NULL)
	SELECT queue, (SELECT count(*) FROM (SELECT 1 FROM river_job INDEXED BY river_job_prioritized_fetching_index
		WHERE state = 'completed' AND queue = one.queue LIMIT ?)) FROM one WHERE queue IS NOT NULL`

const idRange = "SELECT (SELECT min(id) FROM river_job), (SELECT max(id) FROM river_job)"

const countSample = `SELECT queue, count(*) FROM river_job
	WHERE id IN (SELECT value FROM json_each(?)) AND +state = 'completed' GROUP BY queue`
