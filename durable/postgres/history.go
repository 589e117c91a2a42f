package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/lifecycle"
)

// prepareHistory makes the tables of what ended by the hour, and of who did what.
const prepareHistory = `CREATE TABLE IF NOT EXISTS stead_hour (
		queue text NOT NULL, hour timestamptz NOT NULL, handled bigint NOT NULL, gave_up bigint NOT NULL, canceled bigint NOT NULL,
		PRIMARY KEY (queue, hour));
	CREATE INDEX IF NOT EXISTS stead_hour_age ON stead_hour (hour);
	CREATE TABLE IF NOT EXISTS stead_audit (
		id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(),
		actor text NOT NULL, action text NOT NULL, kind text NOT NULL, name text NOT NULL, job bigint NOT NULL,
		count bigint NOT NULL, detail text NOT NULL);`

// AddHour adds to the numbers of this hour. An hour begins where it does in UTC: that of the
// session may be half an hour off.
func (s *backend) AddHour(ctx context.Context, ended []store.Hour) error {
	list, err := json.Marshal(ended)
	if err != nil {
		return fmt.Errorf("stead/durable/postgres: count what ended: %w", err)
	}
	return s.exec(ctx, "count what ended", `INSERT INTO stead_hour AS h (queue, hour, handled, gave_up, canceled)
		SELECT queue, to_timestamp(floor(extract(epoch FROM now()) / 3600) * 3600), handled, gave_up, canceled
		FROM json_to_recordset($1::json) AS n (queue text, handled bigint, gave_up bigint, canceled bigint)
		ON CONFLICT (queue, hour) DO UPDATE SET handled = h.handled + excluded.handled,
			gave_up = h.gave_up + excluded.gave_up, canceled = h.canceled + excluded.canceled`, string(list))
}

// Hours lists what ended.
func (s *backend) Hours(ctx context.Context, queue string, since time.Time) ([]store.Hour, error) {
	rows, err := s.pool.Query(ctx, `SELECT hour, queue, handled, gave_up, canceled FROM stead_hour
		WHERE queue = $1 AND hour >= $2 ORDER BY hour`, queue, since)
	if err != nil {
		return nil, fmt.Errorf("stead/durable/postgres: list what ended: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[store.Hour])
	if err != nil {
		return nil, fmt.Errorf("stead/durable/postgres: list what ended: %w", err)
	}
	return list, nil
}

// AddAudit adds to the audit trail.
func (s *backend) AddAudit(ctx context.Context, entries []lifecycle.AuditEntry) error {
	list, err := json.Marshal(entries)
	if err != nil {
		return fmt.Errorf("stead/durable/postgres: write audit trail: %w", err)
	}
	return s.exec(ctx, "write audit trail", `INSERT INTO stead_audit (actor, action, kind, name, job, count, detail)
		SELECT actor, action, kind, name, job, count, detail FROM json_to_recordset($1::json) AS n
			(actor text, action text, kind text, name text, job bigint, count bigint, detail text)`, string(list))
}

// Audit lists the audit trail.
func (s *backend) Audit(ctx context.Context, before int64, limit int) ([]lifecycle.AuditEntry, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, at, actor, action, kind, name, job, count, detail FROM stead_audit
		WHERE id < $1 ORDER BY id DESC LIMIT $2`, before, limit)
	if err != nil {
		return nil, fmt.Errorf("stead/durable/postgres: list audit trail: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[lifecycle.AuditEntry])
	if err != nil {
		return nil, fmt.Errorf("stead/durable/postgres: list audit trail: %w", err)
	}
	return list, nil
}

// Forget deletes what is old. Of the trail it looks at no more than the oldest entries, and
// it leaves out what another process deletes.
func (s *backend) Forget(ctx context.Context, hours, audit time.Duration, limit int) (more bool, err error) {
	for statement, age := range map[string]time.Duration{
		`DELETE FROM stead_hour AS h USING (SELECT queue, hour FROM stead_hour WHERE hour < now() - make_interval(secs => $1)
			ORDER BY hour LIMIT $2 FOR UPDATE SKIP LOCKED) AS old WHERE h.queue = old.queue AND h.hour = old.hour`: hours,
		`DELETE FROM stead_audit WHERE id IN (SELECT id FROM stead_audit WHERE at < now() - make_interval(secs => $1)
			AND id <= (SELECT max(id) FROM (SELECT id FROM stead_audit ORDER BY id LIMIT $2) AS oldest)
			FOR UPDATE SKIP LOCKED)`: audit,
	} {
		done, err := s.pool.Exec(ctx, statement, age.Seconds(), limit)
		if err != nil {
			return false, fmt.Errorf("stead/durable/postgres: delete old history: %w", err)
		}
		more = more || done.RowsAffected() >= int64(limit)
	}
	return more, nil
}
