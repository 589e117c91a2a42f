package durable_test

import (
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/durable/postgres"
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

func TestFiltersReadNoRowThatTheirIndexDoesNotGiveOnPostgres(t *testing.T) {
	e := openPostgres(t)
	fill(t, e, 20_000)
	pool := e.store.(*postgres.Store).Pool()
	for _, statistics := range []string{"SELECT 1", "ANALYZE river_job"} {
		must(t, e.exec(t.Context(), statistics))
		tx, err := pool.Begin(t.Context())
		must(t, err)
		_, err = tx.Exec(t.Context(), durable.ByIndex)
		must(t, err)
		for _, f := range plannedFilters {
			for statement, args := range durable.FilterStatements(newJobs(t, e.store, durable.EnqueueOnly), f) {
				rows, err := tx.Query(t.Context(), "EXPLAIN "+store.Qualify(e.schema, statement), args...)
				must(t, err)
				lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
				must(t, err)
				plan := strings.Join(lines, "\n")
				_, inner, _ := strings.Cut(plan, "CTE c")
				inner, _, _ = strings.Cut(inner, "InitPlan")
				sorts := strings.ReplaceAll(inner, "Incremental Sort", "") // of those that ended at one instant
				if strings.Contains(inner, "Seq Scan") || strings.Contains(inner, "Bitmap") || !strings.Contains(inner, "Index") || strings.Contains(sorts, "Sort  (") {
					t.Errorf("after %s: %s\n%s", statistics, statement, plan)
				}
			}
		}
		must(t, tx.Rollback(t.Context()))
	}
}
