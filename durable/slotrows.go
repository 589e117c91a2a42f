package durable

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"time"

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
		schedules := j.shownLocked()
		j.mu.Unlock()
		var keys []string
		for _, s := range schedules {
			for _, m := range s.moments(now) {
				keys = append(keys, hex.EncodeToString(slotKey(s.kind, s.name, m.at)))
			}
		}
		if len(keys) == 0 {
			return nil, nil //nolint:nilnil // nothing to find
		}
		list, err := json.Marshal(keys)
		if err != nil {
			return nil, err
		}
		var text string
		var ids []int64
		exec := j.engine.executor()
		if err := exec.QueryRow(ctx, rowsOfKeys[j.engine.database()]+keyIndex[j.engine.database()], string(list)).Scan(&text); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(text), &ids); err != nil {
			return nil, err
		}
		found, _, err := j.rows(ctx, exec, ids)
		rows := make(map[string]*rivertype.JobRow, len(found))
		for _, row := range found {
			rows[string(row.UniqueKey)] = row
		}
		return rows, err
	})
}

// rowsOfKeys are the jobs that have one of the keys in a list, without its last condition:
// keyIndex.
var rowsOfKeys = map[string]string{
	"postgres": `SELECT COALESCE(json_agg(id), '[]')::text FROM river_job
		WHERE unique_key = ANY(ARRAY(SELECT decode(value, 'hex') FROM json_array_elements_text($1::json))) AND `,
	"sqlite": "SELECT json_group_array(id) FROM river_job WHERE unique_key IN (SELECT unhex(value) FROM json_each(?1)) AND ",
}
