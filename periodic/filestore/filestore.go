package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/steadgo/stead/periodic"
)

var _ periodic.LastRunStore = (*Store)(nil)

// Store is a [periodic.LastRunStore] with one small file per job in a directory.
// Make it with [New]. Its methods may be called concurrently; they do not look at
// their context, because a small file takes no time worth cancelling.
type Store struct{ dir string }

// New returns a store in dir and makes that directory, and those above it, if
// there is none. There is nothing to close.
func New(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, opError("open", dir, err)
	}
	return &Store{dir}, nil
}

// path escapes what file systems do not like in names; the suffix keeps "." and
// ".." harmless.
func (s *Store) path(job string) string {
	return filepath.Join(s.dir, url.PathEscape(job)+".lastrun")
}

// LastRun reads the job's file. That there is none is not an error: it returns
// the zero time then.
func (s *Store) LastRun(_ context.Context, job string) (time.Time, error) {
	text, err := os.ReadFile(s.path(job))
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, opError("read last run of", job, err)
	}
	t, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(string(text)))
	return t, opError("read last run of", job, err)
}

// SaveLastRun replaces the job's file and returns when the new one is on the disk.
// If it fails, the old one is still there.
func (s *Store) SaveLastRun(_ context.Context, job string, slot time.Time) error {
	return opError("save last run of", job, s.replace(s.path(job), slot.Format(time.RFC3339Nano)+"\n"))
}

func (s *Store) replace(path, text string) (err error) {
	f, err := os.CreateTemp(s.dir, ".lastrun-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync())
	err = errors.Join(err, f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// opError is err with the package, the verb and the name of the job or directory.
func opError(verb, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("stead/periodic/filestore: %s %q: %w", verb, name, err)
}
