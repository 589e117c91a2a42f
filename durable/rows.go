package durable

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// A row that another program has written, or a person by hand, may have columns that cannot
// be read. The engine then reads none of the rows that it was asked for. Here such a row is
// read by itself, as far as it can be.

// rows reads jobs, in the order of their IDs in the list, and those alone that are still
// there. Bad says why some of them could not be read as a whole.
func (j *core) rows(ctx context.Context, exec riverdriver.Executor, ids []int64) (rows []*rivertype.JobRow, bad map[int64]error, err error) {
	read := jobRows{bad: map[int64]error{}}
	if err := j.readInto(ctx, exec, ids, &read); err != nil {
		return nil, nil, err
	}
	place := make(map[int64]int, len(ids))
	for i, id := range ids {
		place[id] = i
	}
	slices.SortFunc(read.rows, func(a, b *rivertype.JobRow) int { return cmp.Compare(place[a.ID], place[b.ID]) })
	return read.rows, read.bad, nil
}

// jobRows are what was read.
type jobRows struct {
	rows []*rivertype.JobRow
	bad  map[int64]error
}

func (j *core) readInto(ctx context.Context, exec riverdriver.Executor, ids []int64, to *jobRows) error {
	if len(ids) == 0 {
		return nil
	}
	rows, err := exec.JobGetByIDMany(ctx, &riverdriver.JobGetByIDManyParams{ID: ids, Schema: j.schema})
	if err == nil {
		to.rows = append(to.rows, rows...)
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	if half := len(ids) / 2; half > 0 {
		if err := j.readInto(ctx, exec, ids[:half], to); err != nil {
			return err
		}
		return j.readInto(ctx, exec, ids[half:], to)
	}
	row, why, failed := j.badRow(ctx, exec, ids[0])
	switch {
	case errors.Is(failed, sql.ErrNoRows):
		return nil
	case failed != nil:
		return err // the store does not answer
	case why == nil:
		why = err
	}
	to.rows = append(to.rows, row)
	to.bad[row.ID] = fmt.Errorf("job %d cannot be read as a whole: %w", row.ID, why)
	return nil
}

// rawColumns are those of a row as texts that no content of theirs can be an error of.
var rawColumns = map[string]string{
	"postgres": "to_json(args)::text, COALESCE(array_to_json(errors)::text, ''), metadata::text, COALESCE(array_to_json(attempted_by)::text, '')",
	"sqlite":   rawJSON("args") + ", " + rawJSON("errors") + ", " + rawJSON("metadata") + ", " + rawJSON("attempted_by"),
}

func rawJSON(column string) string {
	return "CASE WHEN typeof(" + column + ") = 'blob' AND json_valid(" + column + ", 8) THEN json(" + column + ") ELSE COALESCE(CAST(" + column + " AS text), '') END"
}

// badRow reads what can be read of a row, and returns which of its columns cannot.
func (j *core) badRow(ctx context.Context, exec riverdriver.Executor, id int64) (row *rivertype.JobRow, why, err error) {
	s := &statement{postgres: j.engine.database() == "postgres"}
	times := []string{"created_at", "scheduled_at", "attempted_at", "finalized_at"}
	columns := []string{"id, CAST(attempt AS bigint), CAST(max_attempts AS bigint), CAST(priority AS bigint), CAST(state AS text), CAST(kind AS text), CAST(queue AS text), unique_key"}
	for _, column := range times {
		columns = append(columns, "COALESCE("+s.text(column)+", '')")
	}
	columns = append(columns, rawColumns[j.engine.database()])
	row = &rivertype.JobRow{}
	at, raw := make([]string, len(times)), make([]string, 4)
	err = exec.QueryRow(ctx, "SELECT "+strings.Join(columns, ", ")+" FROM river_job WHERE id = "+s.arg(id), s.args...).Scan(
		&row.ID, &row.Attempt, &row.MaxAttempts, &row.Priority, &row.State, &row.Kind, &row.Queue, &row.UniqueKey,
		&at[0], &at[1], &at[2], &at[3], &raw[0], &raw[1], &raw[2], &raw[3])
	if err != nil {
		return nil, nil, err
	}
	var bad []error
	check := func(column string, err error) {
		if err != nil {
			bad = append(bad, fmt.Errorf("%s: %w", column, err))
		}
	}
	known := make([]*time.Time, len(times))
	for i, text := range at {
		if text != "" {
			known[i], err = readTime(text)
			check(times[i], err)
		}
	}
	row.AttemptedAt, row.FinalizedAt = known[2], known[3]
	if known[0] != nil {
		row.CreatedAt = *known[0]
	}
	if known[1] != nil {
		row.ScheduledAt = *known[1]
	}
	row.EncodedArgs, err = readJSON(raw[0])
	if check("args", err); err != nil {
		row.EncodedArgs, _ = json.Marshal(storableText(raw[0])) //nolint:errchkjson // a text is always JSON
	}
	if raw[1] != "" {
		if err = riverdriver.UnmarshalAttemptErrors([]byte(raw[1]), &row.Errors); err != nil {
			row.Errors = nil
		}
		check("errors", err)
	}
	row.Metadata, err = readJSON(raw[2])
	check("metadata", err)
	if raw[3] != "" {
		check("attempted_by", json.Unmarshal([]byte(raw[3]), &row.AttemptedBy))
	}
	return row, errors.Join(bad...), nil
}

// readJSON returns nil and an error for what is no JSON.
func readJSON(text string) ([]byte, error) {
	var raw json.RawMessage
	err := json.Unmarshal([]byte(text), &raw)
	return raw, err
}

// readTime reads a time as the engine writes it into SQLite: "2026-01-02 03:04:05.678", and
// for a retry as Go prints it.
func readTime(text string) (*time.Time, error) {
	plain, _, _ := strings.Cut(text, " +")
	t, err := time.Parse(time.DateTime, plain)
	if err != nil {
		return nil, err
	}
	return &t, nil
}
