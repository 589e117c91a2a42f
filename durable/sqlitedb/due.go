package sqlitedb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/steadgo/stead/durable/internal/store"
)

// Due looks into the file only if somebody has written since it did so last.
func (s *backend) Due(ctx context.Context, queues []string) (list []store.Due, now time.Time, err error) {
	if len(queues) == 0 {
		return nil, time.Now(), nil
	}
	g := s.driver.glimpse
	at, sure, err := g.now(ctx) // before the file is read: what is written meanwhile has another mark
	if err != nil {
		return nil, now, err
	}
	a, ok := g.known(at)
	for _, queue := range queues {
		_, asked := a.due[queue]
		ok = ok && asked
	}
	if !ok || !sure {
		if a, err = s.readDue(ctx, queues); err != nil {
			return nil, now, fmt.Errorf("stead/durable/sqlitedb: read when jobs are due: %w", err)
		}
		if a.at = at; sure {
			g.keep(a)
		}
	}
	now = time.Now()
	for queue, due := range a.due {
		if !due.IsZero() {
			list = append(list, store.Due{Queue: queue, In: due.Sub(now)})
		}
	}
	return list, now, nil
}

func (g *glimpse) keep(a agenda) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.agenda = a
}

func (s *backend) readDue(ctx context.Context, queues []string) (a agenda, err error) {
	a = agenda{seen: time.Now(), due: map[string]time.Time{}}
	names, err := json.Marshal(queues)
	if err != nil {
		return a, err
	}
	rows, err := s.db.QueryContext(ctx, firstDue, string(names))
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var queue string
		var due sql.NullString
		if err := rows.Scan(&queue, &due); err != nil {
			return a, err
		}
		a.due[queue] = time.Time{}
		if due.Valid {
			const layout = "2006-01-02 15:04:05.999"
			if a.due[queue], err = time.Parse(layout, due.String[:min(len(due.String), len(layout))]); err != nil {
				return a, err
			}
		}
	}
	return a, rows.Err()
}

// firstDue is a search in the index for each queue and priority.
const firstDue = `SELECT q.value, (SELECT min(due) FROM (SELECT (SELECT min(scheduled_at) FROM river_job
		WHERE state = 'available' AND river_job.queue = q.value AND river_job.priority = p.value) AS due
	FROM json_each('[0, 1, 2, 3, 4]') AS p)) FROM json_each(?) AS q`
