package filestore

import (
	"context"
	"crypto/sha256"
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
// Use [New] to create it. A Store is safe for concurrent use. Its methods ignore
// their context, because a small file takes no time worth canceling.
type Store struct{ dir string }

// New returns a store in dir. It creates that directory and its parents if they do
// not exist. A store need not be closed.
func New(dir string) (*Store, error) {
	if dir == "" {
		return nil, errors.New("stead/periodic/filestore: open: the directory is empty")
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, opError("open", dir, err)
	}
	return &Store{dir}, nil
}

// longest is the maximum length of an escaped name. Most file systems allow 255
// bytes.
const longest = 200

// path escapes characters that file systems do not accept. The suffix keeps "." and
// ".." harmless. In a name that is too long, a hash replaces the rest. An escaped
// name never contains the mark before the hash.
func (s *Store) path(job string) string {
	name := strings.ReplaceAll(url.PathEscape(job), ":", "%3A")
	if len(name) > longest {
		name = fmt.Sprintf("%s%%-%x", name[:longest/2], sha256.Sum256([]byte(job)))
	}
	return filepath.Join(s.dir, name+".lastrun")
}

// LastRun reads the file of the job. It returns the zero time if there is none.
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

// SaveLastRun replaces the file of the job with one that was flushed to disk. If it
// fails, or the machine crashes at that moment, the old file may still be there.
func (s *Store) SaveLastRun(_ context.Context, job string, slot time.Time) error {
	if _, offset := slot.Zone(); offset%60 != 0 || offset <= -24*60*60 || offset >= 24*60*60 {
		slot = slot.UTC() // the text cannot say such an offset: it would be another instant, or none
	}
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

// opError adds the package, the verb and the name of the job or directory to err.
func opError(verb, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("stead/periodic/filestore: %s %q: %w", verb, name, err)
}
