package sqlitedb_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/steadgo/stead/durable/sqlitedb"
)

const well = "_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"

func TestWrapSaysWhatToChange(t *testing.T) {
	for params, want := range map[string]string{
		well: "",
		strings.Replace(well, "immediate", "deferred", 1):  "_txlock=immediate",
		strings.Replace(well, "immediate", "exclusive", 1): "",
		strings.Replace(well, "WAL", "TRUNCATE", 1):        "journal_mode is truncate",
		strings.Replace(well, "FULL", "NORMAL", 1):         "synchronous is 1",
		strings.Replace(well, "5000", "0", 1):              "busy_timeout is 0",
		"mode=memory&" + well:                              "in memory",
	} {
		db := open(t, params, 1)
		s, err := sqlitedb.Wrap(db)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", params, err)
			continue
		}
		var wait string
		if err := db.QueryRowContext(t.Context(), "PRAGMA busy_timeout").Scan(&wait); err != nil || wait == "0" != strings.Contains(params, "(0)") {
			t.Errorf("%s: busy_timeout is %s after it, %v", params, wait, err)
		}
		if err == nil && want == "" && (s.DB() != db || s.Close() != nil || db.PingContext(t.Context()) != nil) {
			t.Error("the database is not the caller's any more")
		}
	}
	for want, db := range map[string]*sql.DB{"is nil": nil, "SetMaxOpenConns(1)": open(t, well, 0)} {
		if _, err := sqlitedb.Wrap(db); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// Who begins while another process writes cannot be seen to begin at once, but that it
// is not let in shows it.
func TestAWriterElsewhereIsNoErrorOfWrap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	other := openAt(t, path, well, 1)
	tx, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := sqlitedb.Wrap(openAt(t, path, well, 1)); err != nil {
		t.Error(err)
	}
}

func open(t *testing.T, params string, conns int) *sql.DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "app 100%?.db"), params, conns)
}

func openAt(t *testing.T, path, params string, conns int) *sql.DB {
	t.Helper()
	path = strings.NewReplacer("%", "%25", "?", "%3f", " ", "%20").Replace(path)
	db, err := sql.Open("sqlite", "file:"+path+"?"+params)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(conns)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
