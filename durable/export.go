package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
)

// jobLine is a job as a line of JSON. Import needs Queue and Item, and reads what is above
// ID; the rest is for people.
type jobLine struct {
	Queue       string            `json:"queue"`
	Item        json.RawMessage   `json:"item"`
	Meta        map[string]string `json:"meta,omitempty"`
	Priority    int               `json:"priority,omitempty"`
	MaxAttempts int               `json:"max_attempts,omitempty"`

	ID         int64         `json:"id,omitempty"`
	State      string        `json:"state,omitempty"`
	Attempts   int           `json:"attempts,omitempty"`
	EnqueuedAt time.Time     `json:"enqueued_at,omitzero"`
	EndedAt    time.Time     `json:"ended_at,omitzero"`
	Failures   []failureLine `json:"failures,omitempty"`
}

type failureLine struct {
	Attempt int       `json:"attempt"`
	At      time.Time `json:"at,omitzero"`
	Error   string    `json:"error"`
	Stack   string    `json:"stack,omitempty"`
}

const (
	exportPiece    = 50  // jobs that are read at a time
	exportFailures = 100 // of a job: the last ones
)

// Export writes jobs that a filter selects as lines of JSON, those of one queue, or of all
// queues of this program if queue is empty. The filter has to name the states, such as
// rivertype.JobStateDiscarded and rivertype.JobStateCancelled. A line has the item as it
// is stored, what [Meta], [Priority] and [Attempts] have set, and what became of the job:
// its state and the last hundred attempts that failed. [Jobs.Import] enqueues such lines
// again. The jobs stay as they are.
//
// Jobs that are enqueued after the call has begun are left out. Export blocks until all is
// written or ctx is done, and holds no lock meanwhile. It returns the number of lines that
// were written, and an error if the filter makes no sense, if there is no such queue, and if
// the store or w fails. A job that cannot be read, because another program has changed its
// row, is left out: all others are written, and then the error names it.
func (j *core) Export(ctx context.Context, w io.Writer, queue string, f channelq.JobFilter) (lines int, err error) {
	fail := func(err error) (int, error) {
		return lines, fmt.Errorf("stead/durable: export jobs: %d lines written: %w", lines, hint(err))
	}
	if len(f.States) == 0 {
		return fail(errNoStates)
	}
	queues := []string{queue}
	if queue == "" {
		queues = nil
		for _, q := range j.Queues() {
			queues = append(queues, q.Name())
		}
	} else if _, ok := j.queueOf(queue); !ok {
		return fail(fmt.Errorf("this program has no queue %q", cut(queue, maxName)))
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	var left leftOut
	for _, name := range queues {
		n, err := j.export(ctx, out, name, f, &left)
		if lines += n; err != nil {
			return fail(errors.Join(err, left.err()))
		}
	}
	if err := left.err(); err != nil {
		return fail(err)
	}
	return lines, nil
}

// leftOut is why some jobs were not written.
type leftOut struct {
	first []error
	n     int
}

func (l *leftOut) add(why error) {
	if l.n++; len(l.first) < maxNamed {
		l.first = append(l.first, why)
	}
}

// err is nil if all were written.
func (l *leftOut) err() error {
	if l.n == 0 {
		return nil
	}
	return fmt.Errorf("left out %d that cannot be read, the first of them: %w", l.n, errors.Join(l.first...))
}

func (j *core) export(ctx context.Context, out *json.Encoder, queue string, f channelq.JobFilter, left *leftOut) (lines int, err error) {
	walk, err := j.walk(ctx, queue, f)
	if err != nil {
		return 0, err
	}
	for more := true; more; {
		var ids []int64
		if ids, more, err = walk.next(ctx, lookRows); err != nil {
			return lines, err
		}
		for piece := range slices.Chunk(ids, exportPiece) {
			rows, bad, err := j.rows(ctx, j.engine.executor(), piece)
			if err != nil {
				return lines, err
			}
			for _, row := range rows {
				if row.State != walk.state || row.Kind != queue { // it has changed, or is of another program
					continue
				}
				if why := bad[row.ID]; why != nil {
					left.add(why)
					continue
				}
				if err := out.Encode(lineOf(row)); err != nil {
					return lines, err
				}
				lines++
			}
		}
	}
	return lines, nil
}

func lineOf(row *rivertype.JobRow) jobLine {
	l := jobLine{
		Queue: row.Queue, Item: unwrap(row.EncodedArgs, row.Metadata), Meta: noteOf(row.Metadata).Meta,
		Priority: row.Priority, MaxAttempts: row.MaxAttempts,
		ID: row.ID, State: string(row.State), Attempts: row.Attempt, EnqueuedAt: row.CreatedAt,
	}
	if row.FinalizedAt != nil {
		l.EndedAt = *row.FinalizedAt
	}
	for _, e := range row.Errors[max(0, len(row.Errors)-exportFailures):] {
		l.Failures = append(l.Failures, failureLine{e.Attempt, e.At, plain(e.Error), e.Trace})
	}
	return l
}
