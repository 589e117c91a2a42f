package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/durable/internal/store"
)

// A job that follows others is a row from the start, scheduled for the year 9999. A
// trigger of the store makes it due in the transaction in which the last of the others
// ends. So it runs once, whatever ends them and whatever crashes.

// What has to become of a job, as the store has it.
const (
	needsHandled = "handled"
	needsGaveUp  = "gave_up"
	needsAny     = "any"
)

// After keeps a job from starting before other jobs are completed. They may be of any
// queue of the store, and may have ended already. Whatever crashes, the job starts once.
//
//	photo, err := resize.EnqueueWith(ctx, image)
//	_, err = publish.EnqueueWith(ctx, page, durable.After(photo.ID))
//
// If one of the others gives up, the job waits on: a Requeue may still complete that one. If
// one is canceled, or is deleted without having been completed, the job is canceled
// within some seconds, as long as a process works. Until it may start, the job has the state
// scheduled and no DueAt, and can be canceled or, with Requeue, started as any other. It does
// not count for MaxWaiting.
//
// Several of After, [AfterAny] and [AfterGaveUp] hold together. It is an error if a job is
// named by two of them, and beside [In] or [At]. If a job is not in the store (any more), the
// error wraps [ErrNotFound].
func After(ids ...int64) Option { return follow(needsHandled, ids) }

// AfterAny is [After] but that it does not matter how the others end: they may be completed,
// have given up, or be canceled or deleted. See [EndsOf].
func AfterAny(ids ...int64) Option { return follow(needsAny, ids) }

// AfterGaveUp is [After] for a job that starts when another one has given up: when it has
// failed for the last time, was lost in its last attempt, or could not be decoded. If the
// other one is completed, canceled or deleted, the job is canceled.
func AfterGaveUp(id int64) Option { return follow(needsGaveUp, []int64{id}) }

func follow(needs string, ids []int64) Option {
	return option(func(w *jobOptions) error {
		if len(ids) == 0 {
			return errors.New("After: no job is named")
		}
		if w.after == nil {
			w.after = map[int64]string{}
		}
		for _, id := range ids {
			if was, ok := w.after[id]; ok && was != needs {
				return fmt.Errorf("After: job %d is named by two options", id)
			}
			w.after[id] = needs
		}
		return nil
	})
}

// Ends is what became of the jobs that a job has followed.
type Ends struct {
	Handled  int `json:"handled"`
	GaveUp   int `json:"gave_up"`
	Canceled int `json:"canceled"` // or deleted before they ended
}

type endsKey struct{}

// EndsOf returns what became of the jobs that the job of the handler that ctx belongs to has
// followed, see [After] and [EnqueueBatch]. It is zero if there are none.
func EndsOf(ctx context.Context) Ends {
	e, _ := ctx.Value(endsKey{}).(Ends)
	return e
}

var blocked, _ = time.Parse(time.DateTime, store.Blocked)

// isBlocked reports whether a job waits for others to end.
func isBlocked(row *rivertype.JobRow) bool { return row.ScheduledAt.Equal(blocked) }

// insert inserts a job, and with it what it follows, in a transaction.
func (j *core) insert(ctx context.Context, client riverClient, args payload, o *river.InsertOpts) (res *rivertype.JobInsertResult, err error) {
	if len(args.after) == 0 {
		return client.Insert(ctx, args, o)
	}
	err = j.engine.inTx(ctx, func(tx any) error {
		res, err = j.insertTx(ctx, tx, args, o)
		return err
	})
	return res, err
}

func (j *core) insertTx(ctx context.Context, tx any, args payload, o *river.InsertOpts) (*rivertype.JobInsertResult, error) {
	res, err := j.engine.insertTx(ctx, tx, args, o)
	if err != nil || len(args.after) == 0 || res.UniqueSkippedAsDuplicate {
		return res, err
	}
	return res, j.follow(ctx, j.engine.executorTx(tx), res.Job.ID, args.after)
}

var errNothingToFollow = fmt.Errorf("After: of a job that is to end first: %w", ErrNotFound)

