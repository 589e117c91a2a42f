package durable_test

import (
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/sqlite"
)

var plannedFilters = []channelq.JobFilter{
	{},
	{ID: 7},
	{Key: "k", Error: "no paper", Since: time.Now().Add(-time.Hour), Until: time.Now()},
}

// However many jobs there are, what lists, counts and changes them goes through no more than
// an index gives it.
func TestFiltersReadNoRowThatTheirIndexDoesNotGiveOnSQLite(t *testing.T) {
	e := openSQLite(t)
	fill(t, e, 2000)
	db := e.store.(*sqlite.Store).DB()
	for _, statistics := range []string{"SELECT 1", "ANALYZE"} {
		must(t, e.exec(t.Context(), statistics))
		for _, f := range plannedFilters {
			for statement, args := range durable.FilterStatements(newJobs(t, e.store, durable.EnqueueOnly), f) {
				plan := planOnSQLite(t, db, statement, args)
				if strings.Contains(plan, "SCAN river_job") || !strings.Contains(plan, "SEARCH river_job") {
					t.Errorf("after %s: %s\n%s", statistics, statement, plan)
				}
				if inner, _, _ := strings.Cut(plan, "SCAN c"); strings.Contains(inner, "TEMP B-TREE") {
					t.Errorf("after %s it sorts before it ends: %s\n%s", statistics, statement, plan)
				}
			}
		}
	}
}

func planOnSQLite(t *testing.T, db *sql.DB, statement string, args []any) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, args...)
	must(t, err)
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var line string
		must(t, rows.Scan(&id, &parent, &unused, &line))
		plan.WriteString(line + "\n")
	}
	must(t, errors.Join(rows.Err(), rows.Close())) //nolint:sqlclosecheck // the next query needs the one connection
	return plan.String()
}
