package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/lifecycle"
)

// Prepare makes the tables of the processes, of the schedules, of what follows jobs and of
// what has been.
func (s *backend) Prepare(ctx context.Context) error {
	err := s.exec(ctx, "prepare", `CREATE TABLE IF NOT EXISTS stead_instance (
		id text PRIMARY KEY, host text NOT NULL, pid integer NOT NULL, role text NOT NULL,
		since integer NOT NULL, seen integer NOT NULL);
	CREATE TABLE IF NOT EXISTS stead_schedule (
		queue text NOT NULL, name text NOT NULL, last integer NOT NULL, next integer NOT NULL,
		PRIMARY KEY (queue, name));
	CREATE TABLE IF NOT EXISTS stead_rule (
		name text PRIMARY KEY, queue text NOT NULL, cron text NOT NULL, zone text NOT NULL, item text NOT NULL, paused integer NOT NULL);
	CREATE INDEX IF NOT EXISTS stead_key_active ON river_job (queue, (`+store.SQLiteKey+`))
		WHERE state IN ('available', 'running', 'retryable') AND `+store.SQLiteKey+` IS NOT NULL;
	CREATE INDEX IF NOT EXISTS stead_key_waiting ON river_job (queue, (`+store.SQLiteKey+`), priority, scheduled_at, id)
		WHERE state = 'pending' AND `+store.SQLiteKey+` IS NOT NULL;
	CREATE INDEX IF NOT EXISTS stead_gave_up ON river_job (queue, finalized_at) WHERE `+store.GaveUp(false)+`;
	`+prepareHistory+prepareFollow)
	if err != nil {
		return err
	}
	for _, column := range []string{"horizon integer NOT NULL DEFAULT 0", "queues text NOT NULL DEFAULT ''"} {
		err := s.exec(ctx, "prepare", "ALTER TABLE stead_instance ADD COLUMN "+column)
		if err != nil && !strings.Contains(err.Error(), "duplicate column") { // SQLite has no IF NOT EXISTS for this
			return err
		}
	}
	return nil
}

// Announce notes that the process lives.
func (s *backend) Announce(ctx context.Context, i lifecycle.Instance, horizon time.Duration) error {
	return s.exec(ctx, "announce", `INSERT INTO stead_instance (id, host, pid, role, since, seen, horizon)
		VALUES (?, ?, ?, ?, ?, CAST(unixepoch('subsec') * 1000 AS integer), ?)
		ON CONFLICT (id) DO UPDATE SET seen = excluded.seen`,
		i.ID, i.Host, i.PID, i.Role, i.Since.UnixMilli(), horizon.Milliseconds())
}

// Leave takes that back, and what processes left that were killed so long ago that
// none of their attempts can be younger than their horizon.
func (s *backend) Leave(ctx context.Context, id string) error {
	return s.exec(ctx, "leave", `DELETE FROM stead_instance
		WHERE id = ? OR seen < unixepoch('subsec') * 1000 - 60000 - 2 * horizon`, id)
}

// Stuck lists attempts that may be lost. The arithmetic on the ID keeps the planner from
// walking all jobs in that order, instead of the few that the index has as running.
func (s *backend) Stuck(ctx context.Context, self string, horizon time.Duration, after int64, limit int) (list []store.Stuck, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT j.id, j.attempt, i.id IS NOT NULL AND i.id = ?1
		FROM river_job AS j LEFT JOIN stead_instance AS i ON i.id = json_extract(j.attempted_by, '$[#-1]')
		WHERE j.state = 'running' AND +j.id > ?3
			AND unixepoch(j.attempted_at, 'subsec') * 1000 < unixepoch('subsec') * 1000 - COALESCE(NULLIF(i.horizon, 0), ?2)
			AND (i.id IS NULL OR i.id = ?1
				OR i.seen < unixepoch('subsec') * 1000 - min(60000, COALESCE(NULLIF(i.horizon, 0), 60000)))
		ORDER BY +j.id LIMIT ?4`, self, horizon.Milliseconds(), after, limit)
	if err != nil {
		return nil, fmt.Errorf("stead/durable/sqlitedb: list lost jobs: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var s store.Stuck
		if err := rows.Scan(&s.ID, &s.Attempt, &s.Own); err != nil {
			return nil, fmt.Errorf("stead/durable/sqlitedb: list lost jobs: %w", err)
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

// Missing lists processes that have jobs and are not seen.
func (s *backend) Missing(ctx context.Context) (list []store.Missing, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		var m store.Missing
		var unseen, horizon, first, last int64
		err := rows.Scan(&m.ID, &m.Host, &m.Queue, &unseen, &horizon, &m.Jobs, &first, &last)
		m.Unseen, m.Horizon = time.Duration(unseen)*time.Millisecond, time.Duration(horizon)*time.Millisecond
		m.First, m.Last = time.UnixMilli(first), time.UnixMilli(last)
		list = append(list, m)
		return err
	}, `SELECT by, COALESCE(host, ''), queue, CAST(COALESCE(unixepoch('subsec') * 1000 - seen, 0) AS INTEGER), COALESCE(horizon, 0),
			count(*), CAST(unixepoch(min(attempted_at), 'subsec') * 1000 AS INTEGER), CAST(unixepoch(max(attempted_at), 'subsec') * 1000 AS INTEGER)
		FROM (SELECT json_extract(attempted_by, '$[#-1]') AS by, queue, attempted_at FROM river_job
			WHERE state = 'running' AND json_array_length(attempted_by) > 0) LEFT JOIN stead_instance ON id = by
		WHERE id IS NULL OR seen < unixepoch('subsec') * 1000 - 30000 GROUP BY by, host, queue, seen, horizon`)
	if err != nil {
		return nil, fmt.Errorf("stead/durable/sqlitedb: list missing processes: %w", err)
	}
	return list, nil
}

// Instances lists the processes that were seen in the last minute.
func (s *backend) Instances(ctx context.Context) (list []lifecycle.Instance, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, host, pid, role, since, seen,
			EXISTS (SELECT 1 FROM river_leader WHERE leader_id = id AND unixepoch(expires_at, 'subsec') > unixepoch('subsec'))
		FROM stead_instance WHERE seen >= unixepoch('subsec') * 1000 - 60000 ORDER BY since, id`)
	if err != nil {
		return nil, fmt.Errorf("stead/durable/sqlitedb: list instances: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var i lifecycle.Instance
		var since, seen int64
		if err := rows.Scan(&i.ID, &i.Host, &i.PID, &i.Role, &since, &seen, &i.Leads); err != nil {
			return nil, fmt.Errorf("stead/durable/sqlitedb: list instances: %w", err)
		}
		i.Since, i.Seen = time.UnixMilli(since), time.UnixMilli(seen)
		list = append(list, i)
	}
	return list, rows.Err()
}

func (s *backend) exec(ctx context.Context, verb, statement string, args ...any) error {
	if _, err := s.db.ExecContext(ctx, statement, args...); err != nil {
		return fmt.Errorf("stead/durable/sqlitedb: %s: %w", verb, err)
	}
	return nil
}
