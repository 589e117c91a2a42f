package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/steadgo/stead/channelq"
)

// settled is how long a file must have been left alone before it is taken: a
// large one takes a while to copy. Who moves files into the folder, or calls them
// *.part until they are complete, is safe in any case.
const settled = time.Second

// spool is a folder with three others: files wait in "in", their packed copies go
// to "out", and files that cannot be packed go to "failed".
type spool struct {
	root  *os.Root // nothing outside of it is touched, whatever links lie in it
	log   *slog.Logger
	taken sync.Map // names between findInto and their fate: each is queued once
}

func openSpool(dir string) (*spool, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	s := &spool{root: root, log: slog.New(slog.DiscardHandler)}
	for _, name := range []string{"out", "failed", "in"} {
		switch err := root.Mkdir(name, 0o775); {
		case err != nil && !errors.Is(err, fs.ErrExist):
			return nil, err
		case err == nil && name == "in": // something to see at the first start
			if err := root.WriteFile("in/hello.txt", []byte("Hello.\n"), 0o644); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// findInto is the scan: it queues what is new. When the queue is full the rest is
// found by the next scan, as the folder does not forget.
func (s *spool) findInto(queue *channelq.Queue[string]) func(context.Context) error {
	return func(context.Context) error {
		entries, err := fs.ReadDir(s.root.FS(), "in")
		if err != nil {
			return err
		}
		for _, entry := range entries {
			info, err := entry.Info()
			switch {
			case err != nil, !info.Mode().IsRegular(), time.Since(info.ModTime()) < settled:
				continue
			case strings.HasPrefix(entry.Name(), "."), strings.HasSuffix(entry.Name(), ".part"):
				continue
			}
			if _, known := s.taken.LoadOrStore(entry.Name(), true); known {
				continue
			}
			if err := queue.TryEnqueue(entry.Name()); err != nil {
				s.taken.Delete(entry.Name())
				if errors.Is(err, channelq.ErrFull) {
					return nil
				}
				return err
			}
		}
		return nil
	}
}

// pack makes the packed copy and then removes the file. A crash between the two
// has the file packed again, into the same copy: at least once, and no harm done.
func (s *spool) pack(ctx context.Context, name string) error {
	in, err := s.root.Open(path.Join("in", name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.taken.Delete(name) // the user took it back, or it was listed just as it was packed
		return nil
	case err != nil:
		return err
	}
	defer func() { _ = in.Close() }()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	copied := path.Join("out", stamped(name, info)+".gz")
	if err := s.write(ctx, copied+".part", in); err != nil {
		_ = s.root.Remove(copied + ".part")
		return fmt.Errorf("pack: %w", err)
	}
	if err := s.root.Rename(copied+".part", copied); err != nil {
		return err
	}
	if err := s.root.Remove(path.Join("in", name)); err != nil {
		return err
	}
	s.taken.Delete(name)
	s.log.Info("file packed", "file", path.Join(s.root.Name(), copied), "bytes", info.Size())
	return nil
}

func (s *spool) write(ctx context.Context, name string, from io.Reader) (err error) {
	out, err := s.root.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	packer := gzip.NewWriter(out)
	if _, err := io.Copy(packer, until{ctx, from}); err != nil {
		return err
	}
	if err := packer.Close(); err != nil {
		return err
	}
	return out.Sync() // the original is about to go
}

// until is a reader that ends with its context: a stop need not wait for a large
// file.
type until struct {
	ctx  context.Context
	from io.Reader
}

func (u until) Read(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.from.Read(p)
}

// stamped is a name for what was made of a file. Two files of one name, a day
// apart, make two; one file makes the same at each attempt.
func stamped(name string, info fs.FileInfo) string {
	return name + info.ModTime().UTC().Format(".20060102T150405.000000000")
}

// setAside moves a file that no attempt could pack out of the way of the scan.
func (s *spool) setAside(_ context.Context, name string, _ error) {
	info, err := s.root.Lstat(path.Join("in", name))
	if err == nil {
		err = s.root.Rename(path.Join("in", name), path.Join("failed", stamped(name, info)))
	}
	if err != nil {
		s.log.Error("file not moved to failed", "error", err) // it stays taken: no endless loop
		return
	}
	s.taken.Delete(name)
}

// leave is told what the stop did not get packed. It lies in its folder still,
// which is to say that it is taken care of: the stop is a clean one.
func (s *spool) leave(_ context.Context, names []string) error {
	s.log.Info("files left for the next start", "files", len(names))
	return nil
}
