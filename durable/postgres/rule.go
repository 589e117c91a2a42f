package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/steadgo/stead/durable/internal/store"
)

// Rules lists the schedules of the store.
func (s *backend) Rules(ctx context.Context) ([]store.Rule, error) {
	rows, err := s.pool.Query(ctx, "SELECT name, queue, cron, zone, item, paused FROM stead_rule ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("stead/durable/postgres: list schedules: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[store.Rule])
	if err != nil {
		return nil, fmt.Errorf("stead/durable/postgres: list schedules: %w", err)
	}
	return all, nil
}

// PutRule adds or replaces a schedule.
func (s *backend) PutRule(ctx context.Context, r store.Rule) error {
	return s.exec(ctx, "put schedule", `INSERT INTO stead_rule (name, queue, cron, zone, item, paused) VALUES ($1, $2, $3, $4, $5, false)
		ON CONFLICT (name) DO UPDATE SET queue = excluded.queue, cron = excluded.cron, zone = excluded.zone, item = excluded.item`,
		r.Name, r.Queue, r.Cron, r.Zone, r.Item)
}

// PauseRule pauses or resumes a schedule.
func (s *backend) PauseRule(ctx context.Context, name string, paused bool) (string, error) {
	return s.changeRule(ctx, `WITH rule AS (UPDATE stead_rule SET paused = $2 WHERE name = $1 RETURNING name, queue),
			place AS (UPDATE stead_schedule AS s SET next = 0 FROM rule WHERE s.name = rule.name AND s.queue = rule.queue)
		SELECT queue FROM rule`, name, paused)
}

// DeleteRule removes a schedule.
func (s *backend) DeleteRule(ctx context.Context, name string) (string, error) {
	return s.changeRule(ctx, `WITH rule AS (DELETE FROM stead_rule WHERE name = $1 RETURNING name, queue),
			place AS (DELETE FROM stead_schedule AS s USING rule WHERE s.name = rule.name AND s.queue = rule.queue)
		SELECT queue FROM rule`, name)
}

func (s *backend) changeRule(ctx context.Context, statement string, args ...any) (queue string, err error) {
	err = s.pool.QueryRow(ctx, statement, args...).Scan(&queue)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("stead/durable/postgres: change schedule: %w", err)
	}
	return queue, nil
}
