package durable

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/channelq"
)

// What one look goes through, whatever there is in the store.
const (
	lookIndexed = 100_000 // entries of an index that has all that is needed
	lookRows    = 10_000  // rows
	lookQuick   = 1_000   // rows, before any other look
	lookErrors  = 2_000   // rows with their errors, which may be long
)

// countTime is how long CountJobs counts.
const countTime = 2 * time.Second

// rowsOf is how many rows a look for the jobs of a filter goes through.
func rowsOf(f channelq.JobFilter) int {
	if f.Error != "" {
		return lookErrors
	}
	return lookRows
}

// FindJobs lists jobs of this queue that a filter selects, the newest first, in pages of at
// most a hundred: the last to end if the filter asks for states in which a job has ended
// (rivertype.JobStateCompleted, JobStateCancelled, JobStateDiscarded), or else the last to be
// enqueued. After is "" for the first page, and then what was returned as next, which is ""
// when there are no more.
//
// However many jobs there are, a page takes milliseconds: in a state of which the queue has
// more than 10,000 jobs (2,000 if the filter has an Error, 100,000 if the states and the ID
// are all that it has and the order is that of the enqueues) a page goes through so many
// rows of the store. It may then have few jobs, or none, and still a next page.
//
// It returns an error if the filter makes no sense, which says why, for an after that it has
// not returned, and if the store does not answer. It blocks until the store answers or ctx
// is done.
func (q *Queue[T]) FindJobs(ctx context.Context, f channelq.JobFilter, after string) (list []channelq.StoredJob, next string, err error) {
	fail := func(err error) ([]channelq.StoredJob, string, error) {
		return nil, "", fmt.Errorf("stead/durable: find jobs of %q: %w", q.kind, err)
	}
	if err := checkFilter(f); err != nil {
		return fail(err)
	}
	from, err := parseMark(after)
	if err != nil {
		return fail(err)
	}
	marks, next, err := q.jobs.newestOf(ctx, q.kind, f, from)
	if err == nil {
		list, _, err = q.stored(ctx, marks)
	}
	if err != nil {
		return fail(hint(err))
	}
	return list, next, nil
}

// idsOfMarks are the IDs of jobs.
func idsOfMarks(marks []mark) []int64 {
	ids := make([]int64, len(marks))
	for i, m := range marks {
		ids[i] = m.ID
	}
	return ids
}

// newestOf are the marks of a page, and where the next one begins.
func (j *core) newestOf(ctx context.Context, queue string, f channelq.JobFilter, from mark) (page []mark, next string, err error) {
	states := statesOf(f)
	at := ""
	if !slices.ContainsFunc(states, func(s rivertype.JobState) bool { return !slices.Contains(discardStates, s) }) {
		at = "finalized_at"
	}
	from.ID = cmp.Or(from.ID, math.MaxInt64)
	if f.ID == 0 { // most often the last jobs of all queues are enough
		page, floors, err := j.goBack(ctx, queue, states, f, at, from, lookQuick)
		if err != nil {
			return nil, "", err
		}
		if page, next = cutPage(page, floors); len(page) == maxListed || next == "" {
			return page, next, nil
		}
	}
	var many []rivertype.JobState
	for _, state := range states {
		all, few, err := j.all(ctx, queue, state, f, at, from)
		if err != nil {
			return nil, "", err
		}
		if page = append(page, all...); !few {
			many = append(many, state)
		}
	}
	some, floors, err := j.goBack(ctx, queue, many, f, at, from, rowsOf(f))
	if err != nil {
		return nil, "", err
	}
	page, next = cutPage(append(page, some...), floors)
	return page, next, nil
}

// goBack goes through jobs of all queues in the states, from those on that ended last or
// were enqueued last, and of each way through most rows at most. What is older than a
// floor was not looked at.
func (j *core) goBack(ctx context.Context, queue string, states []rivertype.JobState, f channelq.JobFilter, at string, from mark, most int) (page, floors []mark, err error) {
	var looks []*statement
	if at == "" && len(states) > 0 {
		looks = append(looks, j.enqueued(queue, states, f, from, most))
	}
	for _, state := range states {
		if at != "" {
			looks = append(looks, j.endedIn(queue, state, f, from, most))
		}
	}
	for _, s := range looks {
		some, err := j.look(ctx, s)
		if err != nil {
			return nil, nil, err
		}
		page = append(page, some.marks...)
		if some.seen == s.most {
			floors = append(floors, some.end)
		}
	}
	return page, floors, nil
}

// newer orders the marks of jobs that ended, or were enqueued, the last one first.
func newer(a, b mark) int { return cmp.Or(strings.Compare(b.At, a.At), cmp.Compare(b.ID, a.ID)) }

// cutPage is the page of what was found, if nothing that is older than a floor is known.
func cutPage(found, floors []mark) (page []mark, next string) {
	slices.SortFunc(found, newer)
	slices.SortFunc(floors, newer)
	if len(floors) > 0 {
		found = slices.DeleteFunc(found, func(m mark) bool { return newer(floors[0], m) < 0 })
		next = floors[0].String()
	}
	if len(found) > maxListed {
		found = found[:maxListed]
		next = found[maxListed-1].String()
	}
	return found, next
}

