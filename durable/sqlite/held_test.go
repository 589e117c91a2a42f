package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/steadgo/stead/durable/sqlite"
)

func TestAFileThatTheProcessHasOpenOtherwiseIsRefused(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux says which files a process has open")
	}
	path := filepath.Join(t.TempDir(), "jobs.db")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, link} {
		if s, err := sqlite.Open(name); err == nil {
			_ = s.Close()
			t.Errorf("%s was opened a second time", name)
		} else if !strings.Contains(err.Error(), "sqlitedb.Wrap") {
			t.Errorf("%v", err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	first, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := sqlite.Open(link) // the same library
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(first.Close(), first.Close(), second.Close()); err != nil {
		t.Fatal(err)
	}
	if s, err := sqlite.Open(path); err != nil {
		t.Error(err)
	} else {
		_ = s.Close()
	}
}

func TestPragmasHoldForEveryConnection(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	s, err := sqlite.Open(path, sqlite.Pragma("foreign_keys", "on"), sqlite.Pragma("cache_size", "-4000"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for round := range 2 {
		var keys, cache string
		row := s.DB().QueryRowContext(t.Context(), "SELECT (SELECT foreign_keys FROM pragma_foreign_keys), (SELECT cache_size FROM pragma_cache_size)")
		if err := row.Scan(&keys, &cache); err != nil || keys != "1" || cache != "-4000" {
			t.Errorf("connection %d: %s %s %v", round, keys, cache, err)
		}
		s.DB().SetMaxIdleConns(-1) // closes the first connection
	}
}

func TestAPragmaThatIsNoneIsRefused(t *testing.T) {
	for want, o := range map[string]sqlite.Option{
		"an option is nil":       nil,
		"no pragma foreign_kyes": sqlite.Pragma("foreign_kyes", "on"),
		"set by the store":       sqlite.Pragma("Journal_Mode", "off"),
		"letters and underlines": sqlite.Pragma("a)&mode=ro", "on"),
		"the value of the":       sqlite.Pragma("foreign_keys", "on)&_txlock=deferred"),
	} {
		s, err := sqlite.Open(filepath.Join(t.TempDir(), "jobs.db"), o)
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "stead/durable/sqlite: open") {
			t.Errorf("%s: %v", want, err)
		}
	}
}
