package filestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steadgo/stead/periodic/filestore"
)

func TestTheInstantOfAnyNameIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "dir")
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	s, err := filestore.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	at := time.Date(2026, 3, 4, 5, 6, 7, 89, berlin)
	var wg sync.WaitGroup
	long := strings.Repeat("Größe", 100)
	for i, name := range []string{"plain", "a/b", "..", ".", "Größe", "a b%2Fc", "c:\\d", long + "1", long + "2"} {
		if last, err := s.LastRun(ctx, name); err != nil || !last.IsZero() {
			t.Errorf("%q before: %v %v", name, last, err)
		}
		wg.Go(func() {
			for n := range 3 {
				if err := s.SaveLastRun(ctx, name, at.Add(time.Duration(10*i+n))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	again, err := filestore.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	if last, err := again.LastRun(ctx, ".."); err != nil || !last.Equal(at.Add(22)) {
		t.Errorf("read back %v, %v", last, err)
	}
	if last, err := again.LastRun(ctx, long+"1"); err != nil || !last.Equal(at.Add(72)) {
		t.Errorf("read back %v, %v", last, err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 9 {
		t.Errorf("files %v %v", files, err)
	}
	for _, f := range files {
		if strings.ContainsAny(f.Name(), `:\/*?"<>|`) {
			t.Errorf("%q is no name on every system", f.Name())
		}
	}
}

func TestAFailureNamesTheJobAndLeavesNothing(t *testing.T) {
	dir, ctx, at := t.TempDir(), t.Context(), time.Unix(1, 0)
	s, err := filestore.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "broken.lastrun"), []byte("yesterday"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.LastRun(ctx, "broken"); err == nil || !strings.Contains(err.Error(), `"broken"`) {
		t.Errorf("broken file: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "taken.lastrun"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveLastRun(ctx, "taken", at); err == nil {
		t.Error("a directory was replaced")
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("a failed save leaves %v", files)
	}
	if _, err := filestore.New(filepath.Join(dir, "broken.lastrun")); err == nil {
		t.Error("a file is no directory")
	}
	if _, err := filestore.New(""); err == nil || !strings.Contains(err.Error(), "the directory is empty") {
		t.Errorf("without a directory: %v", err)
	}
	var target *os.PathError
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveLastRun(ctx, "plain", at); !errors.As(err, &target) {
		t.Errorf("without its directory: %v", err)
	}
}

// RFC 3339 has offsets of whole minutes, and of less than a day.
func TestAnInstantWithAnOddOffsetIsKept(t *testing.T) {
	s, err := filestore.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int{-99, 5*3600 + 53*60 + 28, 30 * 3600, -24 * 3600} {
		at := time.Date(2026, 3, 4, 5, 6, 7, 89, time.FixedZone("odd", offset))
		if err := s.SaveLastRun(t.Context(), "odd", at); err != nil {
			t.Fatal(err)
		}
		if last, err := s.LastRun(t.Context(), "odd"); err != nil || !last.Equal(at) {
			t.Errorf("offset %d: %v, %v", offset, last, err)
		}
	}
}
