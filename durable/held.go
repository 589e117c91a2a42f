package durable

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// On PostgreSQL a row that another open transaction holds makes the statement wait that
// writes the outcomes of many jobs. After a moment the others are written without it, and
// that one as soon as it is free.

const (
	heldAfter = 2 * time.Second // more than a statement takes
	heldRetry = time.Second
)

// held are outcomes of jobs whose rows are held by others.
type held struct {
	exec riverdriver.Executor
	log  *slog.Logger

	self   string          // the name of this process in the store
	ending context.Context // done when nothing is waited for any more
	ended  func(...*rivertype.JobRow)

	mu      sync.Mutex
	jobs    map[int64]*riverdriver.JobSetStateIfRunningManyParams
	writing chan struct{} // closed when the writer has ended; nil if there is none
}

// write writes outcomes. Outcomes that have to wait are written later.
func (h *held) write(ctx context.Context, params *riverdriver.JobSetStateIfRunningManyParams) ([]*rivertype.JobRow, error) {
	within, cancel := context.WithTimeout(ctx, heldAfter)
	rows, err := h.exec.JobSetStateIfRunningMany(within, params)
	slow := within.Err() != nil && ctx.Err() == nil
	cancel()
	if err == nil || !slow {
		return rows, err
	}
	rows, waiting, err := h.writeFree(ctx, params)
	if err == nil && len(waiting) > 0 {
		h.log.Warn("outcomes wait for rows that a transaction holds", slog.Any("jobs", named(waiting)))
		h.add(params, waiting)
	}
	return rows, err
}

// writeFree writes the outcomes of jobs whose rows nobody holds, and returns which of
// the others still run here.
func (h *held) writeFree(ctx context.Context, params *riverdriver.JobSetStateIfRunningManyParams) (rows []*rivertype.JobRow, waiting []int64, err error) {
	tx, err := h.exec.Begin(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // does nothing after a commit
	var free []int64
	err = tx.QueryRow(ctx, `SELECT coalesce(array_agg(id), '{}') FROM (
		SELECT id FROM river_job WHERE id = ANY($1) FOR NO KEY UPDATE SKIP LOCKED) AS free`, params.ID).Scan(&free)
	if err != nil {
		return nil, nil, err
	}
	err = tx.QueryRow(ctx, `SELECT coalesce(array_agg(id), '{}') FROM river_job
		WHERE id = ANY($1) AND id <> ALL($2) AND state = 'running' AND attempted_by[cardinality(attempted_by)] = $3`,
		params.ID, free, h.self).Scan(&waiting)
	if err != nil {
		return nil, nil, err
	}
	if left := only(params, is(free)); len(left.ID) > 0 {
		if rows, err = tx.JobSetStateIfRunningMany(ctx, left); err != nil {
			return nil, nil, err
		}
	}
	return rows, waiting, tx.Commit(ctx)
}

func (h *held) add(params *riverdriver.JobSetStateIfRunningManyParams, ids []int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.jobs == nil {
		h.jobs = map[int64]*riverdriver.JobSetStateIfRunningManyParams{}
	}
	for _, id := range ids {
		h.jobs[id] = only(params, is([]int64{id}))
	}
	if h.writing == nil {
		h.writing = make(chan struct{})
		go h.writeLater(h.writing)
	}
}

// writeLater ends when there is nothing left to write.
func (h *held) writeLater(done chan struct{}) {
	defer close(done)
	for {
		sleep(h.ending, heldRetry)
		h.mu.Lock()
		if len(h.jobs) == 0 || h.ending.Err() != nil {
			h.writing = nil
			h.mu.Unlock()
			return
		}
		all := slices.Collect(maps.Values(h.jobs))
		h.mu.Unlock()
		for _, one := range all {
			h.again(one)
		}
	}
}

// again writes one outcome if its row is free by now. One that the store refuses is
// left to the rescue.
func (h *held) again(one *riverdriver.JobSetStateIfRunningManyParams) {
	ctx, cancel := context.WithTimeout(h.ending, tickWait)
	defer cancel()
	h.mu.Lock()
	now := h.jobs[one.ID[0]]
	h.mu.Unlock()
	if now != one {
		return
	}
	rows, waiting, err := h.writeFree(ctx, one)
	h.ended(rows...)
	if err == nil && len(waiting) == 0 || isRefusal(err) {
		h.drop(one.ID[0])
	}
}

// drop forgets an outcome: it is written, or another attempt has begun.
func (h *held) drop(id int64) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.jobs, id)
}

func (h *held) has(id int64) bool {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.jobs[id]
	return ok
}

// wait is end, and says what is not written.
func (h *held) wait(ctx context.Context) {
	if h.end(ctx) {
		return
	}
	h.mu.Lock()
	ids := slices.Sorted(maps.Keys(h.jobs))
	h.mu.Unlock()
	h.log.Error("outcomes not written, a transaction holds the rows: the rescue will run the jobs again", slog.Any("jobs", named(ids)))
}

// end waits until the writer has ended, or until ctx is done. The writer ends when all is
// written or ending is done. It reports whether the writer has ended.
func (h *held) end(ctx context.Context) bool {
	if h == nil {
		return true
	}
	h.mu.Lock()
	writing := h.writing
	h.mu.Unlock()
	if writing == nil {
		return true
	}
	select {
	case <-writing:
		return true
	case <-ctx.Done():
		return false
	}
}

// maxNamed is how many jobs one line of the log names.
const maxNamed = 20

// named are the first of many jobs, for the log.
func named(ids []int64) []int64 { return ids[:min(len(ids), maxNamed)] }
