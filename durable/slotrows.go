package durable

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/durable/internal/store"
)

// keyIndex is the predicate of the engine's index over unique keys, by the name of
// the database. A statement that repeats it uses the index; without, it would read
// the whole table.
var keyIndex = map[string]string{
	"postgres": "unique_key IS NOT NULL AND unique_states IS NOT NULL AND river_job_state_in_bitmask(unique_states, state)",
	"sqlite": `unique_key IS NOT NULL AND unique_states IS NOT NULL AND CASE state
		WHEN 'available' THEN unique_states & (1 << 0) WHEN 'cancelled' THEN unique_states & (1 << 1)
		WHEN 'completed' THEN unique_states & (1 << 2) WHEN 'discarded' THEN unique_states & (1 << 3)
		WHEN 'pending' THEN unique_states & (1 << 4) WHEN 'retryable' THEN unique_states & (1 << 5)
		WHEN 'running' THEN unique_states & (1 << 6) WHEN 'scheduled' THEN unique_states & (1 << 7)
		ELSE 0 END >= 1`,
}

func (j *core) keyIndex() string { return store.Qualify(j.schema, keyIndex[j.engine.database()]) }

// slotRows are the jobs of the last slots of all schedules, by key, in one look
// into an index.
func (j *core) slotRows(now time.Time) map[string]*rivertype.JobRow {
	if !j.inUse() {
		return nil
	}
	return j.slots.look(func(ctx context.Context) (map[string]*rivertype.JobRow, error) {
		j.mu.Lock()
		client, schedules := j.client, j.shownLocked()
		j.mu.Unlock()
		var names []string
		keys := river.NamedArgs{}
		for _, s := range schedules {
			for _, m := range s.moments(now) {
				// All of one length: the engine takes a name that begins another for it.
				name := fmt.Sprintf("key_%05d", len(names))
				keys[name] = slotKey(s.kind, s.name, m.at)
				names = append(names, "@"+name)
			}
		}
		if len(names) == 0 {
			return nil, nil //nolint:nilnil // nothing to find
		}
		where := "unique_key IN (" + strings.Join(names, ", ") + ") AND " + j.keyIndex()
		res, err := client.JobList(ctx, river.NewJobListParams().First(min(len(names), 10_000)).Where(where, keys))
		if err != nil {
			return nil, err
		}
		rows := make(map[string]*rivertype.JobRow, len(res.Jobs))
		for _, row := range res.Jobs {
			rows[string(row.UniqueKey)] = row
		}
		return rows, nil
	})
}
