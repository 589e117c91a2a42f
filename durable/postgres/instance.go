package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/lifecycle"
)

// Prepare makes the tables of the processes, of the schedules, of what follows jobs and of
// what has been. The names of what is created cannot be qualified: its transaction has the
// schema as search_path.
func (s *backend) Prepare(ctx context.Context) error {
	err := pgx.BeginFunc(ctx, s.pool.Pool, func(tx pgx.Tx) error {
		if s.pool.schema != "" {
			if _, err := tx.Exec(ctx, "SELECT set_config('search_path', $1, true)", `"`+s.pool.schema+`"`); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, prepare)
		return err
	})
	if err != nil {
		return fmt.Errorf("stead/durable/postgres: prepare: %w", err)
	}
	return nil
}

// prepare is one statement. Two that make a table at the same time fail each other even so,
// unless one waits: the lock ends with the transaction.
var prepare = `DO $$ BEGIN
		PERFORM pg_advisory_xact_lock(hashtext('stead_instance'));
		CREATE TABLE IF NOT EXISTS stead_instance (
			id text PRIMARY KEY, host text NOT NULL, pid bigint NOT NULL, role text NOT NULL,
			since timestamptz NOT NULL, seen timestamptz NOT NULL);
		ALTER TABLE stead_instance ADD COLUMN IF NOT EXISTS horizon bigint NOT NULL DEFAULT 0;
		ALTER TABLE stead_instance ADD COLUMN IF NOT EXISTS queues text NOT NULL DEFAULT '';
		CREATE TABLE IF NOT EXISTS stead_schedule (
			queue text NOT NULL, name text NOT NULL, last bigint NOT NULL, next bigint NOT NULL,
			PRIMARY KEY (queue, name));
		CREATE TABLE IF NOT EXISTS stead_rule (
			name text PRIMARY KEY, queue text NOT NULL, cron text NOT NULL, zone text NOT NULL, item text NOT NULL, paused boolean NOT NULL);
		IF to_regclass('stead_key_waiting') IS NULL THEN
			CREATE INDEX stead_key_active ON river_job (queue, (metadata->>'stead_key'))
				WHERE state IN ('available', 'running', 'retryable') AND metadata ? 'stead_key';
			CREATE INDEX stead_key_waiting ON river_job (queue, (metadata->>'stead_key'), priority, scheduled_at, id)
				WHERE state = 'pending' AND metadata ? 'stead_key';
		END IF;
		IF to_regclass('stead_gave_up') IS NULL THEN
			CREATE INDEX stead_gave_up ON river_job (queue, finalized_at, id) WHERE ` + store.GaveUp(true) + `;
		END IF;
		IF to_regclass('stead_follow') IS NULL THEN
			` + prepareFollow + `
		END IF;
		` + prepareHistory + `
		END $$`

// Announce notes that the process lives.
func (s *backend) Announce(ctx context.Context, i lifecycle.Instance, horizon time.Duration) error {
	return s.exec(ctx, "announce", `INSERT INTO stead_instance (id, host, pid, role, since, seen, horizon)
		VALUES ($1, $2, $3, $4, $5, now(), $6) ON CONFLICT (id) DO UPDATE SET seen = excluded.seen`,
		i.ID, i.Host, i.PID, i.Role, i.Since, horizon.Milliseconds())
}

// Leave takes that back, and what processes left that were killed so long ago that
// none of their attempts can be younger than their horizon.
func (s *backend) Leave(ctx context.Context, id string) error {
	return s.exec(ctx, "leave", `DELETE FROM stead_instance WHERE id = $1
		OR seen < now() - interval '1 minute' - make_interval(secs => horizon / 500.0)`, id)
}

// Stuck lists attempts that may be lost. The arithmetic on the ID keeps the planner from
// walking all jobs in that order, instead of the few that the index has as running.
// A row that another transaction changes is passed over. The lock is one that looks of
// several processes at the same time share: with one that excludes them, each could keep
// the others from ever finding an attempt in two looks.
func (s *backend) Stuck(ctx context.Context, self string, horizon time.Duration, after int64, limit int) ([]store.Stuck, error) {
	rows, err := s.pool.Query(ctx, `SELECT j.id, j.attempt, i.id IS NOT NULL AND i.id = $1
		FROM river_job AS j LEFT JOIN stead_instance AS i ON i.id = j.attempted_by[cardinality(j.attempted_by)]
		WHERE j.state = 'running' AND j.id + 0 > $3
			AND j.attempted_at < now() - make_interval(secs => COALESCE(NULLIF(i.horizon, 0), $2::bigint) / 1000.0)
			AND (i.id IS NULL OR i.id = $1
				OR i.seen < now() - LEAST(interval '1 minute', make_interval(secs => NULLIF(i.horizon, 0) / 1000.0)))
		ORDER BY j.id + 0 LIMIT $4
		FOR SHARE OF j SKIP LOCKED`, self, horizon.Milliseconds(), after, limit)
	if err != nil {
		return nil, fmt.Errorf("stead/durable/postgres: list lost jobs: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[store.Stuck])
	if err != nil {
		return nil, fmt.Errorf("stead/durable/postgres: list lost jobs: %w", err)
	}
	return list, nil
}

// Missing lists processes that have jobs and are not seen.
func (s *backend) Missing(ctx context.Context) ([]store.Missing, error) {
	rows, err := s.pool.Query(ctx, `SELECT by, COALESCE(host, ''), queue,
			COALESCE(CAST(extract(epoch FROM now() - seen) * 1000000000 AS bigint), 0), COALESCE(horizon, 0) * 1000000,
			count(*), min(attempted_at), max(attempted_at)
		FROM (SELECT attempted_by[cardinality(attempted_by)] AS by, queue, attempted_at FROM river_job
			WHERE state = 'running' AND cardinality(attempted_by) > 0) AS taken LEFT JOIN stead_instance ON id = by
		WHERE id IS NULL OR seen < now() - interval '30 seconds' GROUP BY by, host, queue, seen, horizon`)
	if err != nil {
		return nil, fmt.Errorf("stead/durable/postgres: list missing processes: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[store.Missing])
	if err != nil {
		return nil, fmt.Errorf("stead/durable/postgres: list missing processes: %w", err)
	}
	return list, nil
}

// Instances lists the processes that were seen in the last minute.
func (s *backend) Instances(ctx context.Context) ([]lifecycle.Instance, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, host, pid, role, since, seen,
			EXISTS (SELECT 1 FROM river_leader WHERE leader_id = id AND expires_at > now())
		FROM stead_instance WHERE seen >= now() - interval '1 minute' ORDER BY since, id`)
	if err != nil {
		return nil, fmt.Errorf("stead/durable/postgres: list instances: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (i lifecycle.Instance, err error) {
		return i, row.Scan(&i.ID, &i.Host, &i.PID, &i.Role, &i.Since, &i.Seen, &i.Leads)
	})
	if err != nil {
		return nil, fmt.Errorf("stead/durable/postgres: list instances: %w", err)
	}
	return list, nil
}

func (s *backend) exec(ctx context.Context, verb, statement string, args ...any) error {
	if _, err := s.pool.Exec(ctx, statement, args...); err != nil {
		return fmt.Errorf("stead/durable/postgres: %s: %w", verb, err)
	}
	return nil
}