// follow has a job wait for others. They are locked, so that none ends unseen meanwhile.
func (j *core) follow(ctx context.Context, tx riverdriver.ExecutorTx, follower int64, after map[int64]string) error {
	sql := following[j.engine.database()]
	for _, needs := range []string{needsHandled, needsGaveUp, needsAny} {
		ids := slices.Sorted(maps.Keys(after))
		ids = slices.DeleteFunc(ids, func(id int64) bool { return after[id] != needs })
		if len(ids) == 0 {
			continue
		}
		list, err := json.Marshal(ids)
		if err == nil && sql.lock != "" {
			err = tx.Exec(ctx, sql.lock, string(list))
		}
		if err == nil {
			err = tx.Exec(ctx, sql.add, string(list), follower, needs)
		}
		if err != nil {
			return err
		}
	}
	var known int
	err := tx.QueryRow(ctx, sql.known, follower).Scan(&known)
	if err == nil && known < len(after) {
		err = errNothingToFollow
	}
	for _, statement := range sql.release {
		if err == nil {
			err = tx.Exec(ctx, statement, follower)
		}
	}
	return err
}

// voidEvery is how often a process cancels what cannot start any more.
const voidEvery = 5 * time.Second

// cancelVoid cancels jobs that wait for what cannot happen any more, then the jobs that
// wait for these, and so on.
func (j *core) cancelVoid(ctx context.Context) error {
	for before := ""; ; {
		var text string
		within, cancel := context.WithTimeout(ctx, tickWait)
		err := j.engine.executor().QueryRow(within, following[j.engine.database()].void).Scan(&text)
		cancel()
		var ids []int64
		if err == nil {
			err = json.Unmarshal([]byte(text), &ids)
		}
		if err != nil || len(ids) == 0 || text == before {
			return err
		}
		for _, id := range ids {
			err := j.cancel(ctx, subject{verb: "cancel", id: id})
			if err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		before = text
	}
}

// followSQL is the statements of one kind of database.
type followSQL struct {
	lock    string   // (ids): jobs that are to be followed; empty if the transaction has locked all
	add     string   // (ids, follower, needs)
	known   string   // (follower): how many jobs it follows
	release []string // (follower): makes it due if it may start
	void    string   // jobs that cannot start any more
}

const followKnown = "SELECT count(*) FROM stead_follow WHERE follower = "

var following = map[string]followSQL{
	"postgres": {
		lock: `UPDATE river_job SET metadata = metadata || '{"stead_followed": true}' WHERE id IN (
			SELECT id FROM river_job WHERE id IN (SELECT value::bigint FROM json_array_elements_text($1::json)) ORDER BY id FOR NO KEY UPDATE)`,
		add: `INSERT INTO stead_follow (job, follower, needs, outcome) SELECT id, $2::bigint, $3::text, CASE WHEN finalized_at IS NULL THEN NULL
				WHEN state = 'completed' THEN 'handled' WHEN state = 'cancelled' AND metadata ? 'cancel_attempted_at' THEN 'canceled'
				WHEN $3::text = 'handled' THEN NULL ELSE 'gave_up' END
			FROM river_job WHERE id IN (SELECT value::bigint FROM json_array_elements_text($1::json))`,
		known:   followKnown + "$1",
		release: []string{"SELECT stead_release($1)"},
		void: `SELECT COALESCE(json_agg(id), '[]')::text FROM (SELECT DISTINCT id FROM stead_follow JOIN river_job ON id = follower
			WHERE needs <> 'any' AND needs <> outcome AND state = 'scheduled' ORDER BY id LIMIT 500) AS void`,
	},
	"sqlite": {
		add: `INSERT INTO stead_follow (job, follower, needs, outcome) SELECT id, ?2, ?3, CASE WHEN finalized_at IS NULL THEN NULL
				WHEN state = 'completed' THEN 'handled'
				WHEN state = 'cancelled' AND json_extract(metadata, '$.cancel_attempted_at') IS NOT NULL THEN 'canceled'
				WHEN ?3 = 'handled' THEN NULL ELSE 'gave_up' END
			FROM river_job WHERE id IN (SELECT value FROM json_each(?1))`,
		known:   followKnown + "?1",
		release: store.SQLiteRelease("?1"),
		void: `SELECT json_group_array(id) FROM (SELECT DISTINCT id FROM stead_follow JOIN river_job ON id = follower
			WHERE needs <> 'any' AND needs <> outcome AND state = 'scheduled' ORDER BY id LIMIT 500) AS void`,
	},
}
