package sqlitedb_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/durable/sqlite"
)

// opened is a migrated store in a file of its own, and a queue in it.
func opened(t *testing.T) (path string, s *sqlite.Store, enqueue func() error) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "jobs.db")
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := durable.Migrate(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	jobs, err := durable.New(s, durable.Config{Mode: durable.EnqueueOnly})
	if err != nil {
		t.Fatal(err)
	}
	q, err := durable.NewQueue[string](jobs, "mails", nil, durable.QueueConfig[string]{})
	if err != nil {
		t.Fatal(err)
	}
	return path, s, func() error { return q.Enqueue(t.Context(), "x") }
}

// SQLite writes on into a file that has no name any more, and says that all is well.
func TestAFileThatWasMovedIsAnErrorOfEnqueueAtOnce(t *testing.T) {
	for what, move := range map[string]func(path string) error{
		"is gone": os.Remove,
		"is another file now": func(path string) error {
			return errors.Join(os.Rename(path, path+".old"), os.WriteFile(path, nil, 0o600))
		},
	} {
		path, s, enqueue := opened(t)
		if err := errors.Join(enqueue(), store.Of(s).Check(t.Context())); err != nil {
			t.Fatal(err)
		}
		if err := move(path); err != nil {
			t.Fatal(err)
		}
		for call, err := range map[string]error{"Enqueue": enqueue(), "Check": store.Of(s).Check(t.Context())} {
			if !errors.Is(err, durable.ErrDamaged) || !strings.HasSuffix(err.Error(), what) {
				t.Errorf("%s: %s: %v", what, call, err)
			}
		}
	}
}

func TestAProgramThatGoesElsewhereStillHasItsFile(t *testing.T) {
	t.Chdir(t.TempDir())
	s, err := sqlite.Open("jobs.db")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	t.Chdir(t.TempDir())
	if err := errors.Join(checker(s).Present(), checker(s).Verify(t.Context())); err != nil {
		t.Error(err)
	}
}

func TestADamagedFileIsFoundByALookThroughAllOfIt(t *testing.T) {
	path, s, enqueue := opened(t)
	for range 200 {
		if err := enqueue(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.DB().ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	if err := checker(s).Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(file []byte){
		"nothing but zeros": func(file []byte) { clear(file) },
		"pages in between":  func(file []byte) { copy(file[len(file)/2:], bytes.Repeat([]byte("x"), len(file)/4)) },
	} {
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bad := bytes.Clone(good)
		damage(bad)
		overwrite(t, path, bad)
		if err := checker(s).Verify(t.Context()); !errors.Is(err, durable.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		overwrite(t, path, good)
		if err := checker(s).Verify(t.Context()); err != nil {
			t.Errorf("%s, and mended: %v", name, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := checker(s).Verify(ended); err == nil || errors.Is(err, durable.ErrDamaged) {
		t.Errorf("a look that was ended: %v", err)
	}
}

// overwrite keeps the file what it is, as a second writer does.
func overwrite(t *testing.T, path string, content []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// checker is what durable calls of a store in a file beside what it does of all.
func checker(s store.Sealed[*sql.Tx]) interface {
	Present() error
	Verify(ctx context.Context) error
} {
	return store.Of(s).(interface {
		Present() error
		Verify(ctx context.Context) error
	})
}
