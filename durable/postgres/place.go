package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/steadgo/stead/durable/internal/store"
)

// Places lists the schedules, and the time of the server.
func (s *backend) Places(ctx context.Context) (all []store.Place, now time.Time, err error) {
	fail := func(err error) ([]store.Place, time.Time, error) {
		return nil, time.Time{}, fmt.Errorf("stead/durable/postgres: list schedules: %w", err)
	}
	rows, err := s.pool.Query(ctx, "SELECT queue, name, last, next FROM stead_schedule")
	if err != nil {
		return fail(err)
	}
	if all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[store.Place]); err != nil {
		return fail(err)
	}
	if err := s.pool.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now); err != nil {
		return fail(err)
	}
	return all, now, nil
}

// Move moves a schedule on.
func (s *backend) Move(ctx context.Context, tx pgx.Tx, from, to store.Place) (bool, error) {
	const add = "INSERT INTO stead_schedule (last, next, queue, name) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
	const replace = "UPDATE stead_schedule SET last = $1, next = $2 WHERE queue = $3 AND name = $4 AND last = $5 AND next = $6"
	statement, args := add, []any{to.Last, to.Next, to.Queue, to.Name}
	if from.Last != 0 {
		statement, args = replace, append(args, from.Last, from.Next)
	}
	done, err := s.pool.in(tx).Exec(ctx, statement, args...)
	if err != nil {
		return false, fmt.Errorf("stead/durable/postgres: move schedule: %w", err)
	}
	return done.RowsAffected() == 1, nil
}
