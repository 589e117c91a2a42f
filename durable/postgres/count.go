package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/steadgo/stead/durable/internal/census"
	"github.com/steadgo/stead/durable/internal/store"
)

// Counts counts the jobs by queue and state, all by an index. Of more than 10,000
// completed ones of a queue the number is an estimate, as there may be millions.
func (s *backend) Counts(ctx context.Context) (list []store.Count, err error) {
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, onlyByIndex); err != nil {
			return err
		}
		if list, err = collect[store.Count](ctx, tx, countOpen); err != nil {
			return err
		}
		list, err = addCompleted(ctx, tx, list)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("stead/durable/postgres: count jobs: %w", err)
	}
	return list, nil
}

// onlyByIndex keeps PostgreSQL from reading all rows, or sorting all completed ones, of
// a table that it has no statistics of yet, as after a restore, because it takes it for
// small. It does that by a price, for which the statement would be compiled, which
// takes longer than it.
const onlyByIndex = "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true)"

func addCompleted(ctx context.Context, tx pgx.Tx, list []store.Count) ([]store.Count, error) {
	type number struct {
		Queue string
		N     int
	}
	completed, err := collect[number](ctx, tx, countCompleted, census.Exact+1)
	if err != nil {
		return nil, err
	}
	many := false
	for _, c := range completed {
		list = append(list, store.Count{Queue: c.Queue, State: "completed", N: c.N, Estimate: c.N > census.Exact})
		many = many || c.N > census.Exact
	}
	if !many {
		return list, nil
	}
	var first, last int64
	if err := tx.QueryRow(ctx, "SELECT min(id), max(id) FROM river_job").Scan(&first, &last); err != nil {
		return nil, err
	}
	sampled, err := collect[number](ctx, tx, countSample, census.Sample(first, last))
	found := map[string]int{}
	for _, c := range sampled {
		found[c.Queue] = c.N
	}
	for i := range list {
		if list[i].Estimate {
			list[i].N = census.Estimate(first, last, found[list[i].Queue])
		}
	}
	return list, err
}

func collect[T any](ctx context.Context, tx pgx.Tx, query string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}

// countOpen counts all but the completed ones.
const countOpen = `SELECT queue, state::text, count(*), min(scheduled_at), false FROM river_job
	WHERE state IN ('available', 'cancelled', 'discarded', 'pending', 'retryable', 'running', 'scheduled') GROUP BY state, queue`

// countCompleted goes from queue to queue in the index, and counts a bounded number
// of each. It asks for them in the order of the index, or PostgreSQL may read the
// whole table in the hope that the bound comes early.
const countCompleted = `WITH RECURSIVE one(queue) AS (
		SELECT min(queue) FROM river_job WHERE state = 'completed'
		UNION ALL SELECT (SELECT min(queue) FROM river_job WHERE state = 'completed' AND queue > one.queue) FROM one WHERE one.queue IS NOT NULL)
	SELECT queue, (SELECT count(*) FROM (SELECT id FROM river_job WHERE state = 'completed' AND river_job.queue = one.queue
		ORDER BY priority, scheduled_at, id LIMIT $1) AS bounded)
	FROM one WHERE queue IS NOT NULL`

const countSample = "SELECT queue, count(*) FROM river_job WHERE id = ANY($1) AND state = 'completed' GROUP BY queue"
