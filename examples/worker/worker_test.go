package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/hosted/hostedtest"
	"github.com/steadgo/stead/periodic"
)

func open(t *testing.T) (*spool, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := openSpool(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.root.Close() })
	if err := os.Remove(filepath.Join(dir, "in", "hello.txt")); err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func newQueue(t *testing.T, capacity int) *channelq.Queue[string] {
	t.Helper()
	q, err := channelq.New(channelq.Config[string]{Name: "files", Capacity: capacity})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestScanTakesEachFileOnceAndLeavesUnfinishedOnes(t *testing.T) {
	s, dir := open(t)
	q := newQueue(t, 10)
	put(t, dir, "a", "")
	put(t, dir, ".hidden", "")
	put(t, dir, "b.part", "")
	put(t, dir, "fresh", "")
	still := time.Now().Add(time.Hour) // however long the scans take, it was written less than a second ago
	if err := os.Chtimes(filepath.Join(dir, "in", "fresh"), still, still); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "in", "link")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.findInto(q)(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if name, err := q.TryDequeue(); name != "a" || err != nil || q.Len() != 0 {
		t.Errorf("got %q, %v and %d more", name, err, q.Len())
	}
}

func TestScanFindsLaterWhatDidNotFitIntoTheQueue(t *testing.T) {
	s, dir := open(t)
	q := newQueue(t, 1)
	put(t, dir, "a", "")
	put(t, dir, "b", "")
	for _, want := range []string{"a", "b"} {
		if err := s.findInto(q)(t.Context()); err != nil {
			t.Fatal(err)
		}
		if name, _ := q.TryDequeue(); name != want {
			t.Errorf("got %q, want %q", name, want)
		}
	}
}

func TestAFileIsPackedAgainIntoTheSameCopyAfterACrash(t *testing.T) {
	s, dir := open(t)
	for range 2 { // the file is back: it had not been removed yet
		put(t, dir, "a", "text")
		old := time.Unix(1000, 0)
		if err := os.Chtimes(filepath.Join(dir, "in", "a"), old, old); err != nil {
			t.Fatal(err)
		}
		if err := s.pack(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	if text := packed(t, dir, "a"); text != "text" {
		t.Errorf("got %q", text)
	}
	if err := s.pack(t.Context(), "a"); err != nil {
		t.Errorf("a file that has gone: %v", err)
	}
}

func TestAFileIsStillThereWhenPackingWasCutShort(t *testing.T) {
	s, dir := open(t)
	put(t, dir, "a", "text")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(channelq.ErrStopping)
	if err := s.pack(ctx, "a"); !errors.Is(err, channelq.ErrStopping) {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "out")); len(left) > 0 || !exists(dir, "a") {
		t.Errorf("in out: %v", left)
	}
	s.setAside(t.Context(), "a", nil)
	if found, _ := filepath.Glob(filepath.Join(dir, "failed", "a.*")); len(found) != 1 || exists(dir, "a") {
		t.Errorf("in failed: %v", found)
	}
}

func TestSettingsAreUsedAllOrNotAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, 1)
		packers, err := channelq.NewWorkers(q, func(context.Context, string) error { return nil }, channelq.WorkerConfig[string]{})
		if err != nil {
			t.Fatal(err)
		}
		if err := packers.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		scan, err := periodic.New(periodic.Config{Name: "scan", Schedule: periodic.Every(time.Hour), Phase: -1}, func(context.Context) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if err := scan.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := &settings{file: filepath.Join(t.TempDir(), "settings.json"), packers: packers, scan: scan, log: slog.New(slog.DiscardHandler)}
		use := func(text string) error {
			if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			defer synctest.Wait()
			return s.Reload(t.Context())
		}
		inUse := func() (int, time.Duration) { return packers.Stats().Workers, time.Until(scan.Next()) }

		if err := use(`{"packers": 3, "scan_seconds": 2}`); err != nil {
			t.Fatal(err)
		}
		for _, wrong := range []string{`{"packers": 5, "scan_seconds": 0}`, `{"packers": 5, "file_per_second": 1}`, `{"packers": 5`, `{"files_per_second": -1}`} {
			if err := use(wrong); err == nil {
				t.Errorf("%s is used", wrong)
			}
		}
		if workers, next := inUse(); workers != 3 || next != 2*time.Second {
			t.Errorf("got %d workers, next scan in %v", workers, next)
		}
		if err := use(`{}`); err != nil {
			t.Fatal(err)
		}
		if workers, next := inUse(); workers != 2 || next != time.Second {
			t.Errorf("defaults: got %d workers, next scan in %v", workers, next)
		}
		for _, stop := range []func(context.Context) error{scan.Stop, packers.Stop} {
			if err := stop(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestAllServicesStartAndStop(t *testing.T) {
	s, dir := open(t)
	put(t, dir, "a", "text")
	host, _ := build(options{dir: dir, probes: "127.0.0.1:0", shutdown: time.Minute}, s, slog.New(slog.DiscardHandler))
	hostedtest.Start(t, host)
}
