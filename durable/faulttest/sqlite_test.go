//go:build unix

package faulttest_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/steadgo/stead/durable/sqlite"
	"github.com/steadgo/stead/internal/testserver"
)

// smallDisk mounts a file system of 8 MB, which takes root or sudo.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	asRoot := func(args ...string) ([]byte, error) {
		if os.Getuid() != 0 {
			args = append([]string{"sudo", "-n"}, args...)
		}
		return exec.Command(args[0], args[1:]...).CombinedOutput()
	}
	if out, err := asRoot("mount", "-t", "tmpfs", "-o", "size=8m,mode=777", "stead-test", dir); err != nil {
		t.Skipf("this machine does not let the test mount a small disk: %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := asRoot("umount", "-l", dir); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	return dir
}

// fill takes all the space there is and returns what gives it back.
func fill(t *testing.T, dir string) (release func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	must(t, err)
	for size := 1 << 20; size > 0; size /= 2 {
		for err == nil {
			_, err = f.Write(make([]byte, size))
		}
		err = nil
	}
	must(t, f.Close())
	return func() { must(t, os.Remove(path)) }
}

func TestAFullDiskIsAnErrorAndWorkResumesWhenThereIsSpace(t *testing.T) {
	testserver.Wanted(t)
	t.Parallel()
	dir := smallDisk(t)
	b := onSQLite(t, dir)
	must(t, b.migrate(t.Context()))
	const away = 5 * time.Second
	first := 20
	b.tasks(t, 0, first)
	w := start(t, b, "-work", "300ms", "-timeout", "1m", "-rescue", "10m")
	first = b.busy(t, w, "task", 0, first)
	release := fill(t, dir)
	var full error
	accepted := span(0, first)
	for id := first; full == nil && id < 10_000; id++ { // until the space inside the file is used up too
		if full = b.enqueue(t.Context(), "task", []int{id}); full == nil {
			accepted = append(accepted, id)
		}
	}
	if full == nil || !strings.Contains(full.Error(), "full") {
		t.Errorf("enqueue on a full disk: %v", full)
	}
	time.Sleep(away)
	release()
	took := b.completed(t, "task", len(accepted), patience)
	w.finish()
	y := b.judge(t, "task", accepted)
	t.Logf("full for %v: %v; lost %d, ended twice %d, begun again %d, all %d done %v after there was space",
		away, full, len(y.lost), len(y.again), y.runs-len(accepted), len(accepted), took.Round(10*time.Millisecond))
	answer, err := b.column(t.Context(), "PRAGMA integrity_check")
	if err != nil || strings.Join(answer, " ") != "ok" {
		t.Errorf("integrity_check: %v %v", answer, err)
	}
}

func TestALockedFileDelaysWorkAndRunsNothingTwice(t *testing.T) {
	testserver.Wanted(t)
	t.Parallel()
	for name, held := range map[string]time.Duration{"ForLessThanTheBusyTimeout": time.Second, "ForHalfAMinute": 30 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 20
			b := onSQLite(t, t.TempDir())
			must(t, b.migrate(t.Context()))
			b.tasks(t, 0, n)
			w := start(t, b, "-work", "300ms", "-timeout", "1m", "-rescue", "10m")
			n = b.busy(t, w, "task", 0, n)

			locker, err := sqlite.Open(b.arg)
			must(t, err)
			defer func() { must(t, locker.Close()) }()
			tx, err := locker.DB().BeginTx(context.Background(), nil) // immediate: it takes the write lock
			must(t, err)
			locked := time.Now()
			release := time.AfterFunc(held, func() { _ = tx.Rollback() })
			defer release.Stop()
			err = b.enqueue(t.Context(), "task", []int{n})
			waited, accepted := time.Since(locked), span(0, n+1)
			if err != nil {
				accepted = span(0, n)
				if !strings.Contains(err.Error(), "locked") {
					t.Errorf("enqueue: %v", err)
				}
			}
			if short := held < 5*time.Second; short != (err == nil) {
				t.Errorf("locked for %v: enqueue says %v after %v", held, err, waited)
			}
			time.Sleep(time.Until(locked.Add(held)))
			took := b.completed(t, "task", len(accepted), patience)
			w.finish()
			y := b.judge(t, "task", accepted)
			t.Logf("locked for %v: an enqueue waited %v (%v); lost %d, ended twice %d, all done %v after it was free",
				held, waited.Round(10*time.Millisecond), err, len(y.lost), len(y.again), took.Round(10*time.Millisecond))
			if len(y.again) > 0 || y.runs != len(accepted) {
				t.Errorf("ended twice %v, begun %d times", y.again, y.runs)
			}
		})
	}
}
