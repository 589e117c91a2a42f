package durable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/steadgo/stead/bench/internal/lab"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/sqlite"
)

// Idle returns the share of one core that a process uses which has as many queues on a
// SQLite file and nothing to do, measured over a time.
func Idle(ctx context.Context, queues int, over time.Duration) (share float64, err error) {
	dir, err := os.MkdirTemp("", "stead-idle-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	store, err := sqlite.Open(filepath.Join(dir, "jobs.db"))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := durable.Migrate(ctx, store); err != nil {
		return 0, err
	}
	jobs, err := durable.New[*sql.Tx](store, durable.Config{})
	if err != nil {
		return 0, err
	}
	for i := range queues {
		_, err := durable.NewQueue(jobs, fmt.Sprintf("queue%d", i), func(context.Context, int) error { return nil }, durable.QueueConfig[int]{})
		if err != nil {
			return 0, err
		}
	}
	if err := jobs.Start(ctx); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, jobs.Stop(context.WithoutCancel(ctx))) }()
	select {
	case <-time.After(8 * time.Second): // until it leads, and has tidied up
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	began, before := time.Now(), lab.CPUTime()
	select {
	case <-time.After(over):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return float64(lab.CPUTime()-before) / float64(time.Since(began)), nil
}
