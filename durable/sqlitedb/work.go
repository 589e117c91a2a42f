package sqlitedb

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/steadgo/stead/durable/internal/store"
)

// Works notes the queues of a process.
func (s *backend) Works(ctx context.Context, id string, queues []string) error {
	list, err := json.Marshal(queues)
	if err != nil {
		return err
	}
	return s.exec(ctx, "note queues", "UPDATE stead_instance SET queues = ?2 WHERE id = ?1 AND queues <> ?2", id, string(list))
}

// Work lists queues and jobs of processes.
func (s *backend) Work(ctx context.Context, most int) (list []store.Work, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		var w store.Work
		var since int64
		err := rows.Scan(&w.ID, &w.Queues, &w.Queue, &w.Job, &since, &w.Hand)
		w.Since = time.UnixMilli(since)
		list = append(list, w)
		return err
	}, `SELECT id, queues, '', 0, 0, 0 FROM stead_instance
		UNION ALL SELECT by, '', queue, id, CAST(unixepoch(at, 'subsec') * 1000 AS INTEGER), hand FROM (
			SELECT by, queue, id, at, count(*) OVER (PARTITION BY by) AS hand, row_number() OVER (PARTITION BY by ORDER BY at, id) AS nth
			FROM (SELECT json_extract(attempted_by, '$[#-1]') AS by, queue, id, attempted_at AS at FROM river_job
				WHERE state = 'running' AND json_array_length(attempted_by) > 0 AND attempted_at IS NOT NULL))
		WHERE nth <= ?1 ORDER BY 5, 4`, most)
	if err != nil {
		return nil, fmt.Errorf("stead/durable/sqlitedb: list what processes do: %w", err)
	}
	return list, nil
}
