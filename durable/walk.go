package durable

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
)

// A walk goes through all jobs of a queue in the states of a filter, in the order of the
// index by which they are fetched, however many there are and whatever changes meanwhile.
// What is enqueued after its begin is none of its business.
type walk struct {
	jobs  *core
	queue string
	f     channelq.JobFilter
	left  []rivertype.JobState
	from  mark // of the first state that is left
	last  int64
	began string // by the store's clock
	again bool   // what was attempted since then is left out

	state rivertype.JobState // of what next has returned
}

// bulkWait bounds one statement, and not all of them.
const bulkWait = 30 * time.Second

var errNoStates = errors.New("States is empty: name the states of the jobs that are meant")

func (j *core) walk(ctx context.Context, queue string, f channelq.JobFilter) (*walk, error) {
	if err := checkFilter(f); err != nil {
		return nil, err
	}
	if !j.engine.usable() {
		return nil, errNoStore
	}
	ctx, cancel := context.WithTimeout(ctx, bulkWait)
	defer cancel()
	w := &walk{jobs: j, queue: queue, f: f, left: statesOf(f)}
	now := "strftime('%Y-%m-%d %H:%M:%f', 'now')"
	if j.engine.database() == "postgres" {
		now = "to_char(clock_timestamp() AT TIME ZONE 'UTC', '" + postgresTime + "')"
	}
	err := j.reading(ctx, func(exec riverdriver.Executor) error {
		return exec.QueryRow(ctx, "SELECT COALESCE((SELECT max(id) FROM river_job), 0), "+now).Scan(&w.last, &w.began)
	})
	return w, err
}

// next returns some of the jobs, none at the end. It may return none of a piece: then more
// is true. The state of all of them is w.state.
func (w *walk) next(ctx context.Context, most int) (ids []int64, more bool, err error) {
	if len(w.left) == 0 {
		return nil, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, bulkWait)
	defer cancel()
	s := w.piece(min(most, rowsOf(w.f)))
	found, err := w.jobs.look(ctx, s)
	if err != nil {
		return nil, false, err
	}
	w.state = w.left[0]
	if w.from = found.end; found.seen < s.most {
		w.left, w.from = w.left[1:], mark{}
	}
	return idsOfMarks(found.marks), len(w.left) > 0, nil
}

func (w *walk) piece(most int) *statement {
	s := w.jobs.statement(w.f)
	s.inState(w.queue, w.left[0], most)
	if w.from.ID > 0 {
		s.within += fmt.Sprintf(" AND (%s) > (%s, %s, %s)", strings.Join(fetchOrder, ", "), s.arg(w.from.Priority), s.time(w.from.At), s.arg(w.from.ID))
	}
	s.at = "scheduled_at"
	s.wanted = append(w.wanted(s), "id <= "+s.arg(w.last))
	return s
}

// wanted are the conditions that hold when a job is found, and still when it is changed.
func (w *walk) wanted(s *statement) []string {
	all := s.matches()
	if w.again {
		all = append(all, "(finalized_at IS NULL OR finalized_at < "+s.time(w.began)+")", "(attempted_at IS NULL OR attempted_at < "+s.time(w.began)+")")
	}
	return all
}

// CountJobs counts the jobs of this queue that a filter selects. If exact is false, there are
// at least n: it counts for some two seconds, which is enough for a million jobs if the filter
// has states alone, and blocks no longer than ctx allows. It returns an error if the filter
// makes no sense, and if the store does not answer.
func (q *Queue[T]) CountJobs(ctx context.Context, f channelq.JobFilter) (n int, exact bool, err error) {
	fail := func(err error) (int, bool, error) {
		return n, false, fmt.Errorf("stead/durable: count jobs of %q: %w", q.kind, hint(err))
	}
	w, err := q.jobs.walk(ctx, q.kind, f)
	if err != nil {
		return fail(err)
	}
	for end := time.Now().Add(countTime); ; {
		ids, more, err := w.next(ctx, lookRows)
		if err != nil {
			return fail(err)
		}
		if n += len(ids); !more {
			return n, true, nil
		}
		if time.Now().After(end) {
			return n, false, nil
		}
	}
}
