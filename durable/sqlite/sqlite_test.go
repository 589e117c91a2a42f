package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/durable/sqlite"
)

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	for _, path := range []string{"", ":memory:", filepath.Join(t.TempDir(), "missing", "jobs.db"), t.TempDir()} {
		if s, err := sqlite.Open(path); err == nil {
			t.Errorf("%q was opened", path)
			_ = s.Close()
		} else if !strings.HasPrefix(err.Error(), "stead/durable/sqlite: open") {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestOpenNamesTheDirectoryThatIsMissing(t *testing.T) {
	dir := t.TempDir()
	missing, file := filepath.Join(dir, "missing"), filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, parent := range []string{missing, file} {
		_, err := sqlite.Open(filepath.Join(parent, "jobs.db"))
		if err == nil || !strings.Contains(err.Error(), "director") || strings.Count(err.Error(), parent) != 2 {
			t.Errorf("%v", err)
		}
	}
	if _, err := sqlite.Open(dir); err == nil || !strings.HasSuffix(err.Error(), "it is a directory") {
		t.Errorf("%v", err)
	}
	t.Chdir(dir)
	s, err := sqlite.Open("jobs.db")
	if err != nil {
		t.Fatal(err)
	}
	if s.String() != "jobs.db" {
		t.Errorf("the log says %q", s)
	}
	_ = s.Close()
}

func TestTheFileSurvivesAPowerCutAndWaitsForLocks(t *testing.T) {
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "jobs.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "5000"} {
		var got string
		if err := s.DB().QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, %v", pragma, got, err)
		}
	}
}

func TestCountsKeepsTheEarliestDueTime(t *testing.T) {
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "jobs.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if _, err := store.Of(s).Counts(t.Context()); err == nil {
		t.Error("counted without tables")
	}
	if err := durable.Migrate(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	jobs, err := durable.New(s, durable.Config{Mode: durable.EnqueueOnly})
	if err != nil {
		t.Fatal(err)
	}
	q, err := durable.NewQueue[int](jobs, "later", nil, durable.QueueConfig[int]{})
	if err != nil {
		t.Fatal(err)
	}
	due := time.Now().Add(time.Hour).Truncate(time.Second)
	for i := range 3 {
		if _, err := q.EnqueueWith(t.Context(), i, durable.At(due.Add(time.Duration(i)*time.Minute))); err != nil {
			t.Fatal(err)
		}
	}
	list, err := store.Of(s).Counts(t.Context())
	if err != nil || len(list) != 1 || list[0].N != 3 || list[0].State != "scheduled" || !list[0].Due.Equal(due) {
		t.Errorf("%+v, %v; want %v", list, err, due)
	}
}

func TestManyMayOpenAndCloseANewFileAtOnce(t *testing.T) {
	for round := range 40 {
		path := filepath.Join(t.TempDir(), "jobs.db")
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				s, err := sqlite.Open(path)
				if err == nil {
					err = s.Close()
				}
				if err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		all.Wait()
	}
}
