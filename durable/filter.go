package durable

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable/internal/store"
)

// maxFilterText is how many bytes of an error a filter may ask for.
const maxFilterText = 256

// checkFilter returns why a filter makes no sense.
func checkFilter(f channelq.JobFilter) error {
	for _, s := range f.States {
		if !slices.Contains(rivertype.JobStates(), rivertype.JobState(s)) {
			return fmt.Errorf("State: there is no state %q, but %v", cut(s, maxFilterText), rivertype.JobStates())
		}
	}
	switch {
	case f.ID < 0:
		return fmt.Errorf("ID is negative: %d", f.ID)
	case len(f.Error) > maxFilterText:
		return fmt.Errorf("Error is %d bytes, more than %d", len(f.Error), maxFilterText)
	case !utf8.ValidString(f.Error) || strings.ContainsRune(f.Error, 0):
		return errors.New("Error is not UTF-8 or has a NUL character")
	case !f.Since.IsZero() && !f.Until.IsZero() && !f.Since.Before(f.Until):
		return errors.New("Since is not before Until")
	}
	if f.Key != "" {
		if err := checkName(f.Key); err != nil {
			return fmt.Errorf("Key: %w", err)
		}
	}
	return errors.Join(checkTime(f.Since), checkTime(f.Until))
}

