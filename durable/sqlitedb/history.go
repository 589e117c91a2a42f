package sqlitedb

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/lifecycle"
)

// prepareHistory makes the tables of what ended by the hour, and of who did what.
const prepareHistory = `CREATE TABLE IF NOT EXISTS stead_hour (
		queue text NOT NULL, hour integer NOT NULL, handled integer NOT NULL, gave_up integer NOT NULL, canceled integer NOT NULL,
		PRIMARY KEY (queue, hour)) WITHOUT ROWID;
	CREATE INDEX IF NOT EXISTS stead_hour_age ON stead_hour (hour);
	CREATE TABLE IF NOT EXISTS stead_audit (
		id integer PRIMARY KEY, at integer NOT NULL,
		actor text NOT NULL, action text NOT NULL, kind text NOT NULL, name text NOT NULL, job integer NOT NULL,
		count integer NOT NULL, detail text NOT NULL);
	`

// AddHour adds to the numbers of this hour.
func (s *backend) AddHour(ctx context.Context, ended []store.Hour) error {
	list, err := json.Marshal(ended)
	if err != nil {
		return fmt.Errorf("stead/durable/sqlitedb: count what ended: %w", err)
	}
	return s.exec(ctx, "count what ended", `INSERT INTO stead_hour (queue, hour, handled, gave_up, canceled)
		SELECT json_extract(value, '$.queue'), CAST(unixepoch() AS integer) / 3600 * 3600,
			json_extract(value, '$.handled'), json_extract(value, '$.gave_up'), json_extract(value, '$.canceled')
		FROM json_each(?) WHERE true
		ON CONFLICT (queue, hour) DO UPDATE SET handled = handled + excluded.handled,
			gave_up = gave_up + excluded.gave_up, canceled = canceled + excluded.canceled`, string(list))
}

// Hours lists what ended.
func (s *backend) Hours(ctx context.Context, queue string, since time.Time) (list []store.Hour, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		var h store.Hour
		var at int64
		err := rows.Scan(&at, &h.Queue, &h.Handled, &h.GaveUp, &h.Canceled)
		h.At = time.Unix(at, 0)
		list = append(list, h)
		return err
	}, "SELECT hour, queue, handled, gave_up, canceled FROM stead_hour WHERE queue = ? AND hour >= ? ORDER BY hour",
		queue, since.Add(time.Second-1).Unix()) // rounded up
	if err != nil {
		return nil, fmt.Errorf("stead/durable/sqlitedb: list what ended: %w", err)
	}
	return list, nil
}

// AddAudit adds to the audit trail.
func (s *backend) AddAudit(ctx context.Context, entries []lifecycle.AuditEntry) error {
	list, err := json.Marshal(entries)
	if err != nil {
		return fmt.Errorf("stead/durable/sqlitedb: write audit trail: %w", err)
	}
	return s.exec(ctx, "write audit trail", `INSERT INTO stead_audit (at, actor, action, kind, name, job, count, detail)
		SELECT CAST(unixepoch('subsec') * 1000 AS integer), json_extract(value, '$.actor'), json_extract(value, '$.action'),
			json_extract(value, '$.kind'), json_extract(value, '$.name'), json_extract(value, '$.job'),
			json_extract(value, '$.count'), json_extract(value, '$.detail')
		FROM json_each(?) ORDER BY key`, string(list))
}

// Audit lists the audit trail.
func (s *backend) Audit(ctx context.Context, before int64, limit int) (list []lifecycle.AuditEntry, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		var e lifecycle.AuditEntry
		var at int64
		err := rows.Scan(&e.ID, &at, &e.Actor, &e.Action, &e.Kind, &e.Name, &e.Job, &e.Count, &e.Detail)
		e.At = time.UnixMilli(at)
		list = append(list, e)
		return err
	}, `SELECT id, at, actor, action, kind, name, job, count, detail FROM stead_audit
		WHERE id < ? ORDER BY id DESC LIMIT ?`, before, limit)
	if err != nil {
		return nil, fmt.Errorf("stead/durable/sqlitedb: list audit trail: %w", err)
	}
	return list, nil
}

// Forget deletes what is old. Of the trail it looks at no more than the oldest entries.
func (s *backend) Forget(ctx context.Context, hours, audit time.Duration, limit int) (more bool, err error) {
	for statement, age := range map[string]time.Duration{
		`DELETE FROM stead_hour WHERE (queue, hour) IN (SELECT queue, hour FROM stead_hour
			WHERE hour < unixepoch() - ?1 ORDER BY hour LIMIT ?2)`: hours,
		`DELETE FROM stead_audit WHERE id IN (SELECT id FROM (SELECT id, at FROM stead_audit ORDER BY id LIMIT ?2)
			WHERE at < (unixepoch() - ?1) * 1000)`: audit,
	} {
		done, err := s.db.ExecContext(ctx, statement, int64(age/time.Second), limit)
		if err != nil {
			return false, fmt.Errorf("stead/durable/sqlitedb: delete old history: %w", err)
		}
		n, err := done.RowsAffected()
		if err != nil {
			return false, fmt.Errorf("stead/durable/sqlitedb: delete old history: %w", err)
		}
		more = more || n >= int64(limit)
	}
	return more, nil
}
