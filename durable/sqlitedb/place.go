package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/durable/internal/store"
)

// Places lists the schedules. The time is that of the process: the file is on its
// machine.
func (s *backend) Places(ctx context.Context) (all []store.Place, now time.Time, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT queue, name, last, next FROM stead_schedule")
	if err != nil {
		return nil, now, fmt.Errorf("stead/durable/sqlitedb: list schedules: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var p store.Place
		if err := rows.Scan(&p.Queue, &p.Name, &p.Last, &p.Next); err != nil {
			return nil, now, fmt.Errorf("stead/durable/sqlitedb: list schedules: %w", err)
		}
		all = append(all, p)
	}
	return all, time.Now(), rows.Err()
}

// Move moves a schedule on.
func (s *backend) Move(ctx context.Context, tx *sql.Tx, from, to store.Place) (bool, error) {
	const add = "INSERT INTO stead_schedule (last, next, queue, name) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
	const replace = "UPDATE stead_schedule SET last = ?, next = ? WHERE queue = ? AND name = ? AND last = ? AND next = ?"
	statement, args := add, []any{to.Last, to.Next, to.Queue, to.Name}
	if from.Last != 0 {
		statement, args = replace, append(args, from.Last, from.Next)
	}
	done, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return false, fmt.Errorf("stead/durable/sqlitedb: move schedule: %w", err)
	}
	n, err := done.RowsAffected()
	return n == 1, err
}
