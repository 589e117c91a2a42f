package periodic

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// FileStore is a [LastRunStore] with one small file per job in a directory. A
// save replaces the file in one step and flushes it, so a crash leaves the old or
// the new time, not half of one. Stores of several processes may share the
// directory if their jobs have different names.
type FileStore struct{ dir string }

// NewFileStore makes the directory if there is none and returns a store in it.
func NewFileStore(dir string) (*FileStore, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, opError("open file store", dir, err)
	}
	return &FileStore{dir}, nil
}

// path escapes what file systems do not like in names; the suffix keeps "." and
// ".." harmless.
func (s *FileStore) path(job string) string {
	return filepath.Join(s.dir, url.PathEscape(job)+".lastrun")
}

// LastRun reads the job's file. That there is none is not an error.
func (s *FileStore) LastRun(_ context.Context, job string) (time.Time, error) {
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

// SaveLastRun replaces the job's file.
func (s *FileStore) SaveLastRun(_ context.Context, job string, slot time.Time) error {
	return opError("save last run of", job, s.replace(s.path(job), slot.Format(time.RFC3339Nano)+"\n"))
}

func (s *FileStore) replace(path, text string) (err error) {
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
