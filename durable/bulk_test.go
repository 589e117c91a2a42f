package durable_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/durable"
)

// bulkAsOne has what EnqueueAll stores, in all ways that it has, beside what Enqueue does.
func bulkAsOne[TTx any](t *testing.T, e env[TTx]) {
	items := []string{`a "quoted" \N \. text`, "tab\tand\nline", "größe 世界 🎉", "", "plain"}
	hooked := quick(durable.EnqueueOnly)
	hooked.Hooks = []rivertype.Hook{&river.HookDefaults{}}
	key := func(s string) string { return "key of " + s }
	for name, cfg := range map[string]durable.Config{"plain": quick(durable.EnqueueOnly), "hooked": hooked} {
		for at, when := range map[string][]durable.Option{"now": nil, "later": {durable.At(time.Now().Add(time.Hour))}} {
			jobs, err := durable.New(e.again(t), cfg)
			must(t, err)
			keyed := newQueue[string](t, jobs, "keyed", nil, durable.QueueConfig[string]{Key: key})
			free := newQueue[string](t, jobs, "free", nil, durable.QueueConfig[string]{MaxWaiting: 10_000})
			opts := append(slices.Clone(when), durable.Priority(3), durable.Attempts(7), durable.Timeout(time.Minute), durable.Meta(map[string]string{"by": `o'neil "x"`}))
			for _, q := range []*durable.Queue[string]{keyed, free} {
				var ids []int64
				for _, item := range items {
					ids = append(ids, enqueue(t, q, item, opts...))
				}
				_, err := q.EnqueueAll(t.Context(), items, opts...)
				must(t, err)
				tx, err := e.begin(t.Context())
				must(t, err)
				_, err = durable.EnqueueAllTx(t.Context(), tx, q, items, opts...)
				must(t, err)
				must(t, e.end(t.Context(), tx, true))
				client, err := jobs.Client()
				must(t, err)
				for i := range items {
					var rows []*rivertype.JobRow
					for k := range 3 {
						row, err := client.JobGet(t.Context(), ids[i]+int64(k*len(items)))
						must(t, err)
						row.ID, row.CreatedAt, row.Metadata = 0, time.Time{}, ownOf(t, row.Metadata)
						if at == "now" {
							row.ScheduledAt = time.Time{}
						}
						rows = append(rows, row)
					}
					if !reflect.DeepEqual(rows[1], rows[0]) || !reflect.DeepEqual(rows[2], rows[0]) {
						t.Fatalf("%s %s, %s, item %d:\n%+v\n%+v\n%+v", name, at, q.Name(), i, rows[0], rows[1], rows[2])
					}
				}
			}
		}
	}
}

// ownOf is metadata without what the engine writes there, which differs each time.
func ownOf(t *testing.T, metadata []byte) []byte {
	t.Helper()
	var m map[string]json.RawMessage
	must(t, json.Unmarshal(metadata, &m))
	delete(m, "river:unique_nonce")
	raw, err := json.Marshal(m)
	must(t, err)
	return raw
}
