package durable_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/postgres"
)

// spoiling is a change of a row after which it cannot be read, by the column.
func spoiling[TTx any](e env[TTx]) map[string]string {
	if _, ok := any(e.store).(*postgres.Store); ok { // whose columns are always JSON
		return map[string]string{
			"errors": "ARRAY[NULL]::jsonb[]", "scheduled_at": "'infinity'", "created_at": "'-infinity'",
		}
	}
	return map[string]string{
		"errors": "'no JSON'", "errors ": "x'ff'", "args": "'{'", "args ": "'" + `{"a": ` + "' || x'00ff'", "metadata": "'['", "metadata ": "x'ffff'",
		"attempted_by": "'x'", "scheduled_at": "'soon'", "tags": "'}'",
	}
}

// One row that cannot be read hides no other.
func readsBesideSpoiled[TTx any](t *testing.T, e env[TTx]) {
	jobs := newJobs(t, e.store, durable.EnqueueOnly)
	q := newQueue[string](t, jobs, "listed", nil, durable.QueueConfig[string]{})
	for column, value := range spoiling(e) {
		first, bad, last := enqueue(t, q, "first"), enqueue(t, q, "bad"), enqueue(t, q, "last")
		endAgo(t, e, fmt.Sprintf("id >= %d", first), time.Minute, "no ink")
		must(t, e.exec(t.Context(), fmt.Sprintf("UPDATE river_job SET %s = %s WHERE id = %d", column, value, bad)))
		says := func(what string, err error) {
			t.Helper()
			if want := fmt.Sprintf("job %d cannot be read as a whole: ", bad); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s = %s: %s: %v", column, value, what, err)
			}
		}
		listed := func(what string, list []channelq.StoredJob, err error) {
			t.Helper()
			must(t, err)
			if len(list) != 3 {
				t.Errorf("%s = %s: %s: %d jobs", column, value, what, len(list))
				return
			}
			says(what, list[1].Err)
			if list[0].ID != last || list[0].Item != "last" || list[2].Item != "first" || list[1].ID != bad || list[1].State != "discarded" {
				t.Errorf("%s = %s: %s: %+v", column, value, what, list)
			}
		}
		f := states("discarded")
		list, _, err := q.FindJobs(t.Context(), f, "")
		listed("FindJobs", list, err)
		list, _, err = q.JobsPage("discarded", "")
		listed("JobsPage", list, err)
		job, err := q.Job(t.Context(), bad)
		must(t, err)
		says("Job", errors.New(job.Failures[len(job.Failures)-1].Err))
		wantJobs(t, q, f, 3)
		f.Error, f.Since = "ink", time.Now().Add(-time.Hour)
		if n, _, err := q.CountJobs(t.Context(), f); n < 2 || err != nil {
			t.Errorf("%s = %s: %d with the error: %v", column, value, n, err)
		}
		var out bytes.Buffer
		n, err := jobs.Export(t.Context(), &out, "listed", states("discarded"))
		says("Export", err)
		if n != 2 || strings.Count(out.String(), "\n") != 2 {
			t.Errorf("%s = %s: %d lines: %s", column, value, n, &out)
		}
		done, skipped, err := q.RequeueJobs(t.Context(), states("discarded"), nil)
		if done < 2 || done+skipped != 3 || err != nil {
			t.Errorf("%s = %s: %d requeued, %d skipped, %v", column, value, done, skipped, err)
		}
		must(t, e.exec(t.Context(), fmt.Sprintf("UPDATE river_job SET state = 'discarded', finalized_at = CURRENT_TIMESTAMP WHERE id = %d", bad)))
		until(t, "it is listed among the failures", func() bool {
			return slices.ContainsFunc(q.Failures(), func(f channelq.Failure) bool { return f.ID == bad })
		})
		must(t, q.Discard(bad))
		must(t, e.exec(t.Context(), "DELETE FROM river_job"))
	}
}
