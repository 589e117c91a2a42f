package sqlitedb_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/durable/sqlitedb"
)

// What others write to the log ends the wait, also when the log is another file by then.
func TestAWatchedFileIsNotLookedAt(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the file is looked at")
	}
	path := filepath.Join(t.TempDir(), "app.db-wal")
	w := sqlitedb.NewWatch(path)
	if w == nil {
		t.Skip("the system grants no watch")
	}
	defer w.Close()
	if w.Begin() {
		t.Error("a file that is not there is watched")
	}
	for i := range 3 {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if !w.Begin() {
			t.Fatal("not watched")
		}
		if w.Wait(t.Context(), time.Millisecond) {
			t.Error("nobody has written")
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteString("frame")
		if err != nil || !w.Begin() || !w.Wait(t.Context(), time.Minute) {
			t.Error("a write was not told", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		if w.Wait(ctx, time.Hour); ctx.Err() == nil {
			t.Error("the end of the context does not end the wait")
		}
		if err := os.Rename(path, path+strconv.Itoa(i)); err != nil || f.Close() != nil {
			t.Fatal(err)
		}
	}
}

// A commit is in the log before it is to be seen, so the last look at a log counts only
// if it came long enough after the log was written.
func TestACommitThatTakesItsTimeIsSeen(t *testing.T) {
	_, s, other := counted(t)
	log := s.String() + "-wal"
	insert := func(written time.Time) {
		t.Helper()
		_, err := other.ExecContext(t.Context(), `INSERT INTO river_job (args, kind, max_attempts, queue, state, priority, scheduled_at)
			VALUES (jsonb('{}'), 'k', 3, 'one', 'available', 1, '2020-01-01 00:00:00.000')`)
		if err == nil {
			_, err = other.ExecContext(t.Context(), "PRAGMA wal_checkpoint(RESTART)") // so the log does not grow
		}
		if err == nil {
			err = os.Chtimes(log, written, written)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		written := time.Now().Add(-sqlitedb.Settled + 100*time.Millisecond)
		insert(written)
		take(t, s, "one")
		if err := os.Chtimes(log, written, written); err != nil { // the take has written too
			t.Fatal(err)
		}
		if _, _, err := store.Of(s).Due(t.Context(), []string{"one"}); err != nil {
			t.Fatal(err)
		}
		if time.Since(written) > sqlitedb.Settled {
			continue // too late to show it
		}
		before, err := os.Stat(log)
		if err != nil {
			t.Fatal(err)
		}
		insert(written)
		if after, err := os.Stat(log); err != nil || after.Size() != before.Size() {
			continue // which shows it to everybody
		}
		time.Sleep(time.Until(written.Add(sqlitedb.Settled + time.Millisecond)))
		if got := take(t, s, "one"); len(got) != 1 {
			t.Errorf("a job was overlooked: %v", got)
		}
		return
	}
	t.Skip("too slow to show it")
}
