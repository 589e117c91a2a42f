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

// Due reads the file only if it was written to since Due last read it.
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
	if !ok || !sure || !a.good.IsZero() && time.Now().After(a.good) {
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
		var available, keyed sql.NullString
		if err := rows.Scan(&queue, &available, &keyed); err != nil {
			return a, err
		}
		due, err := timeOf(available)
		waits, err2 := timeOf(keyed)
		if err = errors.Join(err, err2); err != nil {
			return a, err
		}
		if !waits.IsZero() {
			if good := waits.Add(store.KeyGrace); a.good.IsZero() || good.Before(a.good) {
				a.good = good
			}
			if due.IsZero() || waits.Before(due) {
				due = waits
			}
		}
		a.due[queue] = due
	}
	return a, rows.Err()
}

// timeOf reads a time as the engine writes it. It returns zero if there is none.
func timeOf(text sql.NullString) (at time.Time, err error) {
	const layout = "2006-01-02 15:04:05.999"
	if text.Valid {
		at, err = time.Parse(layout, text.String[:min(len(text.String), len(layout))])
	}
	return at, err
}

// firstDue searches the index for each queue and priority, for available jobs and for
// jobs that wait for their time before they may have their key, see store.KeyGrace.
const firstDue = `SELECT q.value, (SELECT min(due) FROM (SELECT (SELECT min(scheduled_at) FROM river_job
		WHERE state = 'available' AND river_job.queue = q.value AND river_job.priority = p.value) AS due
	FROM json_each('[0, 1, 2, 3, 4]') AS p)),
	(SELECT min(due) FROM (SELECT (SELECT min(scheduled_at) FROM river_job
		WHERE state = 'pending' AND river_job.queue = q.value AND river_job.priority = p.value AND scheduled_at > datetime('now', 'subsec', '-2 seconds')) AS due
	FROM json_each('[0, 1, 2, 3, 4]') AS p)) FROM json_each(?) AS q`
