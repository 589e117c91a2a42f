package sqlitedb_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/steadgo/stead/durable/sqlitedb"
)

// Millions of completed jobs cost the page nothing if no statement reads all rows.
func TestCountsReadNoRowThatTheyDoNotCount(t *testing.T) {
	_, s, _ := opened(t)
	for query, args := range sqlitedb.CountQueries {
		rows, err := s.DB().QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
		if err != nil {
			t.Fatal(err)
		}
		var plan strings.Builder
		for rows.Next() {
			var id, parent, unused int
			var line string
			if err := rows.Scan(&id, &parent, &unused, &line); err != nil {
				t.Fatal(err)
			}
			plan.WriteString(line + "\n")
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil { //nolint:sqlclosecheck // the next query needs the one connection
			t.Fatal(err)
		}
		if strings.Contains(plan.String(), "SCAN river_job") || !strings.Contains(plan.String(), "SEARCH river_job") {
			t.Errorf("%s\n%s", query, &plan)
		}
	}
}
