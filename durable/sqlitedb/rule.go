package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/steadgo/stead/durable/internal/store"
)

// Rules lists the schedules of the store.
func (s *backend) Rules(ctx context.Context) (all []store.Rule, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		var r store.Rule
		err := rows.Scan(&r.Name, &r.Queue, &r.Cron, &r.Zone, &r.Item, &r.Paused)
		all = append(all, r)
		return err
	}, "SELECT name, queue, cron, zone, item, paused FROM stead_rule ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("stead/durable/sqlitedb: list schedules: %w", err)
	}
	return all, nil
}

// PutRule adds or replaces a schedule.
func (s *backend) PutRule(ctx context.Context, r store.Rule) error {
	return s.exec(ctx, "put schedule", `INSERT INTO stead_rule (name, queue, cron, zone, item, paused) VALUES (?, ?, ?, ?, ?, 0)
		ON CONFLICT (name) DO UPDATE SET queue = excluded.queue, cron = excluded.cron, zone = excluded.zone, item = excluded.item`,
		r.Name, r.Queue, r.Cron, r.Zone, r.Item)
}

// PauseRule pauses or resumes a schedule.
func (s *backend) PauseRule(ctx context.Context, name string, paused bool) (string, error) {
	return s.changeRule(ctx, "UPDATE stead_schedule SET next = 0 WHERE name = ? AND queue = ?",
		"UPDATE stead_rule SET paused = ?2 WHERE name = ?1 RETURNING queue", name, paused)
}

// DeleteRule removes a schedule.
func (s *backend) DeleteRule(ctx context.Context, name string) (string, error) {
	return s.changeRule(ctx, "DELETE FROM stead_schedule WHERE name = ? AND queue = ?",
		"DELETE FROM stead_rule WHERE name = ?1 RETURNING queue", name)
}

// changeRule changes a rule, and then its place, in one transaction.
func (s *backend) changeRule(ctx context.Context, place, rule, name string, args ...any) (queue string, err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err == nil {
		err = tx.QueryRowContext(ctx, rule, append([]any{name}, args...)...).Scan(&queue)
		if err == nil {
			_, err = tx.ExecContext(ctx, place, name, queue)
		}
		if err == nil {
			return queue, tx.Commit()
		}
		err = errors.Join(err, tx.Rollback())
	}
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return "", fmt.Errorf("stead/durable/sqlitedb: change schedule: %w", err)
}