// statesOf are the states of a filter, each once.
func statesOf(f channelq.JobFilter) []rivertype.JobState {
	if len(f.States) == 0 {
		return rivertype.JobStates()
	}
	var all []rivertype.JobState
	for _, s := range f.States {
		if s := rivertype.JobState(s); !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// mark is the place of a job in an order. At is a time as the store has it, in UTC, so that
// the order of the texts is that of the times; empty where the order is by something else.
type mark struct {
	Priority int
	At       string
	ID       int64
}

// statement is one look at the jobs of a queue. It goes through a bounded number of rows in
// the order of an index, and of these returns the ones that are wanted.
type statement struct {
	postgres bool
	filter   channelq.JobFilter
	args     []any

	index  string   // SQLite is told which; PostgreSQL finds it by order
	within string   // the rows that it goes through
	order  []string // of the index
	down   bool     // the order is descending
	most   int      // rows to go through

	wanted []string // conditions
	at     string   // what a mark has as At; empty if nothing
	newest bool     // the result is sorted by at and ID, the last ones first
	limit  int      // of the result; 0 if there is none

	soonest bool // the result is sorted by at and ID, the first ones first
}

func (s *statement) arg(v any) string {
	s.args = append(s.args, v)
	if s.postgres {
		return fmt.Sprintf("$%d", len(s.args))
	}
	return fmt.Sprintf("?%d", len(s.args))
}

// time is an argument that is a time as a mark has it.
func (s *statement) time(text string) string {
	if s.postgres {
		return "(" + s.arg(text) + "::text::timestamp AT TIME ZONE 'UTC')"
	}
	return s.arg(text)
}

// bound is an argument that is a time of a filter: the first one from t on that the store can
// have.
func (s *statement) bound(t time.Time) string {
	grain, layout := time.Millisecond, storeTime
	if s.postgres {
		grain, layout = time.Microsecond, storeTime+"000"
	}
	if up := t.UTC().Add(grain - 1).Truncate(grain); up.Year() <= 9999 {
		t = up
	}
	return s.time(t.UTC().Format(layout))
}

// text is a column as a mark has it.
func (s *statement) text(column string) string {
	switch {
	case column == "":
		return "CAST('' AS text)"
	case s.postgres:
		return "to_char(" + column + " AT TIME ZONE 'UTC', '" + postgresTime + "')"
	}
	return "CAST(" + column + " AS text)"
}

const (
	postgresTime = "YYYY-MM-DD HH24:MI:SS.US"
	storeTime    = "2006-01-02 15:04:05.000"
)

// The engine's indexes.
const (
	endedIndex = "river_job_state_and_finalized_at_index"
	fetchIndex = "river_job_prioritized_fetching_index"
)

var (
	endedOrder = []string{"finalized_at", "id"}
	fetchOrder = []string{"priority", "scheduled_at", "id"}
)

// sorted is an order of columns.
func sorted(columns []string, down bool) string {
	if !down {
		return " ORDER BY " + strings.Join(columns, ", ")
	}
	return " ORDER BY " + strings.Join(columns, " DESC, ") + " DESC"
}

// when is the time that StoredJob.At has.
const when = "CASE WHEN finalized_at IS NOT NULL THEN finalized_at WHEN state = 'running' THEN attempted_at ELSE scheduled_at END"

// matches are the conditions of the filter but for the queue and the states.
func (s *statement) matches() (all []string) {
	f := s.filter
	if f.ID > 0 {
		all = append(all, "id = "+s.arg(f.ID))
	}
	if !f.Since.IsZero() {
		all = append(all, when+" >= "+s.bound(f.Since))
	}
	if !f.Until.IsZero() {
		all = append(all, when+" < "+s.bound(f.Until))
	}
	if f.Key != "" {
		key := store.SQLiteKey
		if s.postgres {
			key = "metadata->>'stead_key'"
		}
		all = append(all, key+" = "+s.arg(f.Key))
	}
	if f.Error != "" {
		find := "instr(CASE WHEN json_valid(errors, 9) THEN json_extract(errors, '$[#-1].error') END, %s) > 0"
		if s.postgres {
			find = "strpos(errors[array_upper(errors, 1)]->>'error', %s) > 0"
		}
		all = append(all, fmt.Sprintf(find, s.arg(f.Error)))
	}
	return all
}

// reads reports whether a filter needs more of each row than the index has by which the
// jobs of a queue in a state are found.
func reads(f channelq.JobFilter) bool {
	return f.Key != "" || f.Error != "" || !f.Since.IsZero() || !f.Until.IsZero()
}

// columns returns the columns that the conditions need.
func (s *statement) columns() string {
	all := "id, state, queue, priority, scheduled_at"
	if reads(s.filter) || s.at == "finalized_at" || len(s.wanted) > 0 && strings.Contains(strings.Join(s.wanted, " "), "finalized_at") {
		all += ", finalized_at, attempted_at"
	}
	if s.filter.Key != "" {
		all += ", metadata"
	}
	if s.filter.Error != "" {
		all += ", errors"
	}
	return all
}

// sql is the text. Its result is the marks of what was found, as JSON, how many rows it has
// gone through, and the mark of the last of these.
func (s *statement) sql() string {
	pair, list, indexed, cast := "json_array", "json_group_array(%s)", "", ""
	if s.postgres {
		pair, list, cast = "json_build_array", "COALESCE(json_agg(%s), '[]')::text", "::text"
	} else if s.index != "" {
		indexed = " INDEXED BY " + s.index
	}
	marked := pair + "(priority, " + s.text(s.at) + ", id)"
	found := "SELECT " + s.columns() + " FROM c"
	if len(s.wanted) > 0 {
		found += " WHERE " + strings.Join(s.wanted, " AND ")
	}
	if s.newest || s.soonest {
		found += sorted(slices.DeleteFunc([]string{s.at, "id"}, func(c string) bool { return c == "" }), s.newest)
	}
	if s.limit > 0 {
		found += fmt.Sprintf(" LIMIT %d", s.limit)
	}
	return "WITH c AS MATERIALIZED (SELECT " + s.columns() + " FROM river_job" + indexed + " WHERE " + s.within +
		sorted(s.order, s.down) + fmt.Sprintf(" LIMIT %d)", s.most) +
		" SELECT (SELECT " + fmt.Sprintf(list, marked) + " FROM (" + found + ") AS found), (SELECT count(*) FROM c)," +
		" COALESCE((SELECT " + marked + " FROM c" + sorted(s.order, !s.down) + " LIMIT 1)" + cast + ", '')"
}

// inState are the jobs of a queue in a state, by the index that finds them.
func (s *statement) inState(queue string, state rivertype.JobState, most int) {
	s.index, s.order, s.most = fetchIndex, fetchOrder, most
	s.within = "state = '" + string(state) + "' AND queue = " + s.arg(queue)
}

// parseMark reads what FindJobs has returned as next.
func parseMark(text string) (m mark, err error) {
	if text == "" {
		return m, nil
	}
	id, at, _ := strings.Cut(text, " ")
	if _, err = fmt.Sscanf(id+".", "%d.", &m.ID); err == nil && at != "" {
		var t time.Time
		t, err = time.Parse(time.DateTime, strings.ReplaceAll(at, ",", " ")) // it would take a comma
		err = errors.Join(err, checkTime(t))
	}
	if m.At = at; err != nil || m.ID < 1 {
		return m, fmt.Errorf("there is no page behind %q", cut(text, maxFilterText))
	}
	return m, nil
}

func (m mark) String() string { return strings.TrimSpace(fmt.Sprintf("%d %s", m.ID, m.At)) }
