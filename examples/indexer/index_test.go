package main

import (
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/hosted/hostedtest"
	"github.com/steadgo/stead/lifecycle"
)

func openTemp(t *testing.T) *sql.DB {
	t.Helper()
	db, err := openDB(filepath.Join(t.TempDir(), "index.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// gated is a folder that nobody can open before the gate is open.
type gated struct {
	fs.FS
	reached, open chan struct{}
	once          sync.Once
}

func (g *gated) Open(name string) (fs.File, error) {
	g.once.Do(func() { close(g.reached) })
	<-g.open
	return g.FS.Open(name)
}

func state(host *hosted.Host, service string) lifecycle.State {
	all := host.Services()
	return all[slices.IndexFunc(all, func(s hosted.ServiceStatus) bool { return s.Name == service })].State
}

func TestTheIndexWaitsForTheFirstSync(t *testing.T) {
	db := openTemp(t)
	folder := &gated{FS: fstest.MapFS{"a.md": {Data: []byte("first")}}, reached: make(chan struct{}), open: make(chan struct{})}
	host := newHost(folder, "127.0.0.1:0", db, slog.New(slog.DiscardHandler))
	checked := make(chan struct{})
	go func() {
		defer close(checked)
		<-folder.reached
		for state(host, "http") != lifecycle.Running || state(host, "index") != lifecycle.Starting {
			runtime.Gosched() // until only the sync is missing
		}
		if hits := mustFind(t, db, "first"); len(hits) > 0 {
			t.Errorf("before the first sync it finds %v", hits)
		}
		close(folder.open)
	}()
	hostedtest.Start(t, host)
	<-checked
	if hits := mustFind(t, db, "first"); len(hits) != 1 || hits[0] != (hit{"a.md", "[first]"}) {
		t.Errorf("after the start it finds %v", hits)
	}
}

func TestAFailedFirstSyncFailsTheStartWithItsError(t *testing.T) {
	broken := errors.New("the disk is on fire")
	host := newHost(brokenFS{broken}, "127.0.0.1:0", openTemp(t), slog.New(slog.DiscardHandler))
	err := host.Start(t.Context())
	var failed *hosted.ServiceError
	if !errors.Is(err, broken) || !errors.As(err, &failed) || failed.Service != "sync" {
		t.Errorf("the start failed with %v", err)
	}
}

type brokenFS struct{ err error }

func (b brokenFS) Open(string) (fs.File, error) { return nil, b.err }

func TestASearchTakesWhateverPeopleType(t *testing.T) {
	db := openTemp(t)
	news := make(chan struct{}, 1)
	folder := fstest.MapFS{
		"c.md":  {Data: []byte("Why C++ isn't C AND why NOT")},
		"go.md": {Data: []byte("Go has goroutines")},
	}
	s, x := &syncer{folder, db, news}, &index{db, news, slog.New(slog.DiscardHandler)}
	if err := errors.Join(s.sync(t.Context()), x.catchUp(t.Context())); err != nil {
		t.Fatal(err)
	}
	for words, want := range map[string]string{
		"c++": "c.md", "isn't": "c.md", "why AND not": "c.md", "GOROUTINES go": "go.md",
		"go c": "", `"`: "", "*": "", "path:go": "", "NEAR(go c)": "", "-go": "go.md",
	} {
		var found []string
		for _, h := range mustFind(t, db, words) {
			found = append(found, h.Path)
		}
		if got := strings.Join(found, " "); got != want {
			t.Errorf("%q finds %q, want %q", words, got, want)
		}
	}
}

func mustFind(t *testing.T, db *sql.DB, words string) []hit {
	t.Helper()
	hits, err := (&index{db: db}).search(t.Context(), words)
	if err != nil {
		t.Errorf("search for %q: %v", words, err)
	}
	return hits
}

// A lock that another process holds keeps nobody from stopping in time.
func TestAStopEndsAWaitForALock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "index.db")
	db, err := openDB(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	folder, news := fstest.MapFS{"a.md": {Data: []byte("first")}}, make(chan struct{}, 1)
	s := &syncer{files: folder, db: db, news: news}
	if err := s.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	host := hosted.New(hosted.Config{ShutdownTimeout: 8 * time.Second})
	x := &index{db: db, news: news, log: slog.New(slog.DiscardHandler)}
	host.Task("sync", s.sync)
	host.Go("index", x.run, hosted.WaitReady())
	hostedtest.Start(t, host)
	lock, err := db.BeginTx(t.Context(), nil) // takes the right to write
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Rollback() }()
	news <- struct{}{}
	for len(news) > 0 {
		runtime.Gosched() // until the index waits for the lock, or is about to
	}
	if err := host.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
