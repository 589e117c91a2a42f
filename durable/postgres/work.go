package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/steadgo/stead/durable/internal/store"
)

// Works notes the queues of a process.
func (s *backend) Works(ctx context.Context, id string, queues []string) error {
	list, err := json.Marshal(queues)
	if err != nil {
		return err
	}
	return s.exec(ctx, "note queues", "UPDATE stead_instance SET queues = $2 WHERE id = $1 AND queues <> $2", id, string(list))
}

// Work lists queues and jobs of processes.
func (s *backend) Work(ctx context.Context, most int) ([]store.Work, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, queues, '', 0::bigint, now(), 0::bigint FROM stead_instance
		UNION ALL SELECT by, '', queue, id, at, hand FROM (
			SELECT by, queue, id, at, count(*) OVER (PARTITION BY by) AS hand, row_number() OVER (PARTITION BY by ORDER BY at, id) AS nth
			FROM (SELECT attempted_by[cardinality(attempted_by)] AS by, queue, id, attempted_at AS at FROM river_job
				WHERE state = 'running' AND cardinality(attempted_by) > 0 AND attempted_at IS NOT NULL) AS taken) AS numbered
		WHERE nth <= $1 ORDER BY 5, 4`, most)
	if err != nil {
		return nil, fmt.Errorf("stead/durable/postgres: list what processes do: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[store.Work])
	if err != nil {
		return nil, fmt.Errorf("stead/durable/postgres: list what processes do: %w", err)
	}
	return list, nil
}
