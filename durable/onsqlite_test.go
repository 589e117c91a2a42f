package durable_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/sqlite"
	"github.com/steadgo/stead/periodic"
)

func TestOnSQLite(t *testing.T) {
	t.Parallel()
	suite(t, func(t *testing.T) env[*sql.Tx] {
		t.Helper()
		t.Parallel() // each has a file of its own, for which it mostly waits; on a server they would share its locks
		return openSQLite(t)
	})
}

func openSQLite(t *testing.T) env[*sql.Tx] {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jobs 100%?.db")
	open := func(t *testing.T) *sqlite.Store {
		t.Helper()
		s, err := sqlite.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { must(t, s.Close()) })
		return s
	}
	s := open(t)
	must(t, durable.Migrate(t.Context(), s))
	return env[*sql.Tx]{
		store: s,
		begin: func(ctx context.Context) (*sql.Tx, error) { return s.DB().BeginTx(ctx, nil) },
		end: func(_ context.Context, tx *sql.Tx, commit bool) error {
			if commit {
				return tx.Commit()
			}
			return tx.Rollback()
		},
		exec: func(ctx context.Context, statement string) error {
			_, err := s.DB().ExecContext(ctx, statement)
			return err
		},
		age: "UPDATE stead_instance SET seen = seen - 61000",
		by:  `'["the dead"]'`,
		old: `WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < 699)
				INSERT INTO stead_hour SELECT 'numbers', unixepoch() / 3600 * 3600 - CASE WHEN n < 50 THEN 25 ELSE 31 END * 86400 - n * 3600, 1, 0, 0 FROM s;
			WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < 599)
				INSERT INTO stead_audit SELECT n - 1000, (unixepoch() - CASE WHEN n < 550 THEN 91 ELSE 89 END * 86400) * 1000, '', '', '', '', 0, 0, '' FROM s`,
		wish:  `jsonb_set(metadata, '$.cancel_attempted_at', '2026-01-01T00:00:00Z')`,
		again: func(t *testing.T) durable.Store[*sql.Tx] { t.Helper(); return open(t) },
	}
}

// A page that is open must not read all jobs there are.
func TestTheJobsOfSlotsAreFoundByAnIndex(t *testing.T) {
	e := openSQLite(t)
	plan := planOnSQLite(t, e.store.(*sqlite.Store).DB(), durable.RowsOfKeys["sqlite"], []any{`["01", "02"]`})
	if !strings.Contains(plan, "USING INDEX river_job_unique_idx") {
		t.Errorf("the plan is %s", plan)
	}
}

func TestWhatIsWrongWithAScheduleIsSaid(t *testing.T) {
	e := openSQLite(t)
	jobs := newJobs(t, e.store, durable.EnqueueAndWork)
	q := newQueue(t, jobs, "tick", nothing[int], durable.QueueConfig[int]{})
	for field, o := range map[string]durable.EveryOption{
		"MissedGrace": durable.MissedGrace(-1), "Missed is": durable.Missed(periodic.CatchUp(3)), "option is nil": nil,
	} {
		err := durable.Every(q, "bad", hours(1), func() int { return 1 }, o)
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
