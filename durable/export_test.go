package durable

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
	"golang.org/x/time/rate"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/internal/safelog"
)

// RowsOfKeys is for the test that the engine's index is used.
var RowsOfKeys = map[string]string{"postgres": rowsOfKeys["postgres"] + keyIndex["postgres"], "sqlite": rowsOfKeys["sqlite"] + keyIndex["sqlite"]}

// PaceHold and Pace are for tests of the rate limit in fake time, which an engine
// does not run in.
const PaceHold = paceHold

// Pace is the wait of a new pacer.
func Pace(limit rate.Limit, burst int) (wait func(context.Context) bool) {
	return newPacer(limit, burst).wait
}

// Acquire is how a job waits for a limit.
func Acquire(ctx context.Context, limit interface {
	Acquire(ctx context.Context, n int64) error
	Release(n int64)
},
) (got bool, release func()) {
	j := &core{cfg: Config{Limit: limit}, log: safelog.NewLog(nil)}
	return j.acquire(ctx)
}

// Clean does the engine's housekeeping of completed jobs once, of at most so many.
func Clean[TTx any](ctx context.Context, j *Jobs[TTx], most int) (deleted int, err error) {
	return j.typed.driver(&j.core).GetExecutor().JobDeleteBefore(ctx, &riverdriver.JobDeleteBeforeParams{
		CompletedDoDelete: true, CompletedFinalizedAtHorizon: time.Now().Add(-j.cfg.KeepCompleted), Max: most, Schema: j.schema,
	})
}

// StorableText is how a text that is not ours is stored.
var StorableText = storableText

// ClientID is the name of a process on a host.
var ClientID = clientID

// WasMissed plays that the process was stopped, or cut off from the store, for long.
func WasMissed[TTx any](j *Jobs[TTx]) {
	j.sight.told(time.Now().Add(-time.Hour), time.Minute)
	j.sight.told(time.Now(), time.Minute)
}

// Rescue is one look for lost jobs, in the process of jobs that are in use.
func Rescue[TTx any](ctx context.Context, j *Jobs[TTx]) error { return j.rescue(ctx) }

// CancelVoid is one look for jobs that cannot follow others.
func CancelVoid[TTx any](ctx context.Context, j *Jobs[TTx]) error { return j.cancelVoid(ctx) }

// NewEngineLog is what the engine logs to.
func NewEngineLog(l *slog.Logger) *slog.Logger { return newEngineLog(l, new(atomic.Bool)) }

// SetBeat is how often jobs that were not started yet tell that they live, and look
// whether their store does, however long that takes.
func SetBeat[TTx any](j *Jobs[TTx], d time.Duration) { j.beat, j.share = d, 1 }

// List returns the rows of a queue in any of the states, the oldest first.
func List[T any](ctx context.Context, q *Queue[T], limit int, states ...rivertype.JobState) ([]*rivertype.JobRow, error) {
	params := river.NewJobListParams().Kinds(q.kind).First(limit).OrderBy(river.JobListOrderByID, river.SortOrderAsc)
	if len(states) > 0 {
		params = params.States(states...)
	}
	client, err := q.jobs.connected()
	if err != nil {
		return nil, err
	}
	res, err := client.JobList(ctx, params)
	if err != nil {
		return nil, hint(err)
	}
	return res.Jobs, nil
}

// Get returns the row of a job.
func Get[TTx any](ctx context.Context, j *Jobs[TTx], id int64) (*rivertype.JobRow, error) {
	return j.get(ctx, id)
}

// Retry, Cancel and Delete do to a job of any queue what Requeue, Cancel and Discard do.
func Retry[TTx any](ctx context.Context, j *Jobs[TTx], id int64) (*rivertype.JobRow, error) {
	return nil, j.requeue(ctx, subject{verb: "requeue", id: id})
}

func Cancel[TTx any](ctx context.Context, j *Jobs[TTx], id int64) (*rivertype.JobRow, error) {
	return nil, j.cancel(ctx, subject{verb: "cancel", id: id})
}

func Delete[TTx any](ctx context.Context, j *Jobs[TTx], id int64) (*rivertype.JobRow, error) {
	return nil, j.discard(ctx, subject{verb: "discard", id: id})
}

// Ahead is how far the store's clock is ahead, if it said that time between two of ours.
func Ahead(store, began, ended time.Time) time.Duration {
	var c clock
	c.set(store, began, ended)
	return time.Duration(c.ahead.Load())
}

// Record tells the store at once what jobs came to, and looks for what is too old. The jobs
// must not run.
func Record[TTx any](ctx context.Context, j *Jobs[TTx]) {
	j.recorder.forget = time.Time{}
	j.record(ctx, tickWait)
}

// ByIndex is what is set for a statement that looks for jobs.
const ByIndex = byIndex

// FilterStatements are those by which the jobs of a filter are looked for, and their
// arguments.
func FilterStatements[TTx any](j *Jobs[TTx], f channelq.JobFilter) map[string][]any {
	from := mark{Priority: 1, At: "2026-01-01 00:00:00.000", ID: 1000}
	all := map[string][]any{}
	add := func(s *statement) { all[s.sql()] = s.args }
	for _, at := range []string{"", "finalized_at"} {
		s, _ := j.inState("usual", rivertype.JobStateCompleted, f, at, from)
		add(s)
	}
	add(j.endedIn("usual", rivertype.JobStateCompleted, f, mark{}, lookRows))
	add(j.endedIn("usual", rivertype.JobStateCompleted, f, from, lookRows))
	add(j.enqueued("usual", rivertype.JobStates(), f, from, lookRows))
	add(j.gaveUp("usual"))
	add(j.soonest("usual", rivertype.JobStateRetryable))
	for _, from := range []mark{{}, from} {
		w := &walk{jobs: &j.core, queue: "usual", f: f, left: rivertype.JobStates(), from: from, last: 1000, began: from.At, again: from.ID > 0}
		add(w.piece(lookRows))
	}
	return all
}
