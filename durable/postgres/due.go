package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/steadgo/stead/durable/internal/store"
)

// Due searches the index for each queue and priority. The empty name among the queues
// makes a row that has the time.
func (s *backend) Due(ctx context.Context, queues []string) (list []store.Due, now time.Time, err error) {
	rows, err := s.pool.Query(ctx, firstDue, queues)
	if err != nil {
		return nil, now, fmt.Errorf("stead/durable/postgres: read when jobs are due: %w", err)
	}
	var d store.Due
	var micros *int64
	_, err = pgx.ForEachRow(rows, []any{&now, &d.Queue, &micros}, func() error {
		if micros != nil {
			d.In = time.Duration(*micros) * time.Microsecond
			list = append(list, d)
		}
		return nil
	})
	if err != nil {
		return nil, now, fmt.Errorf("stead/durable/postgres: read when jobs are due: %w", err)
	}
	return list, now, nil
}

// firstDue finds available jobs, and jobs that wait for their time before they may have
// their key: see store.KeyGrace.
const firstDue = `SELECT clock_timestamp(), q, CAST(extract(epoch FROM due - clock_timestamp()) * 1000000 AS bigint)
		FROM unnest(array_append($1::text[], '')) AS q LEFT JOIN LATERAL (
			SELECT min(first.scheduled_at) AS due FROM generate_series(1, 4) AS p CROSS JOIN LATERAL (
				SELECT scheduled_at FROM river_job AS j
				WHERE j.state = 'available' AND j.queue = q AND j.priority = p
				ORDER BY scheduled_at LIMIT 1) AS first
			UNION ALL SELECT min(first.scheduled_at) FROM generate_series(1, 4) AS p CROSS JOIN LATERAL (
				SELECT scheduled_at FROM river_job AS j
				WHERE j.state = 'pending' AND j.queue = q AND j.priority = p AND j.scheduled_at > clock_timestamp() - interval '2 seconds'
				ORDER BY scheduled_at LIMIT 1) AS first) AS d ON true`