// all looks at all jobs of the queue in a state. If these are not few, it finds none.
func (j *core) all(ctx context.Context, queue string, state rivertype.JobState, f channelq.JobFilter, at string, from mark) (found []mark, few bool, err error) {
	s, most := j.inState(queue, state, f, at, from)
	some, err := j.look(ctx, s)
	if err != nil || some.seen > most {
		return nil, false, err
	}
	return some.marks, true, nil
}

// inState goes through the jobs of a queue in a state, by the index that has them together.
// If they are more than most, it has not gone through all.
func (j *core) inState(queue string, state rivertype.JobState, f channelq.JobFilter, at string, from mark) (s *statement, most int) {
	most = rowsOf(f)
	if at == "" && !reads(f) {
		most = lookIndexed
	}
	s = j.statement(f)
	s.inState(queue, state, most+1)
	s.wanted, s.at, s.newest, s.limit = s.matches(), at, true, maxListed+1
	switch {
	case at == "":
		s.wanted = append(s.wanted, "id < "+s.arg(from.ID))
	case from.At != "":
		s.wanted = append(s.wanted, s.before(from))
	}
	if f.ID > 0 { // that one is all that is looked at
		s.index, s.order, s.within = "", []string{"id"}, "id = "+s.arg(f.ID)+" AND "+s.within
	}
	return s, most
}

// before is the condition for what ended before a mark.
func (s *statement) before(from mark) string {
	return "finalized_at <= " + s.time(from.At) + " AND (finalized_at < " + s.time(from.At) + " OR id < " + s.arg(from.ID) + ")"
}

// endedIn goes through the jobs of all queues in a state, from those on that ended last.
func (j *core) endedIn(queue string, state rivertype.JobState, f channelq.JobFilter, from mark, most int) *statement {
	s := j.statement(f)
	s.index, s.order, s.down, s.most = endedIndex, endedOrder, true, most
	s.within = "state = '" + string(state) + "' AND finalized_at IS NOT NULL"
	if from.At != "" {
		s.within += " AND " + s.before(from)
	}
	if !f.Until.IsZero() {
		s.within += " AND finalized_at < " + s.bound(f.Until)
	}
	if !f.Since.IsZero() {
		s.within += " AND finalized_at >= " + s.bound(f.Since)
	}
	s.wanted = append(s.matches(), "queue = "+s.arg(queue))
	s.at, s.newest, s.limit = "finalized_at", true, maxListed+1
	return s
}

// enqueued goes through all jobs, from those on that were enqueued last.
func (j *core) enqueued(queue string, states []rivertype.JobState, f channelq.JobFilter, from mark, most int) *statement {
	s := j.statement(f)
	s.order, s.down, s.most, s.within = []string{"id"}, true, most, "id < "+s.arg(from.ID)
	s.wanted = append(s.matches(), "queue = "+s.arg(queue), "state IN ("+quoted(states)+")")
	s.newest, s.limit = true, maxListed+1
	return s
}

// quoted are states as a statement has them; they are of a fixed list.
func quoted(states []rivertype.JobState) string {
	all := make([]string, len(states))
	for i, s := range states {
		all[i] = "'" + string(s) + "'"
	}
	return strings.Join(all, ", ")
}

func (j *core) statement(f channelq.JobFilter) *statement {
	return &statement{postgres: j.engine.database() == "postgres", filter: f}
}

// seen is what a look has found.
type seen struct {
	marks []mark
	seen  int
	end   mark // the last that it has gone through
}

// look carries a statement out. It changes nothing and waits for nobody.
func (j *core) look(ctx context.Context, s *statement) (found seen, err error) {
	if !j.engine.usable() {
		return found, errNoStore
	}
	var list, end string
	scan := func(exec riverdriver.Executor) error {
		return exec.QueryRow(ctx, s.sql(), s.args...).Scan(&list, &found.seen, &end)
	}
	if err := j.reading(ctx, scan); err != nil {
		return found, err
	}
	if err := json.Unmarshal([]byte(list), &found.marks); err != nil {
		return found, err
	}
	if end != "" {
		err = json.Unmarshal([]byte(end), &found.end)
	}
	return found, err
}

// UnmarshalJSON reads a mark as the statements write it.
func (m *mark) UnmarshalJSON(raw []byte) error {
	return json.Unmarshal(raw, &[]any{&m.Priority, &m.At, &m.ID})
}

// byIndex keeps PostgreSQL from reading all rows of a table of which it has no statistics
// yet, from sorting all before it takes the first of them, and from compiling the statement,
// which takes longer than it.
const byIndex = `SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
	set_config('enable_sort', 'off', true), set_config('jit', 'off', true)`

// reading calls do with what carries out a statement that only reads.
func (j *core) reading(ctx context.Context, do func(riverdriver.Executor) error) error {
	exec := j.engine.executor()
	if j.engine.database() != "postgres" {
		return do(exec)
	}
	tx, err := exec.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // there is nothing to commit
	if err := tx.Exec(ctx, byIndex); err != nil {
		return err
	}
	return do(tx)
}
